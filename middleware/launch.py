"""The launch token: what the server knows about the page it just changed, signed, in a cookie that no script can read.

A session starts from it (``POST M/v1/sessions``). It is issued with every injected page, so that a long exam never runs
into its expiry; a candidate who comes back soon gets the same one again.
"""

from __future__ import annotations

from time import monotonic

from flask_proview.config import Account, Config, Route
from flask_proview.origins import Origin
from flask_proview.tokens import Kind, TokenSigner

from .address import Address, Launch
from .identity import Identity

COOKIE_PREFIX = "proview_launch_"
# Browsers refuse cookies (name, value and attributes) of more than 4096 bytes (RFC 6265 section 6.1).
_MAX_COOKIE = 4096
# Candidates whose cookies are kept: about a kilobyte each.
_REMEMBERED = 4096
# A cookie is handed out again for this part of its token's life, so it is good for at least the rest.
_REUSED = 0.1


class LaunchTooLong(ValueError):
    """The ids do not fit into a cookie."""


class LaunchCookies:
    """Writes the ``Set-Cookie`` value of a page."""

    def __init__(self, config: Config, signer: TokenSigner) -> None:
        self._signer = signer
        self._ttl_s = config.limits.launch_minutes * 60
        self._mount = config.server.mount
        self._made: dict[tuple[object, ...], tuple[str, float]] = {}

    def field(self, address: Address, identity: Identity) -> tuple[str, str]:
        """The ``Set-Cookie`` field of a page.

        :raises LaunchTooLong: naming what happened.
        """
        latest = address.latest_launch
        if latest is not None and latest.identity is identity and monotonic() < latest.until:
            return latest.field
        cookie, until = self._fresh(address.parts.route, address.account, identity, address.origin, address.script_root)
        latest = address.latest_launch = Launch(identity, ("Set-Cookie", cookie), until)
        return latest.field

    def cookie(self, route: Route, account: Account, identity: Identity, origin: Origin, script_root: str) -> str:
        """:raises LaunchTooLong: naming what happened."""
        return self._fresh(route, account, identity, origin, script_root)[0]

    def _fresh(
        self, route: Route, account: Account, identity: Identity, origin: Origin, script_root: str
    ) -> tuple[str, float]:
        """(the cookie, until when it is handed out again)."""
        # The route says the account.
        key = (route.name, identity.session, identity.profile, origin, script_root)
        made = self._made.get(key)
        now = monotonic()
        if made is None or now >= made[1]:
            made = (self._make(route, account, identity, origin, script_root), now + self._ttl_s * _REUSED)
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            self._made[key] = made
        return made

    def _make(self, route: Route, account: Account, identity: Identity, origin: Origin, script_root: str) -> str:
        token = self._signer.issue(
            Kind.LAUNCH,
            {
                "account": account.name,
                "route": route.name,
                "session": identity.session,
                "profile": identity.profile,
                "origin": str(origin),
                "session_type": route.session_type or account.session_type,
                "title": route.title or account.title,
            },
            self._ttl_s,
        )
        cookie = (
            f"{COOKIE_PREFIX}{route.name}={token}; Path={script_root}{self._mount}; Max-Age="
            f"{int(self._ttl_s * (1 - _REUSED))}; HttpOnly; SameSite=Lax{'; Secure' if origin.scheme == 'https' else ''}"
        )
        if len(cookie) > _MAX_COOKIE:
            raise LaunchTooLong("session and profile id are too long for a cookie")
        return cookie
