"""Who is asking: console login cookie, roles, CSRF and Origin. Fails closed.

The cookie only names a row of ``logins``; roles and disabling are read from the database on every request, so that taking
a right away works at once. Unsafe requests need three things: an ``Origin`` of our own, the login's CSRF token, the right.
"""

from __future__ import annotations

import enum
import hmac
from dataclasses import dataclass

from flask import Response, g, request

from flask_proview.errors import ApiError
from flask_proview.origins import parse_header
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import User

MAX_COOKIE_LENGTH = 256


class Right(enum.StrEnum):
    """What a person of the console may do."""

    LIST = "list"
    LIVE = "live"
    TERMINATE = "terminate"
    APPROVE = "approve"
    WATCH = "watch"
    RATE = "rate"
    OPERATE = "operate"


ROLES: dict[str, frozenset[Right]] = {
    "admin": frozenset(Right),
    "proctor": frozenset({Right.LIST, Right.LIVE, Right.TERMINATE, Right.APPROVE}),
    "reviewer": frozenset({Right.LIST, Right.WATCH, Right.RATE}),
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A logged-in person in this request."""

    user: User
    csrf: str

    def may(self, right: Right) -> bool:
        return right in ROLES.get(self.user.role, frozenset())


class LoginRequired(ApiError):
    """Nobody is logged in; pages answer it with the login form, JSON with 401."""

    status = 401
    code = "login_required"


class Gate:
    """Reads and writes the login cookie and decides about a request."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._public = runtime.config.public_origin
        self._mount = runtime.config.server.mount

    def visitor(self) -> Visitor | None:
        """The person behind the request's cookie, if the login is alive."""
        if "_proview_visitor" not in g:
            g._proview_visitor = self._read_cookie()
        visitor: Visitor | None = g._proview_visitor
        return visitor

    def require(self, right: Right | None) -> Visitor:
        """The visitor, checked.

        :raises LoginRequired: nobody is logged in.
        :raises ApiError: ``forbidden`` (403) when the role does not have the right.
        """
        visitor = self.visitor()
        if visitor is None:
            raise LoginRequired("Log in to the console first.")
        if right is not None and not visitor.may(right):
            raise ApiError(f"The role {visitor.user.role} does not allow this.", code="forbidden", status=403)
        return visitor

    def require_own_origin(self) -> None:
        """Refuse an unsafe request that another site's page sent. Browsers send ``Origin`` with every POST and DELETE."""
        origin = parse_header(request.headers.get("Origin"))
        # The Host was checked before (service/requests.py); behind an unlisted TLS front only public_url has the right scheme.
        if origin is None or origin not in (self._public, self._runtime.forwarded.origin(request.environ)):
            raise ApiError("The request did not come from the console's own pages.", code="origin", status=403)

    def require_csrf(self, visitor: Visitor) -> None:
        """Refuse a form or fetch without the login's CSRF token."""
        sent = request.headers.get("X-CSRF-Token")
        if sent is None and request.mimetype == "application/x-www-form-urlencoded":
            sent = request.form.get("csrf")
        if not hmac.compare_digest((sent or "").encode(), visitor.csrf.encode()):
            raise ApiError("The page is too old; reload it and try again.", code="csrf", status=403)

    @property
    def secure(self) -> bool:
        """Whether the console is reached by https."""
        origin = self._public or self._runtime.forwarded.origin(request.environ)
        return origin is not None and origin.scheme == "https"

    @property
    def cookie_name(self) -> str:
        return "__Host-proview" if self.secure else "proview_console"

    def set_cookie(self, response: Response, value: str) -> None:
        """Hand out a login. No Max-Age: it ends with the browser, and on the server by idle and absolute limits."""
        response.set_cookie(
            self.cookie_name, value, httponly=True, secure=self.secure, samesite="Lax", path=self._cookie_path
        )

    def clear_cookie(self, response: Response) -> None:
        response.delete_cookie(
            self.cookie_name, httponly=True, secure=self.secure, samesite="Lax", path=self._cookie_path
        )

    def cookie_value(self) -> str | None:
        """The sent cookie, when it can be one of ours at all."""
        value = request.cookies.get(self.cookie_name)
        return value if value and len(value) <= MAX_COOKIE_LENGTH and value.isascii() else None

    @property
    def _cookie_path(self) -> str:
        # The __Host- prefix demands Path=/ (RFC 6265bis section 4.1.3.2); without it the path keeps the cookie from the application.
        return "/" if self.secure else self._mount

    def _read_cookie(self) -> Visitor | None:
        value = self.cookie_value()
        found = self._runtime.logins.read(value) if value else None
        if found is None:
            return None
        user, login = found
        return Visitor(user, login.csrf)
