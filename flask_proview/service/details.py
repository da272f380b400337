"""A session with its recordings, ledger and events as plain data, for the details call and for the player."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

from flask_proview.catalogue import RATED, shown_as
from flask_proview.config import Config
from flask_proview.sessions.callbacks import playback_url
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.events import event_counts
from flask_proview.sessions.index import proview_index, weights_of
from flask_proview.sessions.models import Conflict, Event, Outcome, Piece, Recording, Session

from .access import check_uuid, unknown_session
from .runtime import Runtime

MAX_EVENTS = 20_000


def session_details(runtime: Runtime, uuid: str) -> dict[str, Any]:
    """Everything a back end may know (``GET M/v1/sessions/<uuid>``).

    :raises ApiError: 404.
    """
    session = find_session(runtime, uuid)
    with runtime.db.read() as orm:
        return {
            "session_uuid": session.uuid,
            "session_external_id": session.external_id,
            "profile_external_id": session.profile_id,
            # The same ids under the names of the newer API.
            "external_session_id": session.external_id,
            "external_attendee_id": session.profile_id,
            "account": session.account,
            **_summary(session),
            "final_rating": session.final_rating,
            "proview_index": _index(orm, session, runtime.config),
            "continues": session.continues,
            "playback_url": playback_url(session, runtime.config),
            "recordings": _recordings(orm, session),
            "ledger": _outcomes(orm, session),
            "events": _events(orm, session),
            "integrity": _integrity(orm, session),
        }


def playback_details(runtime: Runtime, session: Session, media_url: str) -> dict[str, Any]:
    """What the player shows (``GET M/v1/playback/<uuid>``); ``media_url`` has ``{track}`` in it."""
    with runtime.db.read() as orm:
        recordings = _recordings(orm, session)
        return {
            "session": {
                "session_uuid": session.uuid,
                "session": session.external_id,
                "profile_id": session.profile_id,
                **_summary(session),
            },
            "state": session.state,
            "finalised": session.finalised_at is not None,
            "tracks": [{**row, "url": media_url.replace("{track}", row["track"])} for row in recordings],
            "events": _events(orm, session),
            "outcomes": _outcomes(orm, session),
        }


def find_session(runtime: Runtime, uuid: str) -> Session:
    """The row, or 404."""
    session = runtime.sessions.get(check_uuid(uuid))
    if session is None:
        raise unknown_session()
    return session


def _summary(session: Session) -> dict[str, Any]:
    return {
        "session_type": session.session_type,
        "title": session.title,
        "status": session.state,
        "end_reason": session.end_reason,
        "created_at": session.created_at,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "duration_ms": max(0, (session.ended_at or now_ms()) - session.started_at),
    }


def _recordings(orm: OrmSession, session: Session) -> list[dict[str, Any]]:
    rows = orm.scalars(select(Recording).where(Recording.session_id == session.id).order_by(Recording.track))
    return [
        {
            "track": row.track,
            "mime": row.mime,
            "offset_ms": row.offset_ms,
            "duration_ms": row.duration_ms,
            "bytes": row.bytes,
            "sha256": row.sha256,
            "made_at": row.made_at,
        }
        for row in rows
    ]


def _outcomes(orm: OrmSession, session: Session) -> list[dict[str, Any]]:
    query = select(Outcome).where(Outcome.session_id == session.id).order_by(Outcome.track, Outcome.from_ms)
    return [
        {
            "track": row.track,
            "from_ms": row.from_ms,
            "to_ms": row.to_ms,
            "outcome": row.outcome,
            "cause": row.cause,
            "source": row.source,
        }
        for row in orm.scalars(query)
    ]


def _events(orm: OrmSession, session: Session) -> list[dict[str, Any]]:
    # What reviewers wrote about the candidate is for the console only, not for holders of a ticket.
    shown = (Event.session_id == session.id) & (Event.event_type_id != RATED)
    query = select(Event).where(shown).order_by(Event.at_ms, Event.id).limit(MAX_EVENTS)
    return [_event(row) for row in orm.scalars(query)]


def _event(row: Event) -> dict[str, Any]:
    return {
        "event_type_id": row.event_type_id,
        **shown_as(row.event_type_id, row.name),
        "at": row.at_ms,
        "by": "server" if row.client_seq is None else "browser",
        "data": row.data,
    }


def _index(orm: OrmSession, session: Session, config: Config) -> dict[str, Any]:
    """The suggestion, and what it is made of."""
    index = proview_index(event_counts(orm, session.id), weights_of(config, session.account))
    return {
        "level": index.level,
        "score": index.score,
        "contributions": [asdict(part) for part in index.contributions],
    }


def _integrity(orm: OrmSession, session: Session) -> dict[str, Any]:
    def count(table: type[Piece] | type[Conflict]) -> int:
        return orm.scalar(select(func.count()).select_from(table).where(table.session_id == session.id)) or 0

    return {"pieces": count(Piece), "bytes": session.bytes_stored, "conflicts": count(Conflict)}
