"""One request to a protected page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .address import Address
from .identity import PENDING, UNREAD, Exchange, Identity, Pending
from .insertion import Sniff


class PageRequest:
    """``likelihood`` None: only watched, because it reached a stop path."""

    # As most requests are; set on the object where they are not.
    framed = False
    stops = False
    # The client asked to revalidate a copy that we changed.
    revalidates = False
    # The ids, where the address does not tell both: what the request tells. PENDING ones are read from the answer.
    _session: str | None | Pending = None
    _profile: str | None | Pending = None

    def __init__(self, address: Address, environ: dict[str, Any], likelihood: Sniff | None) -> None:
        self.address = address
        self.environ = environ
        self.likelihood = likelihood
        if address.identity is None:
            exchange, reader = Exchange(environ, address.match.variables), address.parts.identity
            self._session = reader.session(exchange) if address.session is UNREAD else address.session
            self._profile = reader.profile(exchange) if address.profile is UNREAD else address.profile

    @property
    def is_pending(self) -> bool:
        """Only the answer tells whose page it is."""
        return self._session is PENDING or self._profile is PENDING

    def identity(self, response: Iterable[tuple[str, str]]) -> Identity:
        """Both ids, with the answer's headers at hand."""
        known = self.address.identity
        if known is not None:
            return known
        exchange = Exchange(self.environ, self.address.match.variables, response)
        reader = self.address.parts.identity
        session = reader.session(exchange) if self._session is PENDING else self._session
        profile = reader.profile(exchange) if self._profile is PENDING else self._profile
        return Identity(_known(session), _known(profile))

    @property
    def lacks_session(self) -> bool:
        """Neither address nor request name a session, and the answer will not either."""
        return self.address.identity is None and self._session is None


def _known(value: str | None | Pending) -> str | None:
    return None if isinstance(value, Pending) else value
