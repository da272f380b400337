"""``M/v1/user/login`` and ``M/auth``: name and password → bearer tokens for back ends (reference 1.10). Fails closed.

The token names a person and the password it was issued under: disabling the person or changing the password ends it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request

from flask_proview.errors import ApiError, FieldError, TokenError
from flask_proview.sessions.models import User
from flask_proview.tokens import Kind

from .access import bearer_token
from .requests import read_json
from .runtime import Runtime

ACCESS_S = 10_800
MAX_NAME = 80
MAX_PASSWORD = 1024


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Both spellings of the login, and the renewal of its token."""

    @blueprint.post("/v1/user/login")
    @blueprint.post("/auth")
    def log_in() -> Response:
        name, password = _credentials(read_json(request))
        address = runtime.forwarded.address(request.environ)
        wait_s = max(runtime.address_quota.take(("api", address)), runtime.login_quota.take((name, address)))
        if wait_s:
            runtime.counters.add("logins_refused")
            raise ApiError(
                "Too many attempts; try again later.",
                code="too_many_requests",
                status=429,
                retry_after_s=int(wait_s) + 1,
            )
        user = runtime.users.verify(name, password)
        if user is None:
            runtime.counters.add("logins_refused")
            raise ApiError("The name or the password is not right.", code="login_failed", status=401)
        runtime.counters.add("logins")
        return jsonify(_tokens(runtime, user))

    @blueprint.post("/v1/user/refresh")
    def renew() -> Response:
        token = read_json(request).get("refresh_token")
        return jsonify(_tokens(runtime, _user_of(runtime, Kind.REFRESH, token)))


def require_bearer(runtime: Runtime, request: Request, roles: tuple[str, ...] | None = None) -> User:
    """The person whose bearer token the request carries.

    :raises TokenError: 401. :raises ApiError: 403 when the role is not one of ``roles``.
    """
    user = _user_of(runtime, Kind.BEARER, bearer_token(request))
    if roles is not None and user.role not in roles:
        raise ApiError(f"The role {user.role} does not allow this.", code="forbidden", status=403)
    return user


def _user_of(runtime: Runtime, kind: Kind, token: object) -> User:
    claims = runtime.signer.read(kind, token)
    user = runtime.users.get(str(claims.get("user")))
    if user is None or user.disabled or not hmac.compare_digest(str(claims.get("pw")), _fingerprint(user)):
        raise TokenError("The login is not valid any more.", code="token_revoked")
    return user


def _tokens(runtime: Runtime, user: User) -> dict[str, Any]:
    claims = {"user": user.name, "pw": _fingerprint(user)}
    return {
        "access_token": runtime.signer.issue(Kind.BEARER, claims, ACCESS_S),
        "refresh_token": runtime.signer.issue(Kind.REFRESH, claims, runtime.config.limits.login_hours * 3600),
        "grant_type": "Bearer",
        "expires_in": ACCESS_S,
    }


def _fingerprint(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]


def _credentials(body: dict[str, Any]) -> tuple[str, str]:
    errors = []
    for field, limit in (("username", MAX_NAME), ("password", MAX_PASSWORD)):
        value = body.get(field)
        if not isinstance(value, str) or not value:
            errors.append(FieldError(field, "is missing", "required"))
        elif len(value) > limit:
            errors.append(FieldError(field, f"is longer than {limit} characters", "too_long"))
    if errors:
        raise ApiError("The request has invalid fields.", code="validation", fields=tuple(errors))
    return body["username"], body["password"]
