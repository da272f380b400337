"""One request to a protected page, and the parts of its route that are made once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from flask_proview._version import __version__
from flask_proview.config import Account, Config, Route
from flask_proview.origins import Origin

from .headers import INJECTED
from .identity import PENDING, Exchange, Identity, IdentityReader, Pending
from .insertion import Sniff
from .routes import Match
from .tag import script_tag

_ROOTS_REMEMBERED = 64


class RouteParts:
    """A route, its account, its id sources and its tags."""

    def __init__(self, config: Config, route: Route, account: Account | None) -> None:
        self.name = route.name or ""
        self.route = route
        self.account = account
        self.identity = IdentityReader(route.session, route.profile)
        self._config = config
        self._tags: dict[tuple[str, str], bytes] = {}
        self.injected = (INJECTED, self.name)
        # Changes with everything that changes the page, so that no copy made otherwise is ever revalidated.
        self.version = hashlib.sha256(f"{__version__} {route.mode} {self.tag('page', '')!r}".encode()).hexdigest()[:10]

    def tag(self, role: str, script_root: str) -> bytes:
        """The constant tag of one role."""
        key = (role, script_root)
        tag = self._tags.get(key)
        if tag is None:
            tag = script_tag(self._config, self.route, role, script_root).encode("ascii")
            if len(self._tags) < _ROOTS_REMEMBERED:
                self._tags[key] = tag
        return tag


@dataclass(slots=True)
class PageRequest:
    """``likelihood`` None: only watched, because it reached a stop path."""

    parts: RouteParts
    account: Account
    match: Match
    origin: Origin
    host: str
    path: str
    method: str
    script_root: str
    exchange: Exchange
    # As far as the request tells; PENDING parts are read again from the answer.
    session: str | None | Pending
    profile: str | None | Pending
    likelihood: Sniff | None
    framed: bool
    stops: bool
    # The client asked to revalidate a copy that we changed.
    revalidates: bool = field(default=False)

    def identity(self, response: Iterable[tuple[str, str]]) -> Identity:
        """Both ids, with the answer's headers at hand."""
        session, profile = self.session, self.profile
        if session is PENDING or profile is PENDING:
            exchange = Exchange(self.exchange.environ, self.match.variables, response)
            session = _known(self.parts.identity.session(exchange) if session is PENDING else session)
            profile = _known(self.parts.identity.profile(exchange) if profile is PENDING else profile)
        return Identity(session, profile)


def _known(value: str | None | Pending) -> str | None:
    return None if isinstance(value, Pending) else value
