"""A session with its recordings, ledger and events as plain data, for the details call and for the player."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

from flask_proview.catalogue import RATED, shown_as
from flask_proview.config import Config
from flask_proview.recordings.photos import photos_of
from flask_proview.sessions.approvals import history
from flask_proview.sessions.callbacks import playback_url
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.events import event_counts
from flask_proview.sessions.index import Index, proview_index, weights_of
from flask_proview.sessions.models import Conflict, Damage, Event, Outcome, Piece, Recording, Session
from flask_proview.sessions.sittings import end_of, ledger_of, length_ms, offset_ms, sitting_of, total_counts
from flask_proview.sessions.verdict import verdict_of

from .access import check_uuid, unknown_session
from .growing import growing_tracks, is_growing
from .photos import describe_photo, photo_url
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
            "attendee": session.attendee,
            "workflow": session.workflow,
            **_summary(session),
            **_verdict(sitting_of(orm, session)),
            "proview_index": _index(orm, [session], runtime.config),
            "continues": session.continues,
            **_neighbours(orm, session, runtime.config),
            "playback_url": playback_url(session, runtime.config),
            "approval": _approval(orm, session),
            "photos": _photos(runtime, orm, session),
            "recordings": _recordings(orm, session),
            "ledger": _outcomes(orm, session),
            "events": _events(orm, session),
            "integrity": _integrity(orm, session),
        }


def playback_details(
    runtime: Runtime, session: Session, media_url: str, dvr_url: str, ticket: str | None
) -> dict[str, Any]:
    """What the player shows (``GET M/v1/playback/<uuid>``): the whole sitting on one clock, by whichever of its sessions it is
    asked for; the URLs have ``{uuid}`` and ``{track}`` in them. What still grows is played from its pieces."""
    with runtime.db.read() as orm:
        parts = sitting_of(orm, session)
        first, last = parts[0], parts[-1]
        tracks: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        for part in parts:
            begin = offset_ms(parts, part)
            rows = _outcomes(orm, part)
            for recording in [] if is_growing(part) else _recordings(orm, part):
                track = recording["track"]
                tracks.append({
                    **recording,
                    "offset_ms": recording["offset_ms"] + begin,
                    "url": media_url.replace("{uuid}", part.uuid).replace("{track}", track),
                    "session_uuid": part.uuid,
                    "outcomes": [_moved(row, begin) for row in rows if row["track"] == track],
                })  # fmt: skip
            if is_growing(part):
                tracks += growing_tracks(runtime, orm, part, begin, dvr_url)
            events += [{**event, "at": event["at"] + begin} for event in _events(orm, part)]
        return {
            "session": {
                "session_uuid": first.uuid,
                "session": first.external_id,
                "profile_id": first.profile_id,
                **_summary(first),
                "status": last.state,
                "end_reason": last.end_reason,
                "ended_at": end_of(parts),
                "duration_ms": length_ms(parts),
            },
            "state": last.state,
            "finalised": all(part.finalised_at is not None for part in parts),
            "parts": [_part(parts, part) for part in parts],
            "tracks": tracks,
            "photos": [photo for part in parts for photo in _photos(runtime, orm, part, ticket)],
            "events": sorted(events, key=lambda event: event["at"]),
            "outcomes": [
                *_joined_outcomes(orm, parts),
                *(row for track in tracks if track.get("growing") for row in track["outcomes"]),
            ],
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


def _verdict(parts: Sequence[Session]) -> dict[str, Any]:
    """The rating that counts, and whose it is: a person's, or for ai_proctor the index's as soon as the recording is made."""
    verdict = verdict_of(parts)
    return {
        "final_rating": verdict.rating,
        "rated_by": "index" if verdict.by_index else "reviewer" if verdict.judged else None,
    }


def _neighbours(orm: OrmSession, session: Session, config: Config) -> dict[str, Any]:
    """The sitting that a session is part of; null where it is all of it."""
    parts = sitting_of(orm, session)
    if len(parts) == 1:
        return {"previous": None, "next": None, "sitting": None}
    place = next(index for index, part in enumerate(parts) if part.id == session.id)
    return {
        "previous": parts[place - 1].uuid if place else None,
        "next": parts[place + 1].uuid if place + 1 < len(parts) else None,
        "sitting": {
            "session_uuid": parts[0].uuid,
            "started_at": parts[0].started_at,
            "ended_at": end_of(parts),
            "duration_ms": length_ms(parts),
            "status": parts[-1].state,
            **_verdict(parts),
            "proview_index": _index(orm, parts, config),
            "parts": [_part(parts, part) for part in parts],
            "ledger": _joined_outcomes(orm, parts),
        },
    }


def _part(parts: Sequence[Session], part: Session) -> dict[str, Any]:
    return {
        "session_uuid": part.uuid,
        "status": part.state,
        "end_reason": part.end_reason,
        "started_at": part.started_at,
        "ended_at": part.ended_at,
        "offset_ms": offset_ms(parts, part),
        "duration_ms": length_ms([part]),
    }


def _joined_outcomes(orm: OrmSession, parts: Sequence[Session]) -> list[dict[str, Any]]:
    return [{"track": track, **asdict(row)} for track, rows in ledger_of(orm, parts).items() for row in rows]


def _moved(row: dict[str, Any], by_ms: int) -> dict[str, Any]:
    return {**row, "from_ms": row["from_ms"] + by_ms, "to_ms": row["to_ms"] + by_ms}


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


def _photos(runtime: Runtime, orm: OrmSession, session: Session, ticket: str | None = None) -> list[dict[str, Any]]:
    mount = runtime.config.server.mount
    return [describe_photo(photo, photo_url(mount, session, photo, ticket)) for photo in photos_of(orm, [session.id])]


def _approval(orm: OrmSession, session: Session) -> dict[str, Any]:
    """Where it stands, and everything that was asked and said."""
    return {"state": session.approval, "reason": session.approval_reason, "history": [asdict(word) for word in history(orm, session)]}  # fmt: skip


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


def index_of(orm: OrmSession, parts: Sequence[Session], config: Config) -> Index:
    """The Proview Index of a sitting, by the events that are there now."""
    counts = total_counts(event_counts(orm, part.id) for part in parts)
    return proview_index(counts, weights_of(config, parts[0].account))


def _index(orm: OrmSession, parts: Sequence[Session], config: Config) -> dict[str, Any]:
    """The suggestion, and what it is made of."""
    index = index_of(orm, parts, config)
    return {
        "level": index.level,
        "score": index.score,
        "contributions": [asdict(part) for part in index.contributions],
    }


def _integrity(orm: OrmSession, session: Session) -> dict[str, Any]:
    def count(table: type[Piece | Conflict | Damage]) -> int:
        return orm.scalar(select(func.count()).select_from(table).where(table.session_id == session.id)) or 0

    return {
        "pieces": count(Piece),
        "bytes": session.bytes_stored,
        "conflicts": count(Conflict),
        "damaged": count(Damage),
    }
