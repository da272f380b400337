"""Events of a session: from the browser, idempotent by its sequence number, and from the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session as OrmSession

from flask_proview.catalogue import EVENTS, FORGED, SERVER_ONLY, name_of
from flask_proview.config import Config
from flask_proview.errors import ApiError

from .database import Database, now_ms
from .models import Event, Session
from .text import storable

# A client clock may be a little ahead of ours; what is further off is not a time of this session.
FUTURE_TOLERANCE_MS = 10_000
MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """One event as the browser sent it. ``at``: session-clock ms."""

    seq: int
    event_type_id: int
    name: str
    at: int
    data: Mapping[str, Any] = field(default_factory=dict)


class EventStore:
    """The events table."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._quota = config.limits.events_per_session

    def add(self, session: Session, events: Sequence[ClientEvent]) -> list[int]:
        """Store a batch; the sequence numbers that are durable now (those stored before included).

        Times outside the session are clamped and the sent value kept in ``data.sent_at``.

        :raises ApiError: 413 ``event_quota`` when the session has stored ``limits.events_per_session``.
        """
        if not events:
            return []
        now = now_ms()
        latest = max(0, now - session.started_at)
        unique = {event.seq: event for event in reversed(events)}
        rows = [_row(session.id, event, now, latest) for _, event in sorted(unique.items())]
        with self._db.write() as db:
            # Replays are not new: a browser whose acknowledgement was lost must get it, also at the limit.
            replayed = set(
                db.scalars(select(Event.client_seq).where(Event.session_id == session.id, Event.client_seq.in_(unique)))
            )
            rows = [row for row in rows if row["client_seq"] not in replayed]
            stored = db.scalar(select(func.count()).select_from(Event).where(Event.session_id == session.id)) or 0
            if rows and stored + len(rows) > self._quota:
                raise ApiError(
                    f"The session has stored {stored} events and takes no more.", code="event_quota", status=413
                )
            if rows:
                insert = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
                db.execute(insert(Event).on_conflict_do_nothing(index_elements=["session_id", "client_seq"]), rows)
        return sorted(unique)

    def add_server(
        self, session_id: int, event_type_id: int, at_ms: int, data: Mapping[str, Any] | None = None
    ) -> None:
        """Something that the server observed."""
        with self._db.write() as db:
            db.add(
                Event(
                    session_id=session_id,
                    client_seq=None,
                    event_type_id=event_type_id,
                    name=name_of(event_type_id),
                    at_ms=max(0, at_ms),
                    received_at=now_ms(),
                    data=dict(data or {}),
                )
            )

    def of(self, session_id: int) -> list[Event]:
        """All events of a session in the order of their times."""
        with self._db.read() as db:
            return list(db.scalars(select(Event).where(Event.session_id == session_id).order_by(Event.at_ms, Event.id)))


def event_counts(orm: OrmSession, session_id: int) -> dict[int, int]:
    """Event type id → how often it occurred in a session."""
    query = select(Event.event_type_id, func.count()).where(Event.session_id == session_id)
    return {int(kind): int(count) for kind, count in orm.execute(query.group_by(Event.event_type_id))}


def _row(session_id: int, event: ClientEvent, now: int, latest: int) -> dict[str, Any]:
    event_type_id, data = event.event_type_id, dict(event.data)
    if event_type_id in SERVER_ONLY:
        event_type_id, data = FORGED, {"claimed": event_type_id}
    known = EVENTS.get(event_type_id)
    at = min(max(0, event.at), latest + FUTURE_TOLERANCE_MS)
    if at != event.at:
        data["sent_at"] = event.at
    return {
        "session_id": session_id,
        "client_seq": event.seq,
        "event_type_id": event_type_id,
        "name": known.name if known is not None else storable(event.name, MAX_NAME),
        "at_ms": at,
        "received_at": now,
        "data": data,
    }
