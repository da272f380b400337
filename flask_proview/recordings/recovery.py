"""After a crash: files and rows brought into agreement. Rows are the truth. Idempotent, and safe beside running writers.

A crash leaves bytes without a row (the batch that was being written): they are cut off, because nobody was told that
they are stored. Rows without bytes cannot come from a crash, only from a disk or a hand; they are recorded as damages. Nothing
that has a row is ever removed, and what a crash cannot explain (a directory without a session, a tail longer than any batch: a
database that was restored from a backup) is left alone and reported.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from flask_proview.config import Config
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Piece, Session

from .damages import add_damages
from .layout import Layout
from .pieces import BATCH_BYTES

log = logging.getLogger(__name__)

_RUN_FILE = re.compile(r"(camera|screen)-([0-9]{1,16})\.pieces", re.ASCII)
# A batch is what was on its way when the process died; a piece more may have begun.
MAX_TAIL_BYTES = 2 * BATCH_BYTES


@dataclass(slots=True)
class Recovered:
    """What was found and done. ``cut``: bytes without a row; ``short``: files that lack bytes; ``unexplained``: left alone."""

    sessions: int = 0
    files: int = 0
    cut: dict[str, int] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    short: dict[str, int] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    in_use: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.cut or self.leftovers or self.short)

    def lines(self) -> Iterator[str]:
        """For people."""
        for name, count in self.cut.items():
            yield f"{name}: {count} bytes that were never acknowledged were cut off"
        for name in self.leftovers:
            yield f"{name}: a recording that was not finished was removed"
        for name, count in self.short.items():
            yield f"{name}: the bytes of {count} acknowledged pieces are not there; they are marked as damaged"
        for name in self.unexplained:
            yield f"{name}: has more bytes than a crash leaves; was the database restored from a backup? Left alone."
        for name in self.strangers:
            yield f"{name}: files of a session that the database does not know; left alone"


class Recovery:
    """Looks at the sessions that may have been written to lately, or at all of them."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._layout = Layout(Path(config.storage.recordings))
        self._grace_ms = config.limits.drain_grace_minutes * 60_000

    def recover(self, *, everything: bool = False, uuid: str | None = None) -> Recovered:
        """Reconcile; by default the sessions that can still receive pieces.

        :param everything: all sessions.
        :param uuid: this session.
        """
        done = Recovered()
        query = select(Session).where(Session.pruned_at.is_(None)).order_by(Session.id)
        if uuid is not None:
            query = query.where(Session.uuid == uuid)
        elif not everything:
            query = query.where(Session.ended_at.is_(None) | (Session.ended_at > now_ms() - self._grace_ms))
        with self._db.read() as db:
            sessions = list(db.scalars(query))
        for session in sessions:
            self._session(session, done)
        if uuid is None:
            done.strangers = sorted(self._strangers())
        for line in done.lines():
            log.warning("recovery: %s", line)
        return done

    def _session(self, session: Session, done: Recovered) -> None:
        done.sessions += 1
        directory = self._layout.session_dir(session.uuid)
        runs = self._runs(session.id)
        if directory.is_dir():
            for path in sorted(directory.glob("*.pieces")):
                found = _RUN_FILE.fullmatch(path.name)
                if found is not None and path.is_file() and not path.is_symlink():
                    runs.add((found[1], int(found[2])))
            self._remove_unfinished(directory, done)
        for track, run in sorted(runs):
            done.files += 1
            self._run(session, track, run, done)

    def _runs(self, session_id: int) -> set[tuple[str, int]]:
        with self._db.read() as db:
            rows = db.execute(select(Piece.track, Piece.run).where(Piece.session_id == session_id).distinct())
            return {(row[0], row[1]) for row in rows}

    def _run(self, session: Session, track: str, run: int, done: Recovered) -> None:
        path = self._layout.run_file(session.uuid, track, run)
        name = str(path.relative_to(self._layout.root))
        with _alone(path) as handle:
            if handle is None:
                done.in_use += 1
                return
            size = os.fstat(handle).st_size if handle >= 0 else 0
            # Read while nobody can append: a row that is committed now has its bytes below the size.
            ours = (Piece.session_id == session.id) & (Piece.track == track) & (Piece.run == run)
            with self._db.read() as db:
                end = db.scalar(select(func.max(Piece.offset + Piece.length)).where(ours)) or 0
                beyond = db.scalars(select(Piece.seq).where(ours, Piece.offset + Piece.length > size)).all()
            if beyond:
                what = "short" if handle >= 0 else "missing"
                if add_damages(self._db, session.id, [(track, run, seq, what) for seq in beyond]):
                    done.short[name] = len(beyond)
            elif size - end > MAX_TAIL_BYTES:
                done.unexplained.append(name)
            elif size > end:
                os.ftruncate(handle, end)
                os.fsync(handle)
                done.cut[name] = size - end

    def _remove_unfinished(self, directory: Path, done: Recovered) -> None:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # finalise holds it while it works
            for path in directory.glob("*.part"):
                path.unlink(missing_ok=True)
                done.leftovers.append(str(path.relative_to(self._layout.root)))
        except BlockingIOError:
            pass
        finally:
            os.close(handle)

    def _strangers(self) -> Iterator[str]:
        present = {path.name for path in self._layout.root.glob("??/*-*-*-*-*") if path.is_dir()}
        with self._db.read() as db:
            for start in range(0, len(names := sorted(present)), 500):
                part = names[start : start + 500]
                present -= set(db.scalars(select(Session.uuid).where(Session.uuid.in_(part))))
        return (f"{name[:2]}/{name}" for name in present)


@contextmanager
def _alone(path: Path) -> Iterator[int | None]:
    """The file opened while nobody writes to it; None when somebody does, -1 when it is not there."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield -1
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield handle if free else None
    finally:
        os.close(handle)
