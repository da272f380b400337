"""The objects of the API as JSON Schema (draft 2020-12)."""

from __future__ import annotations

from typing import Any

from flask_proview.catalogue import Severity, Source
from flask_proview.config.session_types import SESSION_TYPES
from flask_proview.service.people import ATTENDEE, WORKFLOW
from flask_proview.sessions.models import State

MAX_SAFE = 2**53 - 1
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
MILLISECONDS = {"type": "integer", "minimum": 0}
STATE = {"enum": [state.value for state in State]}
SEVERITY = {"enum": [severity.value for severity in Severity]}
RATING = {"enum": ["high", "medium", "low", None]}
NULLABLE_TEXT = {"type": ["string", "null"]}
# PHP and old clients send numbers for ids as often as text.
EXTERNAL_ID = {"type": ["string", "integer"], "maxLength": 256}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def thing(properties: dict[str, Any], required: tuple[str, ...] = (), *, closed: bool = False) -> dict[str, Any]:
    """An object; ``closed``: nothing but these properties."""
    made: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        made["required"] = list(required)
    if closed:
        made["additionalProperties"] = False
    return made


def answer(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that always has all of these properties."""
    return thing(properties, tuple(properties))


def array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def about(fields: dict[str, int]) -> dict[str, Any]:
    """What a page tells of somebody or something: texts, none of them required."""
    return thing({name: {"type": ["string", "integer"], "maxLength": most} for name, most in fields.items()})


SCHEMAS: dict[str, Any] = {
    "Attendee": about(ATTENDEE),
    "Workflow": about(WORKFLOW),
    "Error": thing(
        {
            "code": {"type": "string", "description": "Stable; listed in docs/api.md."},
            "message": {"type": "string"},
            "type": {"enum": ["warning", "critical"]},
            "validationErrors": array(
                answer({"path": {"type": "string"}, "message": {"type": "string"}, "code": {"type": "string"}})
            ),
            "request_id": {"type": "string"},
        },
        ("code", "message", "type"),
    ),
    "Start": thing(
        {
            "token": {"type": "string", "description": "Account token.", "maxLength": 4096},
            "launch": {"type": "string", "description": "Launch token; by default from the cookie.", "maxLength": 4096},
            "route": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
            "session": EXTERNAL_ID,
            "profile_id": EXTERNAL_ID,
            "session_type": {"enum": list(SESSION_TYPES)},
            "title": {"type": "string", "maxLength": 512},
            "options": {"type": "object"},
            "continues": UUID,
            "attendee": ref("Attendee"),
            "workflow": ref("Workflow"),
        }
    ),
    "Started": thing(
        {
            "session_uuid": UUID,
            "state": STATE,
            "resumed": {"type": "boolean"},
            "session_token": {"type": "string"},
            "drain_token": {"type": "string"},
            "expires_at": MILLISECONDS,
            "base_url": {"type": "string", "format": "uri"},
            "ice_servers": array({"type": "object"}),
            "server_time": MILLISECONDS,
            "started_at": MILLISECONDS,
            "session": {"type": "string"},
            "profile_id": {"type": "string"},
            "policy": {"type": "object"},
            "checks": {"type": "object", "description": "What is done of policy.checks: photos, approval, reason."},
        },
        ("session_uuid", "state", "resumed", "session_token", "expires_at", "policy", "server_time", "started_at"),
    ),
    "Event": thing(
        {
            "seq": {"type": "integer", "minimum": 0, "maximum": MAX_SAFE},
            "event_type_id": {"type": "integer", "minimum": 0, "maximum": 999999},
            "name": {"type": "string", "maxLength": 80},
            "at": MILLISECONDS,
            "data": {"type": "object"},
        },
        ("seq", "event_type_id", "at"),
    ),
    "Tokens": answer({"session_token": {"type": "string"}, "drain_token": {"type": "string"}, "expires_at": MILLISECONDS}),
    "Login": thing({"username": {"type": "string"}, "password": {"type": "string"}}, ("username", "password")),
    "Bearer": answer({
        "access_token": {"type": "string"}, "refresh_token": {"type": "string"},
        "grant_type": {"const": "Bearer"}, "expires_in": {"type": "integer"},
    }),
    "PlaybackTokenRequest": {
        **thing({
            "proview_token": {"type": "string"}, "proctor_token": {"type": "string"}, "session_uuid": {"type": "string"},
            "session_external_id": EXTERNAL_ID, "profile_external_id": EXTERNAL_ID,
            "external_session_id": EXTERNAL_ID, "external_attendee_id": EXTERNAL_ID,
            "validity": {"type": ["integer", "string"], "description": "Minutes, at least 1; capped by limits.ticket_minutes."},
        }),
        "anyOf": [{"required": ["proview_token"]}, {"required": ["proctor_token"]}],
    },
    "PlaybackToken": answer({"token": {"type": "string"}, "session_uuid": UUID, "expires_at": MILLISECONDS}),
    "Index": answer({
        "level": {"enum": ["high", "medium", "low"]}, "score": {"type": "integer", "minimum": 0, "maximum": 100},
        "contributions": array(answer({
            "event_type_id": {"type": "integer"}, "name": {"type": "string"},
            "count": {"type": "integer"}, "points": {"type": "integer"},
        })),
    }),
    "Recording": answer({
        "track": {"type": "string"}, "mime": {"type": "string"}, "offset_ms": {"type": "integer"}, "duration_ms": {"type": "integer"},
        "bytes": {"type": "integer"}, "sha256": {"type": "string"}, "made_at": MILLISECONDS,
    }),
    "PhotoStored": answer({"stored": {"const": True}, "version": {"type": "integer"}}),
    "Photo": answer({
        "kind": {"enum": ["id", "face"]}, "version": {"type": "integer"}, "mime": {"const": "image/jpeg"}, "bytes": {"type": "integer"},
        "width": {"type": "integer"}, "height": {"type": "integer"}, "sha256": {"type": "string"}, "at": MILLISECONDS, "received_at": MILLISECONDS,
        "url": {"type": "string"},
    }),
    "Approval": answer({
        "state": {"enum": ["waiting", "approved", "rejected", None]}, "reason": NULLABLE_TEXT,
        "history": array(answer({"approval": {"type": "string"}, "reason": {"type": "string"}, "by": {"type": "string"}, "at": MILLISECONDS})),
    }),
    "Outcome": answer({
        "track": {"type": "string"}, "from_ms": {"type": "integer"}, "to_ms": {"type": "integer"}, "outcome": {"type": "string"},
        "cause": NULLABLE_TEXT, "source": NULLABLE_TEXT,
    }),
    "SeenEvent": answer({
        "event_type_id": {"type": "integer"}, "name": {"type": "string"}, "severity": SEVERITY, "heuristic": {"type": "boolean"}, "at": {"type": "integer"},
        "by": {"enum": ["browser", "server"]}, "data": {"type": "object"},
    }),
    "EventType": answer({
        "event_type_id": {"type": "integer"}, "name": {"type": "string"}, "meaning": {"type": "string"}, "severity": SEVERITY,
        "weight": {"type": "integer", "minimum": 0}, "documented": {"type": "boolean"},
        "source": {"enum": [source.value for source in Source]}, "rests_on": {"type": "string"}, "heuristic": {"type": "boolean"},
    }),
    "Sitting": answer({
        "session_uuid": UUID, "started_at": MILLISECONDS, "ended_at": {"type": ["integer", "null"]}, "duration_ms": MILLISECONDS,
        "status": STATE, "final_rating": RATING, "rated_by": {"enum": ["index", "reviewer", None]}, "proview_index": ref("Index"), "ledger": array(ref("Outcome")),
        "parts": array(answer({
            "session_uuid": UUID, "status": STATE, "end_reason": NULLABLE_TEXT, "started_at": MILLISECONDS,
            "ended_at": {"type": ["integer", "null"]}, "offset_ms": {"type": "integer"}, "duration_ms": MILLISECONDS,
        })),
    }),
    "Details": thing(
        {
            "session_uuid": UUID, "session_external_id": {"type": "string"}, "profile_external_id": {"type": "string"},
            "account": {"type": "string"}, "attendee": ref("Attendee"), "workflow": ref("Workflow"), "session_type": {"enum": list(SESSION_TYPES)}, "title": NULLABLE_TEXT, "status": STATE,
            "end_reason": NULLABLE_TEXT, "created_at": MILLISECONDS, "started_at": MILLISECONDS,
            "ended_at": {"type": ["integer", "null"]}, "duration_ms": MILLISECONDS, "final_rating": RATING, "rated_by": {"enum": ["index", "reviewer", None]}, "proview_index": ref("Index"),
            "continues": NULLABLE_TEXT, "previous": NULLABLE_TEXT, "next": NULLABLE_TEXT, "approval": ref("Approval"), "photos": array(ref("Photo")),
            "sitting": {"anyOf": [ref("Sitting"), {"type": "null"}]}, "recordings": array(ref("Recording")), "ledger": array(ref("Outcome")),
            "events": array(ref("SeenEvent")), "integrity": {"type": "object"},
        },
        ("session_uuid", "session_external_id", "profile_external_id", "status", "final_rating", "ledger", "events"),
    ),
    "Quiz": thing(
        {
            "quiz_id": {"type": ["string", "integer"]}, "quiz_title": {"type": "string"}, "course_id": {"type": ["string", "integer"]},
            "action": {"enum": [0, 1, 2, "0", "1", "2"], "description": "0 create, 1 update, 2 delete."},
            "proview_token": {"type": "string"}, "proctoring_type": NULLABLE_TEXT,
            "candidate_instructions": {"type": "string"}, "reference_links": {"type": "string"},
        },
        ("quiz_id",),
    ),
    "ListedRecording": thing(
        {
            "session_uuid": UUID, "session_external_id": {"type": "string"}, "attempt_no": {"type": ["integer", "null"]},
            "final_rating": RATING, "proctor_token": NULLABLE_TEXT, "status": STATE,
            "attendee": answer({
                "lms_user_id": {"type": "string"}, "first_name": {"type": "string"}, "last_name": {"type": "string"}, "email": {"type": "string"},
            }),
        },
        ("session_uuid", "attempt_no", "final_rating", "proctor_token", "attendee"),
    ),
    "Wrapper": thing(
        {
            "session_external_id": EXTERNAL_ID, "attendee_external_id": EXTERNAL_ID,
            "redirect_url": {"type": "string", "format": "uri", "maxLength": 2000},
            "expiry": {"type": "string", "format": "date-time"}, "is_secure_browser": {"type": "boolean"},
            "secure_browser": {"type": "object"},
        },
        ("session_external_id", "attendee_external_id", "redirect_url", "expiry"),
    ),
    "Wrapped": answer({"signed_url": {"type": "string", "format": "uri"}, "signed_short_url": {"type": "string", "format": "uri"}}),
    "LaunchRequest": thing(
        {
            "token": {"type": "string"}, "proview_token": {"type": "string"}, "session": EXTERNAL_ID, "profile_id": EXTERNAL_ID,
            "origin": {"type": "string", "description": "Origin of the page that will start the session."},
            "session_type": {"enum": list(SESSION_TYPES)}, "title": {"type": "string"},
            "minutes": {"type": "integer", "minimum": 1, "maximum": 10080},
        },
        ("session", "origin"),
    ),
}  # fmt: skip
