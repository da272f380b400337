"""The reviewer's verdict. The session row holds the newest one; every verdict stays in the session's events: who, when, why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from flask_proview.catalogue import RATED
from flask_proview.config import Config
from flask_proview.errors import ApiError, FieldError
from flask_proview.sessions.callbacks import wish
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Event, Session, State
from flask_proview.sessions.sittings import sitting_of

RATINGS = ("high", "medium", "low")
MAX_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Rating:
    """One verdict."""

    rating: str
    note: str
    by: str
    at: int


def rate(db: Database, config: Config, uuid: str, rating: str, note: str, by: str) -> Rating:
    """Store a verdict, and the callback that tells the customer.

    :raises ApiError: 400 for an unknown rating or a long note, 404, 409 ``session_open`` while the session runs.
    """
    note = note.replace("\0", "").strip()
    if rating not in RATINGS:
        raise ApiError("Choose high, medium or low.", fields=(FieldError("rating", "must be high, medium or low"),))
    if len(note) > MAX_NOTE:
        raise ApiError(f"The note may have {MAX_NOTE} characters.", fields=(FieldError("note", "is too long"),))
    at = now_ms()
    with db.write() as session:
        row = session.scalar(select(Session).where(Session.uuid == uuid))
        if row is None:
            raise ApiError("There is no such session.", code="not_found", status=404)
        if any(not State(part.state).ended for part in sitting_of(session, row)):
            raise ApiError("A session is rated after it has ended.", code="session_open", status=409)
        row.final_rating = rating
        session.add(
            Event(
                session_id=row.id,
                client_seq=None,
                event_type_id=RATED,
                name="Session rated",
                at_ms=at - row.started_at,
                received_at=at,
                data={"rating": rating, "note": note, "by": by},
            )
        )
        wish(session, row, config)
    return Rating(rating, note, by, at)


def history(db: Database, session_ids: Collection[int]) -> list[Rating]:
    """All verdicts on a sitting, newest first."""
    with db.read() as session:
        events = session.scalars(
            select(Event)
            .where(Event.session_id.in_(session_ids), Event.event_type_id == RATED)
            .order_by(Event.id.desc())
        )
        return [
            Rating(str(e.data.get("rating", "")), str(e.data.get("note", "")), str(e.data.get("by", "")), e.received_at)
            for e in events
        ]
