"""The body of ``POST M/v1/sessions`` as a checked record; unknown keys are ignored (classic clients send many)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_proview.config.session_types import SESSION_TYPES
from flask_proview.errors import ApiError, FieldError

from .access import UUID
from .people import ATTENDEE, MAX_ID, WORKFLOW, parse_about, text_field

MAX_TITLE = 512
MAX_TOKEN = 4096
MAX_OPTIONS_BYTES = 16 * 1024
_ROUTE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StartBody:
    """What the page asked for; None where it said nothing."""

    token: str | None
    launch: str | None
    route: str | None
    session: str | None
    profile_id: str | None
    session_type: str | None
    title: str | None
    continues: str | None
    options: dict[str, Any]
    attendee: dict[str, str]
    workflow: dict[str, str]


def parse_start(body: Mapping[str, Any]) -> StartBody:
    """The checked body.

    :raises ApiError: 400 ``validation`` with one entry per field.
    """
    errors: list[FieldError] = []

    def text(name: str, limit: int, *, loose: bool = False) -> str | None:
        return text_field(body.get(name), name, limit, errors, loose=loose)

    route = text("route", 64)
    if route is not None and _ROUTE.fullmatch(route) is None:
        errors.append(FieldError("route", "is not a route name", "characters"))
        route = None
    continues = text("continues", 36)
    if continues is not None and UUID.fullmatch(continues) is None:
        errors.append(FieldError("continues", "is not a session uuid", "format"))
    session_type = text("session_type", 32)
    other = text("sessionType", 32)
    if session_type and other and session_type != other:
        errors.append(FieldError("sessionType", "contradicts session_type", "contradiction"))
    session_type = session_type or other
    if session_type is not None and session_type not in SESSION_TYPES:
        errors.append(FieldError("session_type", "must be one of " + ", ".join(SESSION_TYPES), "choice"))
    options = body.get("options")
    if options is None:
        options = {}
    if not isinstance(options, dict):
        errors.append(FieldError("options", "must be an object", "type"))
        options = {}
    elif len(json.dumps(options)) > MAX_OPTIONS_BYTES:
        errors.append(FieldError("options", f"is larger than {MAX_OPTIONS_BYTES} bytes", "too_long"))
    result = StartBody(
        token=text("token", MAX_TOKEN),
        launch=text("launch", MAX_TOKEN),
        route=route,
        session=text("session", MAX_ID, loose=True),
        profile_id=text("profile_id", MAX_ID, loose=True),
        session_type=session_type,
        title=text("title", MAX_TITLE),
        continues=continues,
        options=options,
        attendee=parse_about(body.get("attendee"), "attendee", ATTENDEE, errors),
        workflow=parse_about(body.get("workflow"), "workflow", WORKFLOW, errors),
    )
    if errors:
        raise ApiError("The request has invalid fields.", code="validation", fields=tuple(errors))
    return result
