"""Who sits a session and for which exam, as a page tells it (``attendee``, ``workflow``): checked, and only what is named here.

A page's word and nothing more: it is shown to people and never decides anything. What else a page hands over is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from flask_proview.errors import ApiError, FieldError
from flask_proview.sessions.models import OPEN_STATES

from .access import session_of_request
from .requests import read_json
from .runtime import Runtime

MAX_ID = 256
# Field: how long it may be.
ATTENDEE = {
    "identifier": MAX_ID,
    "first_name": 128,
    "middle_name": 128,
    "last_name": 128,
    "name": 256,
    "email": 256,
    "country_code": 3,
    "country": 128,
    "phone": 64,
}
WORKFLOW = {"identifier": MAX_ID, "title": 512, "name": 512}
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]")


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """``POST M/v1/sessions/<uuid>/describe``: what the page learnt after the start."""

    @blueprint.post("/v1/sessions/<uuid>/describe")
    def describe(uuid: str) -> Response:
        session = session_of_request(runtime, request, uuid)
        if session.state not in OPEN_STATES:
            raise ApiError("The session has ended.", code="session_ended", status=410)
        body = read_json(request)
        errors: list[FieldError] = []
        attendee = parse_about(body.get("attendee"), "attendee", ATTENDEE, errors)
        workflow = parse_about(body.get("workflow"), "workflow", WORKFLOW, errors)
        if errors:
            raise ApiError("The request has invalid fields.", code="validation", fields=tuple(errors))
        check_attendee(attendee, session.profile_id)
        stored = runtime.sessions.describe(uuid, attendee, workflow)
        return jsonify(attendee=stored.attendee, workflow=stored.workflow)


def check_attendee(attendee: Mapping[str, str], profile_id: str) -> None:
    """The attendee is the candidate of the session, where both are named.

    :raises ApiError: 400 ``validation``.
    """
    if profile_id and attendee.get("identifier", profile_id) != profile_id:
        wrong = FieldError("attendee.identifier", "is not the candidate of this session", "value")
        raise ApiError("The request has invalid fields.", code="validation", fields=(wrong,))


def parse_about(raw: object, what: str, fields: dict[str, int], errors: list[FieldError]) -> dict[str, str]:
    """The named fields that are there; what is wrong is added to ``errors``."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        errors.append(FieldError(what, "must be an object", "type"))
        return {}
    values = {name: text_field(raw.get(name), f"{what}.{name}", most, errors) for name, most in fields.items()}
    return {name: value for name, value in values.items() if value is not None}


def text_field(value: Any, path: str, most: int, errors: list[FieldError], *, loose: bool = True) -> str | None:
    """One text, or None where there is none; ``loose``: numbers, as classic clients send them for ids, are text, too."""
    if loose and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        errors.append(FieldError(path, "must be text", "type"))
    elif len(value) > most:
        errors.append(FieldError(path, f"is longer than {most} characters", "too_long"))
    elif CONTROL.search(value):
        errors.append(FieldError(path, "has control characters", "characters"))
    else:
        return value
    return None
