"""State changes of a session, said to everyone who must know: the database, the candidate's socket, the console, the jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask_proview.catalogue import COMPLETED, TERMINATED
from flask_proview.errors import ApiError
from flask_proview.sessions.models import Session, State

from .runtime import Runtime

logger = logging.getLogger(__name__)


def end_session(runtime: Runtime, uuid: str, state: State, reason: str, at_ms: int | None = None) -> Session:
    """End a session, once: later calls change nothing. Finalisation is queued, the socket and the console are told.

    :param at_ms: when its recorders stopped, where another session goes on with it (``SessionStore.end``).
    """
    session, changed = runtime.sessions.end(uuid, state, reason, at_ms=at_ms)
    if not changed:
        return session
    logger.info("session %s ended: %s (%s)", uuid, session.state, reason)
    # Browsers tell of every other end themselves; a stop path may be seen here before the page is there.
    event = TERMINATED if state is State.TERMINATED else COMPLETED if reason == "path" else None
    if event is not None and session.ended_at is not None:
        runtime.events.add_server(session.id, event, max(0, session.ended_at - session.started_at), {"reason": reason})
    announce(runtime, session)
    finalise_soon(runtime, uuid)
    return session


def pause_session(runtime: Runtime, uuid: str) -> Session:
    """running → paused; anything else stays."""
    return _announced(runtime, uuid, runtime.sessions.pause)


def resume_session(runtime: Runtime, uuid: str) -> Session:
    """paused → running; anything else stays."""
    return _announced(runtime, uuid, runtime.sessions.resume)


def run_session(runtime: Runtime, uuid: str) -> Session:
    """created → running: something was recorded."""
    return _announced(runtime, uuid, runtime.sessions.run_started)


def announce(runtime: Runtime, session: Session) -> None:
    """Tell the candidate's socket and the consoles the state of a session."""
    runtime.commands.ring(session.uuid, {"type": "state", "state": session.state, "reason": session.end_reason})
    announce_to_console(runtime, session)


def announce_to_console(runtime: Runtime, session: Session) -> None:
    runtime.bus.publish("console", {"type": "session", "uuid": session.uuid, "state": session.state})


def finalise_soon(runtime: Runtime, uuid: str, delay_s: float = 0.0) -> None:
    """Queue finalisation. A full or broken queue is logged only: the row says that it is wanted, reconciling finds it."""
    try:
        runtime.jobs.finalise_soon(uuid, delay_s)
    except Exception:
        logger.exception("finalisation of %s could not be queued; the minute's check will find it", uuid)


def watch_heartbeat(runtime: Runtime, uuid: str) -> None:
    """Queue the look at whether the browser still answers; a broken queue does not keep anybody from starting."""
    try:
        runtime.jobs.watch_heartbeat(uuid, runtime.config.limits.heartbeat_timeout_s)
    except Exception:
        logger.exception("the watch over %s could not be queued; the minute's check will do it", uuid)


def _announced(runtime: Runtime, uuid: str, change: Callable[[str], Session]) -> Session:
    before = runtime.sessions.get(uuid)
    if before is None:
        raise ApiError("There is no such session.", code="unknown_session", status=404)
    state = before.state
    session = change(uuid)
    if session.state != state:
        announce(runtime, session)
    return session
