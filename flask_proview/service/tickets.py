"""Playback tickets: short-lived, for one session, for watching only. Fails closed.

The account token in the request is public and proves nothing. What proves is a login, the account's key, or an address
that the operator listed for unmodified back ends.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from flask import Request

from flask_proview.config import Account
from flask_proview.errors import ApiError, FieldError, TokenError
from flask_proview.origins import parse_header
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Session
from flask_proview.tokens import Kind

from .access import UUID, bearer_token, unknown_session
from .forwarded import is_within, parse_networks
from .login_api import require_bearer
from .runtime import Runtime

DEFAULT_MINUTES = 60
MAX_ID = 256
WATCHING_ROLES = ("admin", "reviewer")


def issue_ticket(runtime: Runtime, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the playback-token calls, in both naming families.

    :raises ApiError: 400 ``validation``, 401, 403, 404.
    """
    label = _text(body, "proview_token", "proctor_token")
    if label is None:
        raise _invalid("proview_token", "is missing")
    minutes = _minutes(body.get("validity"))
    account = runtime.config.account_by_token(label)
    if account is None:
        raise ApiError("The account token is unknown.", code="account_unknown", status=401)
    _check_caller(runtime, request, account)
    session = _find(runtime, account, body)
    minutes = min(minutes, runtime.config.limits.ticket_minutes)
    runtime.counters.add("tickets_issued")
    return {
        "token": runtime.signer.issue(Kind.TICKET, {"sid": session.uuid, "account": account.name}, minutes * 60),
        "session_uuid": session.uuid,
        "expires_at": now_ms() + minutes * 60_000,
    }


def session_of_ticket(runtime: Runtime, uuid: str, ticket: object) -> Session:
    """The session ``uuid`` when the ticket opens it: its own, or another part of the same sitting; else 404.

    :raises ApiError: 401, 404.
    """
    claims = runtime.signer.read(Kind.TICKET, ticket)
    session = runtime.sessions.get(uuid) if UUID.fullmatch(uuid) else None
    if session is None or claims.get("account") != session.account:
        raise unknown_session()
    named = str(claims.get("sid"))
    if named != uuid and (session.sitting is None or named not in runtime.sessions.sitting(session)):
        raise unknown_session()
    return session


def session_to_watch(runtime: Runtime, request: Request, uuid: str) -> Session:
    """The session whose recording the request may see: by ticket (URL or bearer), API login, or a console login.

    :raises ApiError: 401 when nothing was shown, 404 when it is for something else.
    """
    ticket = request.args.get("ticket") or request.args.get("token")
    if ticket is not None:
        return session_of_ticket(runtime, uuid, ticket)
    allowed = any(gate(request, uuid) for gate in runtime.playback_gates)
    if not allowed:
        if bearer_token(request) is None:
            raise TokenError("A playback ticket or a login is needed.", code="token_missing")
        try:
            require_bearer(runtime, request, WATCHING_ROLES)
        except TokenError:
            return session_of_ticket(runtime, uuid, bearer_token(request))
    session = runtime.sessions.get(uuid) if UUID.fullmatch(uuid) else None
    if session is None:
        raise unknown_session()
    return session


def _check_caller(runtime: Runtime, request: Request, account: Account) -> None:
    """A bearer, the account's key, or a listed address; a browser of another site is none of them."""
    header = request.headers.get("Origin")
    if header is not None:
        origin = parse_header(header)
        own = runtime.config.public_origin or runtime.forwarded.origin(request.environ)
        if origin is None or (origin not in account.domains and origin != own):
            raise ApiError("This page's origin is not listed for the account.", code="origin_refused", status=403)
    key = request.headers.get("X-Api-Key")
    if key is not None:
        if account.api_key is None or not hmac.compare_digest(key.encode(), account.api_key.encode()):
            raise ApiError("The API key is not the account's.", code="api_key", status=401)
        return
    if bearer_token(request) is not None:
        require_bearer(runtime, request, WATCHING_ROLES)
        return
    address = runtime.forwarded.address(request.environ)
    # An address proves a back end, not a browser that happens to sit in its network.
    if header is None and is_within(address, parse_networks(account.api_networks)):
        return
    raise ApiError(
        "The account token alone opens nothing: send a bearer token from the login, or X-Api-Key.",
        code="unauthorized",
        status=401,
    )


def _find(runtime: Runtime, account: Account, body: Mapping[str, Any]) -> Session:
    uuid = _text(body, "session_uuid")
    external = _text(body, "session_external_id", "external_session_id")
    profile = _text(body, "profile_external_id", "external_attendee_id")
    if uuid is not None:
        session = runtime.sessions.get(uuid) if UUID.fullmatch(uuid) else None
        if session is not None and external is not None and session.external_id != external:
            session = None
    elif external is not None:
        session = runtime.sessions.by_external(account.name, external, profile or "")
    else:
        raise _invalid("session_uuid", "is missing; or send session_external_id and profile_external_id")
    if session is None or session.account != account.name:
        raise unknown_session()
    return session


def _text(body: Mapping[str, Any], *names: str) -> str | None:
    """The first of the names that is there."""
    for name in names:
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None or value == "":
            continue
        if not isinstance(value, str) or len(value) > MAX_ID:
            raise _invalid(name, f"must be text of at most {MAX_ID} characters")
        return value
    return None


def _minutes(raw: object) -> int:
    if raw is None:
        return DEFAULT_MINUTES
    if isinstance(raw, str) and raw.isascii() and raw.isdecimal() and len(raw) < 10:
        raw = int(raw)
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 1:
        raise _invalid("validity", "must be a number of minutes, at least 1")
    return raw


def _invalid(name: str, message: str) -> ApiError:
    return ApiError("The request has invalid fields.", code="validation", fields=(FieldError(name, message, "value"),))
