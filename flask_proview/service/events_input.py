"""Events from the browser → checked records → the store. The same for the socket and for HTTP."""

from __future__ import annotations

import json
from typing import Any

from flask_proview.errors import ApiError, FieldError
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.events import ClientEvent
from flask_proview.sessions.models import OPEN_STATES, Session, State

from .ending import run_session
from .late import finalise_again
from .runtime import Runtime

MAX_BATCH = 200
MAX_SEQ = 2**53 - 1
MAX_NAME = 80
MAX_DATA_BYTES = 4096
RECORDING_STARTED = 13


def parse_events(raw: object) -> list[ClientEvent]:
    """A batch of events.

    :raises ApiError: 400 ``validation``, naming the first entry that is wrong in shape.
    """
    if not isinstance(raw, list):
        raise _invalid("events", "must be a list")
    if len(raw) > MAX_BATCH:
        raise _invalid("events", f"has more than {MAX_BATCH} entries; send several batches")
    return [_parse_event(item, f"events.{index}") for index, item in enumerate(raw)]


def _parse_event(raw: object, path: str) -> ClientEvent:
    if not isinstance(raw, dict):
        raise _invalid(path, "must be an object")
    name = raw.get("name")
    if not isinstance(name, str):
        raise _invalid(f"{path}.name", "must be text")
    data = raw.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise _invalid(f"{path}.data", "must be an object")
    if len(json.dumps(data)) > MAX_DATA_BYTES:
        data = {"truncated": True}
    return ClientEvent(
        seq=_integer(raw.get("seq"), f"{path}.seq", 0, MAX_SEQ),
        event_type_id=_integer(raw.get("event_type_id"), f"{path}.event_type_id", 0, 2**31 - 1),
        name=name[:MAX_NAME],
        at=_integer(raw.get("at"), f"{path}.at", -MAX_SEQ, MAX_SEQ),
        data=data,
    )


def store_events(runtime: Runtime, session: Session, events: list[ClientEvent]) -> list[int]:
    """The sequence numbers that are durable now.

    :raises ApiError: 410 ``session_ended`` after the grace time.
    """
    if not runtime.sessions.accepts_pieces(session, now_ms()):
        raise ApiError("The session has ended and takes nothing any more.", code="session_ended", status=410)
    seqs = runtime.events.add(session, events)
    runtime.counters.add("events_stored", len(seqs))
    if events and session.state not in OPEN_STATES:
        finalise_again(runtime, session.uuid)
    if session.state == State.CREATED and any(event.event_type_id == RECORDING_STARTED for event in events):
        run_session(runtime, session.uuid)
    return seqs


def _integer(value: Any, path: str, low: int, high: int) -> int:
    if isinstance(value, float):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _invalid(path, f"must be an integer from {low} to {high}")
    return value


def _invalid(path: str, message: str) -> ApiError:
    return ApiError("The events are invalid.", code="validation", fields=(FieldError(path, message, "value"),))
