"""Sessions that still grow, as the player sees them: tracks without an end, and stretches of their bytes. Fails closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession
from werkzeug.wrappers import Response

from flask_proview.offload import offload
from flask_proview.recordings.dvr import Dvr, Stretch, growing_ledger
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import OPEN_STATES, Event, Piece, Session, State

from .piece_input import MAX_SEQ, check_track, parse_decimal
from .runtime import Runtime

MEDIA_CSP = "default-src 'none'; sandbox; frame-ancestors 'none'"


def is_growing(session: Session) -> bool:
    """Whether it is played from its pieces: it runs, or its recording is not made yet."""
    return session.state in OPEN_STATES or session.finalised_at is None


def track_ends(orm: OrmSession, session: Session) -> dict[str, int]:
    """track → the end of its newest piece, on the session's clock."""
    end = func.max(Piece.start_ms + Piece.duration_ms)
    query = select(Piece.track, end).where(Piece.session_id == session.id).group_by(Piece.track)
    return {row[0]: int(row[1]) for row in orm.execute(query)}


def newest_ms(session: Session, ends: Mapping[str, int]) -> int:
    """How far the session has come: its newest piece, but not the future, whatever a browser stamps."""
    return min(max(ends.values(), default=0), now_ms() - session.started_at)


def growing_tracks(
    runtime: Runtime, orm: OrmSession, session: Session, begin_ms: int, url: str
) -> list[dict[str, Any]]:
    """The tracks of a part as far as they have come, on the sitting's clock."""
    ends = track_ends(orm, session)
    length = newest_ms(session, ends)
    if session.state == State.PAUSED:
        length = now_ms() - session.started_at
    events = list(orm.scalars(select(Event).where(Event.session_id == session.id)))
    tracks = []
    for track in sorted(ends):
        rows = growing_ledger(runtime.db, session, track, length, events)
        moved = [
            {"track": track, **asdict(row), "from_ms": row.from_ms + begin_ms, "to_ms": row.to_ms + begin_ms}
            for row in rows
        ]
        tracks.append({
            "track": track,
            "growing": True,
            "mime": "video/webm",
            "offset_ms": begin_ms,
            "duration_ms": length,
            "url": url.replace("{uuid}", session.uuid).replace("{track}", track),
            "session_uuid": session.uuid,
            "outcomes": moved,
        })  # fmt: skip
    return tracks


def serve_stretch(runtime: Runtime, session: Session, track: str, request: Request, since_ms: int = 0) -> Response:
    """``?at=MS``: from that moment of the session's clock on; ``?run=RUN&seq=SEQ``: what follows. 204: nothing there yet.
    Never anything from before ``since_ms``.

    :raises ApiError: for anything that is not a track or a number.
    """
    check_track(track)
    asked = request.args
    if "at" in asked:
        at = parse_decimal(asked["at"], "at")
        run = seq = -1
    else:
        at = -1
        run, seq = parse_decimal(asked.get("run"), "run"), parse_decimal(asked.get("seq"), "seq", MAX_SEQ)

    def read() -> Stretch | None:
        dvr = Dvr(runtime.db, runtime.layout, session, track, since_ms)
        return dvr.at(at) if at >= 0 else dvr.after(run, seq)

    stretch = offload(read)
    response = Response(mimetype="video/webm") if stretch is None else Response(stretch.data, mimetype="video/webm")
    if stretch is None:
        response.status_code = 204
    else:
        response.headers["X-Stretch-Fresh"] = "1" if stretch.fresh else "0"
        for name, value in (
            ("Run", stretch.run), ("Next", stretch.next_seq), ("Clock", stretch.clock_ms), ("From", stretch.from_ms),
            ("To", stretch.to_ms),
        ):  # fmt: skip
            response.headers[f"X-Stretch-{name}"] = str(value)
        response.headers["X-Stretch-Type"] = stretch.mime
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = MEDIA_CSP
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
