"""Pieces and recordings keep their promises on SQLite and on PostgreSQL: upserts, races and cascades are where dialects differ."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from flask_proview.recordings.coverage import coverage
from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.layout import Layout
from flask_proview.recordings.pieces import IncomingPiece, PieceError, PieceStore, Verdict
from flask_proview.sessions.database import Database
from flask_proview.sessions.events import ClientEvent, EventStore
from flask_proview.sessions.models import Base, Conflict, Event, Outcome, Piece, Recording, Run, Session, State
from tests.webm_factory import record

from .conftest import Place


def piece(session: Session, seq: int, body: bytes, run: int = 0, last: bool = False) -> IncomingPiece:
    return IncomingPiece(
        session_id=session.id,
        session_uuid=session.uuid,
        track="camera",
        run=run,
        seq=seq,
        sha256=hashlib.sha256(body).hexdigest(),
        start_ms=run + seq * 1000,
        duration_ms=1000,
        mime='video/webm;codecs="vp8,opus"',
        last=last,
        body=body,
    )


def count(db: Database, table: type[Base]) -> int:
    with db.read() as orm:
        return orm.scalar(select(func.count()).select_from(table)) or 0


def test_writers_in_two_processes_agree_on_every_piece(any_place: Place) -> None:
    """Two stores stand for two worker processes: own pool, own files, the same rows."""
    db, config, session = any_place.db, any_place.config, any_place.start()
    answers: dict[tuple[str, int], Verdict | PieceError] = {}
    finished = threading.Semaphore(0)
    stores = {"a": PieceStore(db, config), "b": PieceStore(db, config)}
    for store in stores.values():
        store.start()
    pieces = 60
    for seq in range(pieces):
        for name, store in stores.items():
            # Odd numbers: both send the same bytes, as a browser does whose first connection died.
            body = b"%d" % seq if seq % 2 else f"{name}-{seq}".encode()

            def done(answer: Verdict | PieceError, key: tuple[str, int] = (name, seq)) -> None:
                answers[key] = answer
                finished.release()

            store.submit(piece(session, seq, body), done)
    for _ in range(2 * pieces):
        assert finished.acquire(timeout=30)
    for store in stores.values():
        store.stop()

    with db.read() as orm:
        rows = {row.seq: row for row in orm.scalars(select(Piece).where(Piece.session_id == session.id))}
        stored = orm.scalar(select(Session.bytes_stored).where(Session.id == session.id))
    data = Layout(Path(config.storage.recordings)).run_file(session.uuid, "camera", 0).read_bytes()
    assert sorted(rows) == list(range(pieces))
    assert stored == sum(row.length for row in rows.values()), "no piece was counted twice"
    for seq, row in rows.items():
        kept = data[row.offset : row.offset + row.length]
        assert hashlib.sha256(kept).hexdigest() == row.sha256
        said = [answers["a", seq], answers["b", seq]]
        if seq % 2:
            assert sorted(map(str, said)) == ["replayed", "stored"]
        else:
            winner = kept.decode()[0]
            loser = answers["b" if winner == "a" else "a", seq]
            assert answers[winner, seq] is Verdict.STORED
            assert isinstance(loser, PieceError) and loser.code == "piece_conflict"
    assert count(db, Conflict) == pieces // 2, "every refused byte string is on record"


def test_a_session_that_is_deleted_takes_everything_with_it(any_place: Place) -> None:
    db, config = any_place.db, any_place.config
    session, other = any_place.start("gone"), any_place.start("stays")
    store = PieceStore(db, config)
    store.start()
    for number in (0, 1):
        store.store(piece(session, number, b"%d" % number))
        store.store(piece(other, number, b"%d" % number))
    EventStore(db, config).add(session, [ClientEvent(0, 5, "x", 10)])
    assert any_place.sessions.delete(session.uuid)
    with pytest.raises(PieceError, match="no such session"):
        store.store(piece(session, 2, b"late"))
    assert store.store(piece(other, 2, b"goes on")) is Verdict.STORED
    store.stop()
    assert (count(db, Piece), count(db, Run), count(db, Event)) == (3, 1, 0)


@pytest.mark.media
def test_pieces_become_a_recording_and_a_ledger(any_place: Place) -> None:
    db, config, session = any_place.db, any_place.config, any_place.start()
    recorded = record(3.0)
    store = PieceStore(db, config)
    store.start()
    for seq, body in enumerate(recorded.pieces):
        store.store(piece(session, seq, body, last=seq == len(recorded.pieces) - 1))
    store.stop()
    assert coverage(db, session.id, "camera")["runs"][0]["complete"]
    any_place.sessions.end(session.uuid, State.STOPPED, "page")
    Finaliser(db, config).finalise(session.uuid)
    Finaliser(db, config).finalise(session.uuid)
    with db.read() as orm:
        row = orm.scalars(select(Session).where(Session.id == session.id)).one()
        ledger = orm.scalars(select(Outcome).order_by(Outcome.track, Outcome.from_ms)).all()
    assert row.finalised_at is not None and row.ended_at is not None
    assert sum(o.to_ms - o.from_ms for o in ledger) == row.ended_at - row.started_at
    assert count(db, Recording) == 1
