"""``GET /quiz/<id>`` and ``POST /quiz``: what the LMS says about its quizzes; it selects how their sessions are proctored."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from flask_proview.config import Account
from flask_proview.errors import ApiError, FieldError
from flask_proview.service.login_api import require_bearer
from flask_proview.service.requests import read_json
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Quiz

from .organisation import MANAGING_ROLES

_ID = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
CREATE, UPDATE, DELETE = 0, 1, 2


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Both calls."""
    store = runtime.quizzes

    @blueprint.get("/quiz/<quiz_id>")
    def quiz(quiz_id: str) -> Response:
        require_bearer(runtime, request, MANAGING_ROLES)
        row = store.get(quiz_id) if _ID.fullmatch(quiz_id) else None
        if row is None:
            raise ApiError("There is no such quiz.", code="not_found", status=404)
        return jsonify(_shown(row))

    @blueprint.post("/quiz")
    def save() -> Response:
        require_bearer(runtime, request, MANAGING_ROLES)
        body = read_json(request)
        quiz_id, action = _checked(body)
        account = _account(runtime, body.get("proview_token"))
        fields = {name: value for name, value in body.items() if name not in ("action", "proview_token")}
        return jsonify(_shown(store.save(account.name, quiz_id, fields, deleted=action == DELETE)))


def _checked(body: dict[str, Any]) -> tuple[str, int]:
    errors = []
    quiz_id = body.get("quiz_id")
    if isinstance(quiz_id, int) and not isinstance(quiz_id, bool):
        quiz_id = str(quiz_id)
    if not isinstance(quiz_id, str) or _ID.fullmatch(quiz_id) is None:
        errors.append(FieldError("quiz_id", "must be 1 to 64 letters, digits or _", "required"))
    # PHP sends numbers as text as often as not.
    action = body.get("action", CREATE)
    number = int(action) if str(action) in ("0", "1", "2") else -1
    if number < 0:
        errors.append(FieldError("action", "must be 0 (create), 1 (update) or 2 (delete)", "choice"))
    if errors:
        raise ApiError("The request has invalid fields.", code="validation", fields=tuple(errors))
    return str(quiz_id), number


def _account(runtime: Runtime, token: object) -> Account:
    accounts = runtime.config.accounts
    if token in (None, "") and len(accounts) == 1:
        return accounts[0]
    account = runtime.config.account_by_token(token) if isinstance(token, str) else None
    if account is None:
        field = FieldError("proview_token", "is not the token of an account", "value")
        raise ApiError("The account token is unknown.", code="account_unknown", status=403, fields=(field,))
    return account


def _shown(row: Quiz) -> dict[str, Any]:
    return {
        **row.fields,
        "quiz_id": row.quiz_id,
        "quiz_title": row.title,
        "course_id": row.course_id,
        "deleted": row.deleted,
        "updated_at": row.updated_at,
    }
