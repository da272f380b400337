"""``M/healthz``, ``M/readyz``, ``M/metrics``: for the machine itself and for trusted front servers, 404 for everybody else."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from flask_proview.errors import ApiError
from flask_proview.links import LinkError
from flask_proview.recordings.run_files import shortage
from flask_proview.sessions.callbacks import FAILED, PENDING, CallbackStore
from flask_proview.sessions.database import is_current

from .forwarded import LOCAL, is_within
from .holding import HOLD_S, held_at_once
from .runtime import Runtime
from .server_facts import server_facts

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MEDIA_S = 1.0


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The three routes."""

    def check_caller() -> None:
        environ = request.environ
        peer = environ.get("REMOTE_ADDR") or ""
        # Forwarded requests come from elsewhere, whoever hands them on; a front server's own check has no such header.
        forwarded = any(f"HTTP_{name}" in environ for name in ("X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP"))
        if forwarded or not (is_within(peer, LOCAL) or runtime.forwarded.is_proxied(environ)):
            raise ApiError("There is nothing here.", code="not_found", status=404)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        check_caller()
        return jsonify(status="ok", **describe_server(runtime, request.environ))

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        check_caller()
        checks = {"database": check_database(runtime), "storage": check_storage(runtime)}
        ready = all(state == "ok" for state in checks.values())
        # Sessions are recorded without media; it is told, not required.
        return jsonify(status="ok" if ready else "unready", **checks, media=check_media(runtime)), 200 if ready else 503

    @blueprint.get("/metrics")
    def metrics() -> Response:
        check_caller()
        return Response(
            runtime.counters.exposition() + waiting_callbacks(runtime) + write_ahead_log(runtime),
            content_type="text/plain; version=0.0.4; charset=utf-8",
        )


def describe_server(runtime: Runtime, environ: WSGIEnvironment) -> dict[str, Any]:
    """What this server can and how browsers will signal: read by ``proview check --url`` (docs/protocol.md, "Health")."""
    facts = server_facts(environ)
    held = held_at_once(facts, runtime.config.server.held_polls)
    return {
        **asdict(facts),
        "signaling": "websocket" if facts.websockets else "http",
        "poll_hold_s": HOLD_S if held else 0,
        "bus": "memory" if runtime.config.bus.url.startswith("memory:") else "redis",
    }


def waiting_callbacks(runtime: Runtime) -> str:
    """The outbox as two gauges of ``/metrics``; nothing while the database does not answer."""
    try:
        counts = CallbackStore(runtime.db).counts()
    except SQLAlchemyError:
        return ""
    lines = []
    for state, meaning in ((PENDING, "Callbacks that wait for their next attempt."), (FAILED, "Callbacks given up.")):
        lines += [f"# HELP proview_callbacks_{state} {meaning}", f"# TYPE proview_callbacks_{state} gauge"]
        lines.append(f"proview_callbacks_{state} {counts[state]}")
    return "\n".join(lines) + "\n"


def write_ahead_log(runtime: Runtime) -> str:
    """SQLite's log as a gauge: it grows while somebody reads for long."""
    name = "proview_database_wal_bytes"
    return f"# HELP {name} Length of SQLite's write-ahead log.\n# TYPE {name} gauge\n{name} {runtime.db.wal_bytes()}\n"


def check_database(runtime: Runtime) -> str:
    """``ok``, or what is wrong."""
    if runtime.pieces.database_is_full:
        # PostgreSQL changes rows in place where it cannot add any.
        return "has no room for pieces"
    try:
        with runtime.db.write() as orm:
            # Really: a lock can still be had on a disk that is full.
            orm.execute(text("UPDATE alembic_version SET version_num = version_num"))
        return "ok" if is_current(runtime.db) else "schema is not current: run proview db upgrade"
    except Exception as error:
        return f"cannot be written: {type(error).__name__}"


def check_storage(runtime: Runtime) -> str:
    """``ok``, or what is wrong with the recordings directory."""
    folder = Path(runtime.config.storage.recordings)
    if runtime.pieces.unhealthy is not None:
        return f"failed to sync ({runtime.pieces.unhealthy}); nothing is taken until this process is started again"
    if runtime.pieces.slow_s:
        return f"slow: the disk takes {runtime.pieces.slow_s:.1f} s for a batch of pieces"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lacks = shortage(folder, runtime.config.storage.min_free_mb << 20)
    except OSError as error:
        return f"cannot be used: {error.strerror}"
    if not os.access(folder, os.W_OK):
        return "cannot be written"
    return lacks or "ok"


def check_media(runtime: Runtime) -> str:
    if runtime.config.media.live == "off":
        return "off"
    try:
        runtime.media.request("status", timeout_s=MEDIA_S)
    except LinkError as error:
        return error.code
    return "ok"
