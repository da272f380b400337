"""What all requests to one protected address have in common: route, account, origin, tag, and the ids that the path tells.

Made once for each address and remembered; a request then costs a look-up. What is not admitted is remembered as the
refusal that is reported for every request.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from flask_proview._version import __version__
from flask_proview.config import Account, Config, Route
from flask_proview.origins import Origin

from .headers import INJECTED
from .identity import Identity, IdentityReader, Pending
from .observer import Reason, Refusal
from .page_origin import PageOrigins
from .place import PlaceMemory
from .routes import Match, RouteTable
from .tag import script_tag

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_ROOTS_REMEMBERED = 64
_ADDRESSES_REMEMBERED = 4096
_LONGEST_REMEMBERED = 1024


class RouteParts:
    """A route, its account, its id sources and its tags."""

    def __init__(self, config: Config, route: Route, account: Account | None) -> None:
        self.name = route.name or ""
        self.route = route
        self.account = account
        self.identity = IdentityReader(route.session, route.profile)
        self.places = PlaceMemory()
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


class Launch(NamedTuple):
    """A launch cookie (:mod:`.launch`) and the time, by the monotonic clock, until which it is handed out again."""

    identity: Identity
    field: tuple[str, str]
    until: float


class Address:
    """A protected page as it is asked for under one origin. ``session`` and ``profile`` as far as path and configuration
    tell; ``identity`` when they tell both."""

    def __init__(
        self, parts: RouteParts, account: Account, match: Match, origin: Origin, host: str, path: str, root: str
    ) -> None:
        self.parts = parts
        self.account = account
        self.match = match
        self.origin = origin
        self.host = host
        self.path = path
        self.script_root = root
        self.tag = parts.tag(match.role, root)
        self.latest_launch: Launch | None = None
        self.session, self.profile = parts.identity.of_address(match.variables)
        self.identity = (
            None
            if isinstance(self.session, Pending) or isinstance(self.profile, Pending)
            else Identity(self.session, self.profile)
        )

    def refusal(self, reason: Reason, detail: str) -> Refusal:
        """What is reported when the page goes out unproctored."""
        return Refusal(self.parts.name, self.account.name, reason, self.host, self.path, detail)


class Addresses:
    """Every protected address of one configuration."""

    def __init__(self, config: Config) -> None:
        self._mount = config.server.mount
        self._routes = RouteTable(config.routes)
        # The route of a path; most requests have none and are done then.
        self.match = self._routes.match
        self._origins = PageOrigins(config)
        self._is_behind_proxies = bool(config.server.trusted_proxies)
        self.parts = {
            route.name: RouteParts(config, route, config.account_of(route))
            for route in config.routes
            if route.mode != "off"
        }
        self._remembered = lru_cache(_ADDRESSES_REMEMBERED)(self._find)

    def of(self, environ: WSGIEnvironment, path: str, method: str) -> Address | Refusal | None:
        """The address of a request whose path has a route. None: our own, below the mount."""
        if self._is_behind_proxies:
            scheme, host = self._origins.asked(environ)
        else:
            scheme, host = environ.get("wsgi.url_scheme", "http"), environ.get("HTTP_HOST", "")
        root = environ.get("SCRIPT_NAME", "")
        find = self._remembered if len(path) + len(host) + len(root) <= _LONGEST_REMEMBERED else self._find
        return find(path, method, scheme, host, root)

    def _find(self, path: str, method: str, scheme: str, host: str, root: str) -> Address | Refusal | None:
        match = self._routes.match(path, method)
        if match is None or self._is_ours(path):
            return None
        parts = self.parts[match.route.name]
        origin, shown = self._origins.resolve(scheme, host)
        account = parts.account
        if account is None:
            return Refusal(parts.name, None, "account", shown, path, "the route has no account")
        if origin is None or origin not in account.domains:
            name = "not a host" if origin is None else str(origin)
            return Refusal(
                parts.name, account.name, "domain", shown, path, f"{name} is not among the account's domains"
            )
        address = Address(parts, account, match, origin, shown, path, quote(root, encoding="latin-1") if root else "")
        identity = address.identity
        if identity is not None and identity.session is None and match.route.start == "auto":
            return address.refusal("identity", f"no session id in {', '.join(match.route.session)}")
        return address

    def _is_ours(self, path: str) -> bool:
        # With dot segments it only looks as if: what it leads to may be a page.
        return (path == self._mount or path.startswith(self._mount + "/")) and "/." not in path and "\\" not in path
