"""What a stored piece changes: the first one starts the session, a late one wants the recording made again. So do late events."""

from __future__ import annotations

from flask_proview.sessions.models import OPEN_STATES, Session, State

from .ending import finalise_soon, run_session
from .runtime import LATE_FINALISE_S, Runtime


def piece_stored(runtime: Runtime, session: Session, length: int) -> Session:
    """Called after a piece of ``session`` became durable; returns the session as it is now."""
    count_stored(runtime, session.uuid, length)
    if session.state == State.CREATED:
        return run_session(runtime, session.uuid)
    if session.state not in OPEN_STATES:
        finalise_again(runtime, session.uuid)
    return session


def count_stored(runtime: Runtime, uuid: str, length: int) -> None:
    runtime.sessions.seen(uuid)
    runtime.counters.add("pieces_stored")
    runtime.counters.add("piece_bytes", length)


def finalise_again(runtime: Runtime, uuid: str) -> None:
    """Something came for a session that has ended; soon, once for all that come together."""
    if runtime.late.is_new(uuid):
        finalise_soon(runtime, uuid, LATE_FINALISE_S)
