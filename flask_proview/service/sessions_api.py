"""``M/v1/sessions``: start or resume, and the HTTP twins of the signal socket (docs/protocol.md)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from flask_proview.errors import ApiError
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import OPEN_STATES, Session, State
from flask_proview.tokens import Kind

from .access import session_of_request
from .checks import done_of
from .details import session_details
from .ending import announce_to_console, end_session, pause_session, resume_session, watch_heartbeat
from .events_input import parse_events, store_events
from .login_api import require_bearer
from .policy import ice_servers, session_policy, session_tokens
from .requests import read_json
from .runtime import Runtime
from .server_facts import server_facts
from .signal.protocol import STOP_REASONS
from .start_request import parse_start
from .starting import admit, start_session


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Routes below ``/v1/sessions``."""

    @blueprint.post("/v1/sessions")
    def start() -> tuple[Response, int]:
        try:
            body = parse_start(read_json(request))
            session, resumed = start_session(runtime, request, body, admit(runtime, request, body))
        except ApiError:
            runtime.counters.add("sessions_refused")
            raise
        runtime.counters.add("sessions_resumed" if resumed else "sessions_started")
        if not resumed:
            watch_heartbeat(runtime, session.uuid)
            announce_to_console(runtime, session)
        answer = _start_answer(runtime, session, resumed)
        return jsonify(answer), 200 if resumed else 201

    @blueprint.get("/v1/sessions/<uuid>")
    def details(uuid: str) -> Response:
        require_bearer(runtime, request)
        return jsonify(session_details(runtime, uuid))

    @blueprint.post("/v1/sessions/<uuid>/events")
    def events(uuid: str) -> Response:
        session = session_of_request(runtime, request, uuid, (Kind.SESSION, Kind.DRAIN))
        batch = parse_events(read_json(request).get("events"))
        return jsonify(seqs=store_events(runtime, session, batch))

    @blueprint.post("/v1/sessions/<uuid>/stop")
    def stop(uuid: str) -> Response:
        session_of_request(runtime, request, uuid)
        body = read_json(request, required=False)
        reason, at = body.get("reason"), body.get("at")
        at_ms = at if isinstance(at, int) and not isinstance(at, bool) and 0 <= at < 2**53 else None
        reason = reason if isinstance(reason, str) and reason in STOP_REASONS else "api"
        return _state(end_session(runtime, uuid, State.STOPPED, reason, at_ms if reason == "limit" else None))

    @blueprint.post("/v1/sessions/<uuid>/pause")
    def pause(uuid: str) -> Response:
        session_of_request(runtime, request, uuid)
        return _state(pause_session(runtime, uuid))

    @blueprint.post("/v1/sessions/<uuid>/resume")
    def resume(uuid: str) -> Response:
        session_of_request(runtime, request, uuid)
        return _state(resume_session(runtime, uuid))

    @blueprint.post("/v1/sessions/<uuid>/token")
    def token(uuid: str) -> Response:
        session = session_of_request(runtime, request, uuid)
        if session.state not in OPEN_STATES:
            raise ApiError("The session has ended; hand in with the drain token.", code="session_ended", status=410)
        return jsonify(session_tokens(runtime.config, runtime.signer, session))

    @blueprint.post("/v1/sessions/<uuid>/heartbeat")
    def heartbeat(uuid: str) -> Response:
        session = session_of_request(runtime, request, uuid)
        stamp = read_json(request, required=False).get("t")
        if session.state in OPEN_STATES:
            runtime.sessions.touch(uuid)
        return jsonify(t=stamp if isinstance(stamp, (int, float)) else None, server_time=now_ms(), state=session.state)


def _state(session: Session) -> Response:
    return jsonify(state=session.state)


def _start_answer(runtime: Runtime, session: Session, resumed: bool) -> dict[str, Any]:
    mount = runtime.config.server.mount
    origin = runtime.forwarded.public_origin(request.environ)
    session_path = f"{mount}/v1/sessions/{session.uuid}"
    with runtime.db.read() as orm:
        done = done_of(orm, session)
    # http → ws, https → wss
    socket_url = f"ws{origin.removeprefix('http')}{session_path}/signal"
    return {
        "session_uuid": session.uuid,
        "state": session.state,
        "resumed": resumed,
        **session_tokens(runtime.config, runtime.signer, session),
        # Where sockets do not fit the server, browsers need not find that out by trying.
        "signal_url": socket_url if server_facts(request.environ).websockets else None,
        "poll_url": f"{origin}{session_path}/poll",
        "base_url": origin + mount,
        "ice_servers": ice_servers(runtime.config),
        "server_time": now_ms(),
        "started_at": session.started_at,
        "session": session.external_id,
        "profile_id": session.profile_id,
        "policy": session_policy(runtime.config, session),
        "checks": done,
    }
