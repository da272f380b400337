"""Who may do this: bearer tokens of sessions, and the origins of their account. Fails closed.

The token only names a session; its row is the truth (revoked, ended), and the token must have been issued for the very
session in the URL.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Request, g

from flask_proview.config import Account
from flask_proview.errors import ApiError, TokenError
from flask_proview.origins import parse_header
from flask_proview.sessions.models import Session
from flask_proview.tokens import Kind

from .runtime import Runtime

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]+) *", re.IGNORECASE | re.ASCII)
_TOKEN = re.compile(r"([A-Za-z0-9._~+/=-]+)", re.ASCII)


def bearer_token(request: Request) -> str | None:
    """The token of ``X-Proview-Token``, else of ``Authorization: Bearer …`` (RFC 6750 section 2.1). Never from the URL.

    Ours comes first: Apache keeps ``Authorization`` from WSGI applications, and a site that is itself behind Basic or Negotiate
    needs it for its own logins.
    """
    own = request.headers.get("X-Proview-Token")
    match = _TOKEN.fullmatch(own) if own is not None else _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return match[1] if match else None


def check_uuid(uuid: str) -> str:
    """``uuid`` when it is spelled canonically, else 404: there is no such session."""
    if UUID.fullmatch(uuid) is None:
        raise unknown_session()
    return uuid


def unknown_session() -> ApiError:
    return ApiError("There is no such session.", code="unknown_session", status=404)


def session_of_token(runtime: Runtime, uuid: str, token: object, kinds: tuple[Kind, ...] = (Kind.SESSION,)) -> Session:
    """The session that ``token`` (of one of ``kinds``) was issued for, when that is ``uuid``.

    :raises TokenError: missing, malformed, expired, of another kind, for another session, revoked.
    """
    check_uuid(uuid)
    claims = _read_one_of(runtime, token, kinds)
    if claims.get("sid") != uuid:
        raise TokenError("The token belongs to another session.", code="token_foreign")
    session = runtime.sessions.get(uuid)
    if session is None:
        raise unknown_session()
    if session.revoked:
        raise TokenError("The session's tokens were revoked.", code="token_revoked")
    return session


def session_of_request(
    runtime: Runtime, request: Request, uuid: str, kinds: tuple[Kind, ...] = (Kind.SESSION,)
) -> Session:
    """The session of the request's bearer token, asked for from an origin of its account."""
    session = session_of_token(runtime, uuid, bearer_token(request), kinds)
    unsafe = request.method not in ("GET", "HEAD", "OPTIONS")
    check_session_origin(runtime, session, request.headers.get("Origin"), required=unsafe)
    g._proview_session = session  # for the headers that tell its browser of news (poll_api.py)
    return session


def check_session_origin(runtime: Runtime, session: Session, origin: str | None, required: bool = True) -> None:
    """403 unless ``origin`` is whitelisted for the session's account."""
    account = runtime.config.account(session.account)
    if account is None:
        raise ApiError("The session's account is not configured any more.", code="account_unknown", status=403)
    if origin is None and not required:
        return
    check_origin(account, origin)


def check_origin(account: Account, header: str | None) -> str:
    """The origin, when the account lists it.

    :raises ApiError: 403 ``origin_missing`` or ``origin_refused``.
    """
    if header is None:
        raise ApiError("The Origin header is missing.", code="origin_missing", status=403)
    origin = parse_header(header)
    if origin is None or origin not in account.domains:
        raise ApiError("This page's origin is not listed for the account.", code="origin_refused", status=403)
    return str(origin)


def _read_one_of(runtime: Runtime, token: object, kinds: tuple[Kind, ...]) -> dict[str, Any]:
    """The claims; the error of the first kind is the one that is told, except that an expired token says so."""
    errors: list[TokenError] = []
    for kind in kinds:
        try:
            return runtime.signer.read(kind, token)
        except TokenError as error:
            errors.append(error)
    raise next((error for error in errors if error.code == "token_expired"), errors[0])
