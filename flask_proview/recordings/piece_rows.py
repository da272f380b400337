"""The rows of pieces and runs: what is known of a piece, and the transaction that makes new ones true."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Connection, Insert, Update, bindparam, case, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Conflict, Piece, Run, Session

from .counts import Counts

if TYPE_CHECKING:
    from .pieces import IncomingPiece

# SQLite before 3.32 took 999 variables in a statement; four make a key.
KEYS_PER_QUERY = 200
# Another process can only be first with a piece once; more rounds than this mean that something else is wrong.
MAX_ROUNDS = 5
# Enough to prove that somebody tampers; a loop of forged pieces must not fill the table.
MAX_CONFLICTS = 1000


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


class _Overtaken(Exception):
    """Another process stored one of these pieces, or deleted a session, while we wrote the bytes."""


Key = tuple[int, str, int, int]


def _key(piece: IncomingPiece) -> Key:
    return piece.session_id, piece.track, piece.run, piece.seq


class PieceRows:
    """Reads and writes the evidence tables for a batch at a time."""

    def __init__(self, db: Database, max_session_bytes: int) -> None:
        self._db = db
        self._max_session_bytes = max_session_bytes
        self._counts = Counts()
        # Core, not ORM: this is the hot path, and rows that nobody looks at again need no identity map.
        self._writing = db.engine.execution_options(proview_begin="IMMEDIATE")
        upsert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
        # SQLAlchemy keeps the row count of UPDATE and DELETE; of INSERT only when asked.
        self._insert_pieces: Insert = upsert(Piece).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        # A late piece changes what the finished recording should hold. Later than every finalisation so far, not just "now": this
        # may be committed after one that began later than we took the time, and then nobody would ever make the recording again.
        greatest = func.greatest if upsert is postgresql_insert else func.max
        wanted = greatest(
            bindparam("now", type_=BigInteger),
            func.coalesce(Session.finalise_wanted_at, 0) + 1,
            func.coalesce(Session.finalised_at, 0) + 1,
        )
        self._count_bytes: Update = (
            update(Session)
            .where(Session.id == bindparam("key"), Session.uuid == bindparam("owner"), Session.pruned_at.is_(None))
            .values(
                bytes_stored=Session.bytes_stored + bindparam("size"),
                # A piece is a sign of life: a recording session needs no heartbeat writes of its own.
                last_seen_at=case(
                    (Session.ended_at.is_(None), bindparam("now", type_=BigInteger)), else_=Session.last_seen_at
                ),
                finalise_wanted_at=case((Session.ended_at.is_not(None), wanted), else_=Session.finalise_wanted_at),
            )
        )
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
        with self._db.engine.connect() as connection:
            known = self._known(connection, pieces)
            uuids, used = self._used(connection, {p.session_id for p in pieces})
            self._counts.load(connection, uuids)
        standings, conflicts = [], []
        counted: set[Key] = set()
        for piece in pieces:
            key = _key(piece)
            sha256 = known.get(key)
            if uuids.get(piece.session_id) != piece.session_uuid:
                standings.append(Standing.GONE)
            elif sha256 is not None:
                standings.append(Standing.SAME if sha256 == piece.sha256 else Standing.OTHER)
                if sha256 != piece.sha256:
                    conflicts.append(piece)
            elif key in counted:
                standings.append(Standing.NEW)  # twice in one batch takes the room of one
            elif used[piece.session_id] + len(piece.body) > self._max_session_bytes or not self._counts.admits(
                *key[:3]
            ):
                standings.append(Standing.QUOTA)
            else:
                counted.add(key)
                used[piece.session_id] += len(piece.body)
                standings.append(Standing.NEW)
        if conflicts:
            self._record_conflicts(conflicts)
        return standings

    def insert(self, placed: Sequence[Placed], now: int) -> list[Standing]:
        """Make the pieces true in one transaction: NEW, or what another process had stored in between."""
        result = [Standing.NEW] * len(placed)
        left = list(range(len(placed)))
        for _ in range(MAX_ROUNDS):
            if not left:
                return result
            try:
                with self._writing.begin() as connection:
                    self._write(connection, [placed[index] for index in left], now)
                return result
            except _Overtaken:
                for index, standing in zip(left, self.standings([placed[i].piece for i in left]), strict=True):
                    result[index] = standing
                left = [index for index in left if result[index] is Standing.NEW]
        raise RuntimeError(f"{len(left)} pieces were overtaken {MAX_ROUNDS} times")

    def _write(self, connection: Connection, fresh: Sequence[Placed], now: int) -> None:
        """All or nothing.

        :raises _Overtaken: a row was there already, or a session is gone.
        """
        runs: dict[tuple[int, str, int], dict[str, Any]] = {}
        sizes: dict[tuple[int, str], int] = {}
        for item in fresh:
            piece = item.piece
            owner = piece.session_id, piece.session_uuid
            sizes[owner] = sizes.get(owner, 0) + len(piece.body)
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
        # In the order of ids, so that two processes never wait for each other's row in a circle.
        counted = [{"key": key, "owner": uuid, "size": size, "now": now} for (key, uuid), size in sorted(sizes.items())]
        if connection.execute(self._count_bytes, counted).rowcount != len(counted):
            raise _Overtaken
        rows = sorted((_row(item, now) for item in fresh), key=itemgetter("session_id", "track", "run", "seq"))
        if connection.execute(self._insert_pieces, rows).rowcount != len(rows):
            raise _Overtaken
        connection.execute(self._upsert_runs, list(runs.values()))

    def is_gone(self, uuid: str) -> bool:
        """Whether no session has this uuid."""
        with self._db.engine.connect() as connection:
            return connection.scalar(select(Session.id).where(Session.uuid == uuid)) is None

    def _known(self, connection: Connection, pieces: Sequence[IncomingPiece]) -> dict[Key, str]:
        known: dict[Key, str] = {}
        columns = (Piece.session_id, Piece.track, Piece.run, Piece.seq)
        for start in range(0, len(pieces), KEYS_PER_QUERY):
            keys = [_key(piece) for piece in pieces[start : start + KEYS_PER_QUERY]]
            for row in connection.execute(select(*columns, Piece.sha256).where(tuple_(*columns).in_(keys))):
                known[(row[0], row[1], row[2], row[3])] = row[4]
        return known

    def _used(self, connection: Connection, session_ids: set[int]) -> tuple[dict[int, str], dict[int, int]]:
        """Whose the ids are, and how much is stored."""
        # A session whose files have left for the object store is as good as gone: its run files cannot be continued.
        here = Session.id.in_(session_ids), Session.pruned_at.is_(None)
        rows = connection.execute(select(Session.id, Session.uuid, Session.bytes_stored).where(*here)).all()
        return {row.id: row.uuid for row in rows}, {row.id: row.bytes_stored for row in rows}

    def _record_conflicts(self, pieces: Sequence[IncomingPiece]) -> None:
        now = now_ms()
        with self._db.write() as db:
            kept = dict.fromkeys((p.session_id for p in pieces), 0)
            counts = select(Conflict.session_id, func.count()).where(Conflict.session_id.in_(kept))
            kept.update((row[0], row[1]) for row in db.execute(counts.group_by(Conflict.session_id)))
            pieces = [p for p in pieces if kept[p.session_id] < MAX_CONFLICTS]
            if not pieces:
                return
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
