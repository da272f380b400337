"""Every path of the API. Console pages are for people and not listed; the signal socket is in docs/protocol.md."""

from __future__ import annotations

from typing import Any

from flask_proview.service.signal.protocol import STOP_REASONS

from .schemas import MAX_SAFE, MILLISECONDS, STATE, answer, array, ref, thing

SECURITY: dict[str, Any] = {
    "session": {"type": "http", "scheme": "bearer", "description": "session_token of the start answer."},
    "drain": {"type": "http", "scheme": "bearer", "description": "drain_token: pieces and coverage only, also after the end."},
    "login": {"type": "http", "scheme": "bearer", "description": "access_token of the login."},
    "ticket": {"type": "apiKey", "in": "query", "name": "token", "description": "A playback ticket, for one session."},
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "api_key of the account."},
}  # fmt: skip

_TEXT = {"type": "string"}
_UUID = {"name": "uuid", "in": "path", "required": True, "schema": _TEXT}
_ORIGIN = {
    "name": "Origin", "in": "header", "required": True, "schema": _TEXT,
    "description": "Set by browsers; must be one of the account's domains.",
}  # fmt: skip


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _errors(*statuses: int) -> dict[str, Any]:
    """Answers every endpoint may give, and these."""
    always = (400, 404, 413, 415, 421, 429, 500, 503)
    return {
        str(status): {"description": "Error.", "content": _json(ref("Error"))}
        for status in sorted({*always, *statuses})
    }


def _call(
    tag: str,
    summary: str,
    *,
    ok: dict[int, dict[str, Any] | None],
    body: dict[str, Any] | None = None,
    body_required: bool = True,
    parameters: tuple[dict[str, Any], ...] = (),
    security: tuple[str, ...] = (),
    errors: tuple[int, ...] = (),
) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(status): {"description": "Done.", **({"content": _json(schema)} if schema is not None else {})}
        for status, schema in ok.items()
    }
    refused = (401, 403, *errors) if security else errors
    made: dict[str, Any] = {"tags": [tag], "summary": summary, "responses": {**answers, **_errors(*refused)}}
    if parameters:
        made["parameters"] = list(parameters)
    if body is not None:
        made["requestBody"] = {"required": body_required, "content": _json(body)}
    if security:
        made["security"] = [{name: []} for name in security]
    return made


def _file(tag: str, summary: str, mime: str, *, security: tuple[str, ...] = (), parameters: tuple[dict[str, Any], ...] = (), statuses: tuple[int, ...] = (200,)) -> dict[str, Any]:  # fmt: skip
    made = _call(tag, summary, ok={}, security=security, parameters=parameters, errors=(401, 403, 416))
    found = {str(status): {"description": "The file.", "content": {mime: {"schema": _TEXT}}} for status in statuses}
    made["responses"] = {**found, "304": {"description": "Not modified."}, **made["responses"]}
    return made


def _session_call(summary: str, ok: dict[int, dict[str, Any] | None], body: dict[str, Any] | None = None, *, needs_body: bool = False, security: tuple[str, ...] = ("session",)) -> dict[str, Any]:  # fmt: skip
    return {
        "post": _call(
            "sessions",
            summary,
            ok=ok,
            body=body,
            body_required=needs_body,
            parameters=(_UUID, _ORIGIN),
            security=security,
            errors=(409, 410),
        )  # fmt: skip
    }


