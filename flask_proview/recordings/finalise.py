"""From pieces to something that plays: one seekable WebM per track, and the ledger. May run any number of times."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import delete, select

from flask_proview.config import Config
from flask_proview.errors import ApiError
from flask_proview.sessions import ledger
from flask_proview.sessions.callbacks import wish
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.events import event_counts
from flask_proview.sessions.index import proview_index, weights_of
from flask_proview.sessions.models import Base, Damage, Event, Outcome, Recording, Session, State
from flask_proview.sessions.sittings import earlier_events, sitting_of, total_counts

from .archive import Archive
from .causes import causes_of
from .layout import TRACKS, Layout
from .remux import Remuxed, remux
from .sources import track_sources
from .verify import digest_of

log = logging.getLogger(__name__)

LONGEST_MINUTES = 1440


# The policy of every session has the camera; the screen is recorded where a route asks for it.
ALWAYS_RECORDED = "camera"


class BeingFinalised(Exception):
    """Another worker is at it; what arrived meanwhile is done by the next run."""


class Finaliser:
    """Makes the recordings of ended sessions (and of running ones, as far as they have come)."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._config = config
        self._layout = Layout(Path(config.storage.recordings))
        # An expired session is as long as what came later, within what a session can be at all.
        minutes = config.limits.session_minutes if config.limits.on_limit == "stop" else LONGEST_MINUTES
        self._longest_ms = minutes * 60_000

    def finalise(self, uuid: str) -> list[Recording]:
        """Make or remake the recordings and the ledger of a session from everything that is durable now.

        :raises ApiError: 404 ``unknown_session``.
        :raises BeingFinalised: another process or thread is doing it.
        """
        with _exclusive(self._layout.session_dir(uuid)):
            return self._finalise(uuid)

    def _finalise(self, uuid: str) -> list[Recording]:
        started = now_ms()
        with self._db.read() as db:
            session = db.scalars(select(Session).where(Session.uuid == uuid)).first()
        if session is None:
            raise ApiError("There is no such session.", code="unknown_session", status=404)
        if session.pruned_at is not None:
            Archive(self._db, self._config).fetch(session)
        with self._db.read() as db:
            events = list(db.scalars(select(Event).where(Event.session_id == session.id)))
            earlier = earlier_events(db, sitting_of(db, session), session)
        recordings: list[Recording] = []
        rows: list[Outcome] = []
        damages: list[Damage] = []
        made: dict[str, tuple[Remuxed | None, list[ledger.Cause]]] = {}
        end_ms = self._length_ms(session)
        for track in TRACKS:
            sources = track_sources(self._db, self._layout, session, track)
            damages += [
                Damage(session_id=session.id, track=track, run=run, seq=seq, what=what, found_at=started)
                for run, seq, what in sources.damaged
            ]
            if not sources.segments and not sources.notes:
                if track == ALWAYS_RECORDED:
                    made[track] = (None, [])  # nothing ever came: all of it is a gap
                continue
            if session.state == State.EXPIRED:
                end_ms = max(end_ms, min(round(sources.end_ms), self._longest_ms))
            target = self._layout.recording_file(uuid, track)
            done = remux(sources.segments, target) if sources.segments else None
            made[track] = (done, sources.missing)
            if done is not None:
                recordings.append(_recording(session, track, target, done, sources.notes))
        for track, (done, missing) in made.items():
            rows += _outcomes(session, track, end_ms, done, missing, events, earlier)
        if not self._save(session, [*recordings, *rows, *damages], started, end_ms):
            self._layout.remove_session(uuid)
            return []
        log.info("session %s: %d recording(s) made in %d ms", uuid, len(recordings), now_ms() - started)
        return recordings

    def _length_ms(self, session: Session) -> int:
        end = session.ended_at if session.ended_at is not None else session.last_seen_at
        return max(0, end - session.started_at)

    def _save(self, session: Session, made: list[Base], started: int, end_ms: int) -> bool:
        """False when the session was deleted while we worked."""
        with self._db.write() as db:
            parts = sitting_of(db, session, lock=True)
            row = next((part for part in parts if part.id == session.id and part is not session), None)
            if row is None:
                return False
            for table in (Recording, Outcome, Damage):
                db.execute(delete(table).where(table.session_id == session.id))
            db.add_all(made)
            row.finalised_at = started
            # What was committed after we read is done by the next run, whatever the clocks of the two processes say.
            if row.finalise_wanted_at is not None and row.finalise_wanted_at != session.finalise_wanted_at:
                row.finalise_wanted_at = max(row.finalise_wanted_at, started + 1)
            elif row.finalise_wanted_at is not None:
                row.finalised_at = max(started, row.finalise_wanted_at)
            if session.state == State.EXPIRED:
                # The browser vanished; what it handed in later shows how long it really went on.
                row.ended_at = row.started_at + end_ms
            counts = total_counts(event_counts(db, part.id) for part in parts)
            suggested = proview_index(counts, weights_of(self._config, row.account))
            for part in parts:
                part.proview_index, part.proview_score = suggested.level, suggested.score
            db.flush()
            wish(db, row, self._config)
        return True


@contextmanager
def _exclusive(directory: Path) -> Iterator[None]:
    """One at a time for each session. The kernel lets go of the lock when its process dies, however it dies."""
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield  # nothing was ever stored, so nothing is written
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise BeingFinalised(directory.name) from None
    try:
        yield
    finally:
        os.close(handle)


def _recording(session: Session, track: str, path: Path, done: Remuxed, notes: list[dict[str, object]]) -> Recording:
    return Recording(
        session_id=session.id,
        track=track,
        path=path.name,
        mime=f'video/webm; codecs="{", ".join(done.codecs)}"',
        offset_ms=round(done.offset_ms),
        duration_ms=round(done.duration_ms),
        bytes=path.stat().st_size,
        sha256=digest_of(path),
        made_at=now_ms(),
        notes=[*notes, *done.notes],
    )


def _outcomes(
    session: Session,
    track: str,
    length_ms: int,
    done: Remuxed | None,
    missing: list[ledger.Cause],
    events: list[Event],
    earlier: list[tuple[int, Event]],
) -> list[Outcome]:
    recorded = done.intervals if done is not None else []
    first = min((i.from_ms for i in recorded), default=None)
    goes_on = session.sitting is not None and session.sitting != session.uuid
    causes = causes_of(events, track, first, earlier, goes_on)
    causes += missing
    causes += done.unusable if done is not None else []
    return [
        Outcome(
            session_id=session.id,
            track=track,
            from_ms=row.from_ms,
            to_ms=row.to_ms,
            outcome=row.outcome,
            cause=row.cause,
            source=row.source,
        )
        for row in ledger.outcomes(length_ms, recorded, causes)
    ]
