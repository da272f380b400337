"""``GET /proview/playback``: the recordings of a quiz or a course, a page at a time, as a bare array (clients rely on it)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Request, Response, jsonify, request
from sqlalchemy import or_, select

from flask_proview.errors import ApiError, FieldError
from flask_proview.service.login_api import require_bearer
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Session
from flask_proview.sessions.quizzes import attempt_of
from flask_proview.sessions.sittings import end_of, sitting_of
from flask_proview.sessions.verdict import verdict_of

from .organisation import MANAGING_ROLES

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
MAX_QUIZZES = 200


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The call."""

    @blueprint.get("/proview/playback")
    def recordings() -> Response:
        require_bearer(runtime, request, MANAGING_ROLES)
        limit = min(_number(request, "limit", DEFAULT_LIMIT) or DEFAULT_LIMIT, MAX_LIMIT)
        offset = _number(request, "offset", 0)
        quiz, course = request.args.get("quiz_id", ""), request.args.get("course_id", "")
        ids = [quiz] if quiz else runtime.quizzes.of_course(course[:64])[:MAX_QUIZZES] if course else []
        if not ids:
            return jsonify([])
        # A roll-over is one recording: its first session stands for all of it.
        query = select(Session).where(
            or_(*(Session.external_id.startswith(f"{one[:64]}-", autoescape=True) for one in ids)),
            Session.sitting.is_(None) | (Session.sitting == Session.uuid),
        )
        with runtime.db.read() as orm:
            rows = orm.scalars(query.order_by(Session.id.desc()).offset(offset).limit(limit)).all()
            return jsonify([_shown(runtime, sitting_of(orm, row) if row.sitting else [row]) for row in rows])


def _shown(runtime: Runtime, parts: list[Session]) -> dict[str, Any]:
    row, verdict = parts[0], verdict_of(parts)
    attempt = attempt_of(row.external_id)
    account = runtime.config.account(row.account)
    who = row.attendee
    return {
        "session_uuid": row.uuid,
        "session_external_id": row.external_id,
        "attempt_no": attempt.number if attempt is not None else None,
        "final_rating": verdict.rating,
        "proview_index": verdict.index,
        "status": parts[-1].state,
        "started_at": row.started_at,
        "ended_at": end_of(parts),
        "proctor_token": account.token if account is not None else None,
        "attendee": {
            "lms_user_id": row.profile_id or (attempt.user_id if attempt is not None else ""),
            "first_name": who.get("first_name", ""),
            "last_name": who.get("last_name", ""),
            "email": who.get("email", ""),
        },
    }


def _number(request: Request, name: str, default: int) -> int:
    raw = request.args.get(name, "")
    if raw == "":
        return default
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 9):
        raise ApiError("The request has invalid fields.", code="validation", fields=(FieldError(name, "must be a whole number", "value"),))  # fmt: skip
    return int(raw)