_STATE_ANSWER = answer({"state": STATE})
_PIECE = (
    _UUID,
    _ORIGIN,
    {"name": "track", "in": "path", "required": True, "schema": {"enum": ["camera", "screen"]}},
    {"name": "run", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0, "maximum": MAX_SAFE}},
    {"name": "seq", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0, "maximum": 10_000_000}},
    {"name": "Content-Digest", "in": "header", "required": True, "schema": _TEXT, "description": "sha-256=:<base64>: (RFC 9530)"},
    {"name": "X-Piece-Start", "in": "header", "required": True, "schema": MILLISECONDS},
    {"name": "X-Piece-Duration", "in": "header", "required": True, "schema": MILLISECONDS},
    {"name": "X-Piece-Last", "in": "header", "schema": {"enum": ["1"]}},
)  # fmt: skip
_PHOTO = (
    _UUID,
    _ORIGIN,
    {"name": "kind", "in": "path", "required": True, "schema": {"enum": ["id", "face"]}},
    {"name": "Content-Digest", "in": "header", "required": True, "schema": _TEXT, "description": "sha-256=:<base64>: (RFC 9530)"},
    {"name": "X-Photo-At", "in": "header", "required": True, "schema": MILLISECONDS, "description": "When it was taken, on the session clock."},
)  # fmt: skip
_PLAYBACK_TOKEN = {
    "post": _call(
        "back ends",
        "A playback ticket, by either id form and in both naming families.",
        ok={200: ref("PlaybackToken")},
        body=ref("PlaybackTokenRequest"),
        security=("login", "key"),
    )  # fmt: skip
}
_LOGIN = {"post": _call("back ends", "Log in.", ok={200: ref("Bearer")}, body=ref("Login"), errors=(401,))}
_TRACK = {"name": "track", "in": "path", "required": True, "schema": _TEXT}
_WATCH = ("ticket", "login")
_HEALTH: dict[int, dict[str, Any] | None] = {200: {"type": "object"}}


def _query(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema or _TEXT}


