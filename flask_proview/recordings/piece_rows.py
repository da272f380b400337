"""The rows of pieces and runs: what is known of a piece, and the transaction that makes new ones true."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Insert, bindparam, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session as OrmSession

from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Conflict, Piece, Run, Session

if TYPE_CHECKING:
    from .pieces import IncomingPiece

# SQLite before 3.32 took 999 variables in a statement; four make a key.
KEYS_PER_QUERY = 200


class Standing(enum.Enum):
    """What the rows say of a piece."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"
    QUOTA = "quota"
    NO_ROOM = "no room"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece whose bytes are durable at ``offset`` of its run's file."""

    piece: IncomingPiece
    offset: int


Key = tuple[int, str, int, int]


def _key(piece: IncomingPiece) -> Key:
    return piece.session_id, piece.track, piece.run, piece.seq


class PieceRows:
    """Reads and writes the evidence tables for a batch at a time."""

    def __init__(self, db: Database, max_session_bytes: int) -> None:
        self._db = db
        self._max_session_bytes = max_session_bytes
        upsert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
        self._insert_pieces: Insert = upsert(Piece).on_conflict_do_nothing()
        run = upsert(Run)
        self._upsert_runs: Insert = run.on_conflict_do_update(
            index_elements=["session_id", "track", "run"],
            set_={
                "start_ms": func.min(Run.start_ms, run.excluded.start_ms)
                if upsert is sqlite_insert
                else func.least(Run.start_ms, run.excluded.start_ms),
                "mime": func.coalesce(func.nullif(Run.mime, ""), run.excluded.mime),
                "last_seq": func.coalesce(run.excluded.last_seq, Run.last_seq),
            },
        )

    def standings(self, pieces: Sequence[IncomingPiece]) -> list[Standing]:
        """For each piece: new, stored with the same or with other bytes, or over the session's quota. Conflicts are recorded."""
        if not pieces:
            return []
        with self._db.read() as db:
            known = self._known(db, pieces)
            used = self._used(db, {p.session_id for p in pieces})
        standings, conflicts = [], []
        for piece in pieces:
            sha256 = known.get(_key(piece))
            if sha256 is not None:
                standings.append(Standing.SAME if sha256 == piece.sha256 else Standing.OTHER)
                if sha256 != piece.sha256:
                    conflicts.append(piece)
            elif piece.session_id not in used:
                standings.append(Standing.GONE)
            elif used[piece.session_id] + len(piece.body) > self._max_session_bytes:
                standings.append(Standing.QUOTA)
            else:
                used[piece.session_id] += len(piece.body)
                standings.append(Standing.NEW)
        if conflicts:
            self._record_conflicts(conflicts)
        return standings

    def insert(self, placed: Sequence[Placed], now: int) -> list[Standing]:
        """Make the pieces true in one transaction: NEW, or what another process had stored in between."""
        if not placed:
            return []
        with self._db.write() as db:
            known = self._known(db, [p.piece for p in placed])
            alive = self._used(db, {p.piece.session_id for p in placed})
            standings = []
            fresh: list[Placed] = []
            for item in placed:
                sha256 = known.get(_key(item.piece))
                if item.piece.session_id not in alive:
                    standings.append(Standing.GONE)
                elif sha256 is None:
                    standings.append(Standing.NEW)
                    fresh.append(item)
                else:
                    standings.append(Standing.SAME if sha256 == item.piece.sha256 else Standing.OTHER)
            if fresh:
                self._write(db, fresh, now)
        return standings

    def _write(self, db: OrmSession, fresh: Sequence[Placed], now: int) -> None:
        connection = db.connection()
        runs: dict[tuple[int, str, int], dict[str, Any]] = {}
        sizes: dict[int, int] = {}
        for item in fresh:
            piece = item.piece
            sizes[piece.session_id] = sizes.get(piece.session_id, 0) + len(piece.body)
            run = runs.setdefault(
                (piece.session_id, piece.track, piece.run),
                {
                    "session_id": piece.session_id,
                    "track": piece.track,
                    "run": piece.run,
                    "mime": piece.mime,
                    "start_ms": piece.start_ms,
                    "last_seq": None,
                    "first_received_at": now,
                },
            )
            run["start_ms"] = min(run["start_ms"], piece.start_ms)
            run["mime"] = run["mime"] or piece.mime
            if piece.last:
                run["last_seq"] = piece.seq
        connection.execute(self._upsert_runs, list(runs.values()))
        connection.execute(self._insert_pieces, [_row(item, now) for item in fresh])
        connection.execute(
            update(Session.__table__)  # type: ignore[arg-type]
            .where(Session.__table__.c.id == bindparam("key"))
            .values(bytes_stored=Session.__table__.c.bytes_stored + bindparam("size")),
            [{"key": key, "size": size} for key, size in sizes.items()],
        )
        # A late piece changes what the finished recording should hold.
        db.execute(
            update(Session)
            .where(Session.id.in_(list(sizes)), Session.ended_at.is_not(None))
            .values(finalise_wanted_at=now)
            .execution_options(synchronize_session=False)
        )

    def _known(self, db: OrmSession, pieces: Sequence[IncomingPiece]) -> dict[Key, str]:
        known: dict[Key, str] = {}
        columns = (Piece.session_id, Piece.track, Piece.run, Piece.seq)
        for start in range(0, len(pieces), KEYS_PER_QUERY):
            keys = [_key(piece) for piece in pieces[start : start + KEYS_PER_QUERY]]
            for row in db.execute(select(*columns, Piece.sha256).where(tuple_(*columns).in_(keys))):
                known[(row[0], row[1], row[2], row[3])] = row[4]
        return known

    def _used(self, db: OrmSession, session_ids: set[int]) -> dict[int, int]:
        rows = db.execute(select(Session.id, Session.bytes_stored).where(Session.id.in_(session_ids)))
        return {row[0]: row[1] for row in rows}

    def _record_conflicts(self, pieces: Sequence[IncomingPiece]) -> None:
        now = now_ms()
        with self._db.write() as db:
            db.execute(
                insert(Conflict),
                [
                    {
                        "session_id": p.session_id,
                        "track": p.track,
                        "run": p.run,
                        "seq": p.seq,
                        "sha256": p.sha256,
                        "length": len(p.body),
                        "received_at": now,
                    }
                    for p in pieces
                ],
            )


def _row(item: Placed, now: int) -> dict[str, Any]:
    piece = item.piece
    return {
        "session_id": piece.session_id,
        "track": piece.track,
        "run": piece.run,
        "seq": piece.seq,
        "sha256": piece.sha256,
        "offset": item.offset,
        "length": len(piece.body),
        "start_ms": piece.start_ms,
        "duration_ms": piece.duration_ms,
        "received_at": now,
    }
