"""Admission: may this page start this session? Fails closed.

Two ways in: a launch token, which we signed when we injected the page and which binds account, route, ids and origin; or,
where the account says ``require_launch = false``, the public account token from a whitelisted origin, under a quota.
The account token alone proves nothing (docs/security.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Request

from flask_proview.config import Account
from flask_proview.errors import ApiError, FieldError
from flask_proview.sessions.models import Quiz, Session, State
from flask_proview.sessions.quizzes import session_type_of
from flask_proview.sessions.store import StartRequest
from flask_proview.tokens import Kind

from .access import check_origin
from .ending import end_session
from .people import check_attendee
from .policy import route_of
from .runtime import Runtime
from .start_request import StartBody

LAUNCH_COOKIE = "proview_launch_"
MAX_INSTRUCTIONS = 16 * 1024


@dataclass(frozen=True, slots=True)
class Admission:
    """An admitted request: the account, the page's origin, and what the launch token fixed (empty without one)."""

    account: Account
    origin: str
    launch: dict[str, Any]


def admit(runtime: Runtime, request: Request, body: StartBody) -> Admission:
    """Check the right to start.

    :raises ApiError: 401 (launch token), 403 (account, origin, launch required), 429 (quota).
    """
    token = body.launch
    if token is None and body.route is not None:
        token = request.cookies.get(LAUNCH_COOKIE + body.route)
    if token is not None:
        return _admit_launch(runtime, request, body, token)
    return _admit_account_token(runtime, request, body)


def _admit_launch(runtime: Runtime, request: Request, body: StartBody, token: str) -> Admission:
    launch = runtime.signer.read(Kind.LAUNCH, token)
    account = runtime.config.account(str(launch.get("account")))
    if account is None:
        raise ApiError("The account of this page is not configured any more.", code="account_unknown", status=403)
    origin = check_origin(account, request.headers.get("Origin"))
    if launch.get("origin") != origin:
        raise ApiError("The launch token was issued for a page of another origin.", code="launch_origin", status=403)
    if body.token is not None and body.token != account.token:
        raise ApiError("The account token is not the one of this page's account.", code="launch_mismatch", status=403)
    for name, asked in (
        ("route", body.route),
        ("session", body.session),
        ("profile", body.profile_id),
        ("session_type", body.session_type),
    ):
        fixed = launch.get(name)
        if fixed is not None and asked is not None and fixed != asked:
            raise ApiError(f"The page may not choose another {name}.", code="launch_mismatch", status=403)
    return Admission(account, origin, launch)


def _admit_account_token(runtime: Runtime, request: Request, body: StartBody) -> Admission:
    if body.token is None:
        raise ApiError("A launch token or an account token is needed.", code="token_missing", status=401)
    account = runtime.config.account_by_token(body.token)
    if account is None:
        raise ApiError("The account token is unknown.", code="account_unknown", status=403)
    origin = check_origin(account, request.headers.get("Origin"))
    if account.require_launch:
        raise ApiError(
            "This page was not launched by the proctoring server; reload it, or set require_launch = false for the account.",
            code="launch_required",
            status=403,
        )
    wait_s = runtime.start_quota.take((account.name, runtime.forwarded.address(request.environ)))
    if wait_s:
        raise ApiError(
            "Too many sessions are being started from this address; try again soon.",
            code="quota",
            status=429,
            critical=False,
            retry_after_s=int(wait_s) + 1,
        )
    return Admission(account, origin, {})


def start_session(runtime: Runtime, request: Request, body: StartBody, admission: Admission) -> tuple[Session, bool]:
    """(session, whether an open one was resumed). What the launch token fixed wins.

    :raises ApiError: 400 ``validation`` when no session id is known or ``continues`` names somebody else's session; 410
        ``session_ended`` when that one was ended by somebody.
    """
    account, launch = admission.account, admission.launch
    external_id = launch.get("session") or body.session
    if not external_id:
        raise _invalid("session", "is missing")
    profile_id = launch.get("profile") or body.profile_id or ""
    check_attendee(body.attendee, profile_id)
    route_name = launch.get("route") or None
    route = route_of(runtime.config, route_name)
    quiz = runtime.quizzes.of_session(account.name, external_id)
    _check_continued(runtime, body.continues, (account.name, external_id, profile_id))
    session, resumed = runtime.sessions.start(
        StartRequest(
            account=account.name,
            external_id=external_id,
            profile_id=profile_id,
            route=route_name,
            session_type=launch.get("session_type")
            or body.session_type
            or (session_type_of(quiz) if quiz else None)
            or (route.session_type if route else None)
            or account.session_type,
            title=launch.get("title")
            or body.title
            or (quiz.title if quiz else None)
            or (route.title if route else None)
            or account.title,
            origin=admission.origin,
            # "quiz" is ours: what the LMS said, never what a page sends.
            options={**body.options, "quiz": _told(quiz) if quiz else {}},
            user_agent=(request.headers.get("User-Agent") or "")[:512],
            address=runtime.forwarded.address(request.environ),
            continues=body.continues,
            attendee=body.attendee,
            workflow=body.workflow,
        )
    )
    if body.continues is None:
        # A page that begins while another took over: that one's browser is this one, and will not end it any more.
        for other in runtime.sessions.others_open(session):
            end_session(runtime, other, State.STOPPED, "limit")
    return session, resumed


def _told(quiz: Quiz) -> dict[str, Any]:
    """What the LMS wants candidates of the quiz to read (the page's own options come first)."""
    texts = {name: quiz.fields.get(name) for name in ("candidate_instructions", "reference_links")}
    return {name: value[:MAX_INSTRUCTIONS] for name, value in texts.items() if isinstance(value, str)}


def _check_continued(runtime: Runtime, uuid: str | None, identity: tuple[str, str, str]) -> None:
    """A session may go on with one of the same candidate that is open, or that fell silent; not with one that somebody ended."""
    if uuid is None:
        return
    earlier = runtime.sessions.get(uuid)
    if earlier is None or (earlier.account, earlier.external_id, earlier.profile_id) != identity:
        raise _invalid("continues", "is not an earlier session of this candidate")
    if earlier.state in (State.TERMINATED, State.STOPPED) and earlier.end_reason != "limit":
        raise ApiError("The session was ended; there is nothing to go on with.", code="session_ended", status=410)


def _invalid(name: str, message: str) -> ApiError:
    return ApiError("The request has invalid fields.", code="validation", fields=(FieldError(name, message, "value"),))