PATHS: dict[str, Any] = {
    "/v1/sessions": {
        "post": _call("sessions", "Start a session, or resume the open one of the same ids.", ok={200: ref("Started"), 201: ref("Started")}, body=ref("Start"), parameters=(_ORIGIN,), errors=(401, 403, 409))
    },
    "/v1/sessions/{uuid}": {
        "get": _call("back ends", "A session with its ledger, events and recordings.", ok={200: ref("Details")}, parameters=(_UUID,), security=("login",))
    },
    "/v1/sessions/{uuid}/events": _session_call(
        "Store events; idempotent by seq.", {200: answer({"seqs": array({"type": "integer"})})},
        answer({"events": {**array(ref("Event")), "maxItems": 200}}), needs_body=True, security=("session", "drain"),
    ),
    "/v1/sessions/{uuid}/stop": _session_call("End the session.", {200: _STATE_ANSWER}, thing({"reason": {"enum": list(STOP_REASONS)}})),
    "/v1/sessions/{uuid}/pause": _session_call("Pause.", {200: _STATE_ANSWER}),
    "/v1/sessions/{uuid}/resume": _session_call("Resume.", {200: _STATE_ANSWER}),
    "/v1/sessions/{uuid}/describe": _session_call(
        "Attendee and workflow, learnt after the start.", {200: answer({"attendee": ref("Attendee"), "workflow": ref("Workflow")})},
        thing({"attendee": ref("Attendee"), "workflow": ref("Workflow")}), needs_body=True,
    ),
    "/v1/sessions/{uuid}/token": _session_call("Fresh tokens.", {200: ref("Tokens")}),
    "/v1/sessions/{uuid}/heartbeat": _session_call(
        "A sign of life.", {200: answer({"t": {"type": ["number", "null"]}, "server_time": MILLISECONDS, "state": STATE})},
        thing({"t": {"type": "number"}}),
    ),
    "/v1/sessions/{uuid}/poll": _session_call(
        "The way back without a socket: messages behind the cursor, and the state.",
        {200: thing(
            {
                "messages": array({"type": "object"}), "cursor": {"type": "integer"}, "t": {"type": ["number", "null"]}, "server_time": MILLISECONDS,
                "state": STATE, "reason": {"type": ["string", "null"]}, "poll_after_ms": {"type": "integer"}, "started_at": MILLISECONDS, "watchers": {"type": ["integer", "null"]},
            },
            ("messages", "cursor", "t", "server_time", "state", "reason", "poll_after_ms"),
        )},
        thing(
            {"client": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"}, "cursor": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_SAFE}, "state": {"type": ["string", "null"]}, "t": {"type": "number"}},
            ("client",),
        ),
        needs_body=True,
    ),
    "/v1/sessions/{uuid}/live": _session_call(
        "Offer the live picture without a socket.", {200: answer({"type": {"const": "answer"}, "id": {"type": ["integer", "string"]}, "sdp": _TEXT})},
        thing({"id": {"type": ["integer", "string"]}, "sdp": _TEXT, "tracks": {"type": "object"}}, ("id", "sdp", "tracks")), needs_body=True,
    ),
    "/v1/sessions/{uuid}/hangup": _session_call("The live picture was closed.", {200: {"type": "object"}}),
    "/v1/sessions/{uuid}/tracks/{track}/runs/{run}/pieces/{seq}": {
        "put": {
            **_call("sessions", "Store one piece of a recording; any 2xx means durable.", ok={200: {}, 201: {}}, parameters=_PIECE, security=("session", "drain"), errors=(409, 410, 411, 507)),
            "requestBody": {"required": True, "content": {"video/webm": {"schema": {"type": "string", "contentMediaType": "video/webm"}}}},
        }
    },
    "/v1/sessions/{uuid}/tracks/{track}/coverage": {
        "get": _call("sessions", "What is held durably.", ok={200: thing({"track": _TEXT, "runs": array({"type": "object"})}, ("track", "runs"))}, parameters=(_UUID, _TRACK), security=("session", "drain"))
    },
    "/v1/events/catalogue": {"get": _call("back ends", "Every event type: number, name, meaning, weight.", ok={200: answer({"events": array(ref("EventType"))})})},
    "/v1/sessions/{uuid}/photos/{kind}": {
        "put": {
            **_call("sessions", "Store a photo; any 2xx means durable, the same bytes again are the same version.", ok={200: ref("PhotoStored"), 201: ref("PhotoStored")}, parameters=_PHOTO, security=("session", "drain"), errors=(409, 410, 411, 422, 507)),
            "requestBody": {"required": True, "content": {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}}},
        }
    },
    "/v1/sessions/{uuid}/approval": _session_call(
        "Ask to be let in by a proctor, and where that stands.",
        {200: answer({"approval": {"enum": ["waiting", "approved", "rejected"]}, "reason": {"type": ["string", "null"]}, "somebody": {"type": "boolean"}})},
        thing({"again": {"type": "boolean", "description": "After a rejection: ask again."}}),
    ),
    "/v1/user/login": _LOGIN,
    "/auth": _LOGIN,
    "/v1/user/refresh": {
        "post": _call("back ends", "Renew a login.", ok={200: ref("Bearer")}, body=answer({"refresh_token": _TEXT}), errors=(401,))
    },
    "/v1/launch-tokens": {
        "post": _call("back ends", "A launch token for a page that your back end renders.", ok={201: answer({"launch": _TEXT, "expires_at": MILLISECONDS})}, body=ref("LaunchRequest"), security=("key",))
    },
    "/v1/playback-token": _PLAYBACK_TOKEN,
    "/v1/token/playback": _PLAYBACK_TOKEN,
    "/token/playback": _PLAYBACK_TOKEN,
    "/v1/playback/{uuid}": {
        "get": _call("playback", "What the player shows.", ok={200: thing({"session": {"type": "object"}, "tracks": array({"type": "object"})}, ("session", "tracks"))}, parameters=(_UUID,), security=_WATCH)
    },
    "/media/{uuid}/{track}.webm": {
        "get": _file("playback", "A recording; byte ranges.", "video/webm", security=_WATCH, parameters=(_UUID, _TRACK), statuses=(200, 206))
    },
    "/v1/dvr/{uuid}/{track}": {
        "get": {
            **_file(
                "playback", "A growing session from a moment on (at), or what follows a piece (run, seq), as WebM for Media Source Extensions.",
                "video/webm", security=_WATCH,
                parameters=(
                    _UUID, _TRACK,
                    {"name": "at", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": MAX_SAFE}},
                    {"name": "run", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": MAX_SAFE}},
                    {"name": "seq", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 10_000_000}},
                ),
                statuses=(200, 204),
            ),
        }
    },
    "/media/{uuid}/photos/{kind}-{version}.jpg": {
        "get": _file(
            "playback", "A photo that the candidate took.", "image/jpeg", security=_WATCH,
            parameters=(_UUID, {"name": "kind", "in": "path", "required": True, "schema": _TEXT}, {"name": "version", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}),
        )
    },
    "/embedded/{uuid}": {
        "get": {
            **_file("playback", "The player, for a frame on a page of the account's domains.", "text/html", security=("ticket",), parameters=(_UUID,)),
            "responses": {
                str(status): {"description": "The player." if status == 200 else "Says why not.", "content": {"text/html": {"schema": _TEXT}}}
                for status in (200, 401, 403, 404)
            } | _errors(421),
        }
    },
    "/organization/application": {
        "get": _call("lms", "The accounts of a site.", ok={200: array(answer({"id": _TEXT, "name": _TEXT}))}, parameters=({"name": "app-id", "in": "header", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "description": "MD5 of the site's scheme://host."},))
    },
    "/proview/token": {
        "get": _call("lms", "All account tokens.", ok={200: array(answer({"token": _TEXT, "proview_token": _TEXT, "name": _TEXT}))}, security=("login",))
    },
    "/quiz": {"post": _call("lms", "Create, change or delete a quiz.", ok={200: ref("Quiz")}, body=ref("Quiz"), security=("login",))},
    "/quiz/{quiz_id}": {
        "get": _call("lms", "A quiz.", ok={200: ref("Quiz")}, parameters=({"name": "quiz_id", "in": "path", "required": True, "schema": _TEXT},), security=("login",))
    },
    "/proview/playback": {
        "get": _call(
            "lms", "Recordings of a quiz or course, newest first; a full page means there is more.", ok={200: array(ref("ListedRecording"))},
            parameters=(_query("quiz_id"), _query("course_id"), _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}), _query("offset", {"type": "integer", "minimum": 0, "maximum": 999_999_999})),
            security=("login",),
        )
    },
    "/proview/wrapper/create": {
        "post": _call("lms", "A signed, expiring link to an exam page.", ok={200: ref("Wrapped")}, body=ref("Wrapper"), security=("login",))
    },
    "/wrapper/{token}": {
        "get": {
            "tags": ["lms"], "summary": "Open such a link.", "parameters": [{"name": "token", "in": "path", "required": True, "schema": _TEXT}],
            "responses": {"303": {"description": "To the exam."}} | {
                str(status): {"description": "Says why not.", "content": {"text/html": {"schema": _TEXT}}} for status in (403, 404, 410)
            } | {"421": _errors()["421"]},
        }
    },
    "/init.js": {"get": _file("operation", "The loader; any path that ends in /init.js is it.", "text/javascript")},
    "/static/{name}": {
        "get": _file("operation", "The browser's code.", "*/*", parameters=({"name": "name", "in": "path", "required": True, "schema": _TEXT},))
    },
    "/openapi.json": {"get": _call("operation", "This document.", ok={200: {"type": "object"}})},
    "/healthz": {"get": _call("operation", "Alive, and what the server can. Local callers only.", ok=_HEALTH)},
    "/readyz": {"get": _call("operation", "Ready. Local callers only.", ok=_HEALTH | {503: {"type": "object"}})},
    "/metrics": {"get": _file("operation", "Counters for Prometheus. Local callers only.", "text/plain")},
}  # fmt: skip
