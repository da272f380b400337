"""Reads stored evidence again, at a bounded rate, and compares it with its digests. A bit that flipped is found and said, not served.

Damaged pieces are marked (damages.py) and the recording is made again without them, from the second source where there
is one. A finished recording that does not have its digest any more is made again from the pieces.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import or_, select, update

from flask_proview.config import Config
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Damage, Piece, Recording, Session

from .archive import Archive, damaged_copies
from .damages import add_damages, remove_damages, withdraw_recording
from .layout import TRACKS, Layout
from .reader import Slice, raise_passing
from .verify import check_run, digest_of

log = logging.getLogger(__name__)

DAY_MS = 86_400_000


class Stopped(Exception):
    """The process ends; what was not read is read another time."""


class Pace:
    """Sleeps so that no more than so many bytes are read in a second; 0: as fast as it goes.

    :param stop: raises :class:`Stopped` when it is set.
    """

    def __init__(self, bytes_per_s: float, stop: threading.Event | None = None) -> None:
        self._rate = bytes_per_s
        self._stop = stop or threading.Event()
        self._due = time.monotonic()

    def __call__(self, count: int) -> None:
        if self._stop.is_set():
            raise Stopped
        if self._rate <= 0:
            return
        now = time.monotonic()
        # What was not used is lost: a pause of the caller must not become a burst.
        self._due = max(self._due, now) + count / self._rate
        if self._due > now:
            self._stop.wait(self._due - now)


@dataclass(slots=True)
class Scrubbed:
    """What reading a session again showed. Names are (track, run, seq, what)."""

    uuid: str
    pieces: int = 0
    bytes: int = 0
    damaged: list[tuple[str, int, int, str]] = field(default_factory=list)
    new: int = 0
    recovered: int = 0
    recordings: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.damaged or self.recordings or self.copies)

    def lines(self) -> Iterator[str]:
        """For people."""
        for track, run, seq, what in self.damaged:
            yield f"{self.uuid} {track} run {run} piece {seq}: {what}"
        for track in self.recordings:
            yield f"{self.uuid} {track}.webm is damaged; it is made again from its pieces"
        for name in self.copies:
            yield f"{self.uuid} {name}: the copy in the object store is damaged or gone"


class Scrubber:
    """Compares bytes with digests: one session, or those whose turn it is."""

    def __init__(self, db: Database, config: Config, pace: Callable[[int], None] = lambda _count: None) -> None:
        self._db = db
        self._layout = Layout(Path(config.storage.recordings))
        self._archive = Archive(db, config)
        self._days = config.storage.scrub_days
        self._pace = pace

    def due(self, now: int, limit: int = 1) -> list[Session]:
        """Ended sessions that were not read for ``storage.scrub_days``, the longest ago first."""
        if not self._days:
            return []
        before = now - self._days * DAY_MS
        query = (
            select(Session)
            .where(Session.finalised_at.is_not(None), Session.ended_at < before)
            .where(or_(Session.scrubbed_at.is_(None), Session.scrubbed_at < before))
            .order_by(Session.scrubbed_at, Session.id)
            .limit(limit)
        )
        with self._db.read() as db:
            return list(db.scalars(query))

    def turn(self, seconds: float) -> list[Scrubbed]:
        """Read sessions that are due until the time is up; at least one is read to its end."""
        end, done = time.monotonic() + seconds, []
        while time.monotonic() < end:
            due = self.due(now_ms())
            if not due:
                break
            done.append(self.scrub(due[0]))
        return done

    def scrub(self, session: Session) -> Scrubbed:
        """Read everything of a session."""
        done = Scrubbed(session.uuid)
        if session.pruned_at is None:
            for track in TRACKS:
                self._pieces(session, track, done)
            self._recordings(session, done)
        done.copies = damaged_copies(self._archive, session, self._pace)
        with self._db.write() as db:
            db.execute(update(Session).where(Session.id == session.id).values(scrubbed_at=now_ms()))
        for line in done.lines():
            log.error("scrub: %s", line)
        return done

    def _pieces(self, session: Session, track: str, done: Scrubbed) -> None:
        ours = (Piece.session_id == session.id) & (Piece.track == track)
        columns = (Piece.seq, Piece.offset, Piece.length, Piece.start_ms, Piece.duration_ms, Piece.sha256)
        with self._db.read() as db:
            runs = db.scalars(select(Piece.run).where(ours).distinct().order_by(Piece.run)).all()
            known = {
                (d.run, d.seq)
                for d in db.scalars(select(Damage).where(Damage.session_id == session.id, Damage.track == track))
            }
        found: list[tuple[str, int, int, str]] = []
        for run in runs:
            with self._db.read() as db:
                rows = db.execute(select(*columns).where(ours, Piece.run == run).order_by(Piece.seq)).all()
            slices = [Slice(*row) for row in rows]
            path = self._layout.run_file(session.uuid, track, run)
            checked = check_run(path, self._layout.heads_file(session.uuid, track), run, slices, self._pace)
            done.pieces += len(slices)
            done.bytes += sum(piece.length for piece in slices)
            found += [(track, run, piece.seq, what) for piece, what in checked.damaged]
        done.damaged += found
        done.new += add_damages(self._db, session.id, found) if found else 0
        whole = [(track, run, seq) for run, seq in known if (run, seq) not in {(f[1], f[2]) for f in found}]
        done.recovered += remove_damages(self._db, session.id, whole) if whole else 0

    def _recordings(self, session: Session, done: Scrubbed) -> None:
        with self._db.read() as db:
            rows = list(db.scalars(select(Recording).where(Recording.session_id == session.id)))
        for row in rows:
            path = self._layout.recording_file(session.uuid, row.track)
            try:
                sound = digest_of(path, self._pace) == row.sha256
            except OSError as error:
                raise_passing(error)
                sound = False
            # Finalise may have replaced file and row while we read.
            if not sound and withdraw_recording(self._db, row):
                done.recordings.append(row.track)
