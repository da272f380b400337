"""Bytes without a row are used when their piece comes again, if they are still there."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from flask_proview.recordings.leftovers import REMEMBERED, Leftovers
from flask_proview.recordings.piece_rows import PieceRows, Placed
from flask_proview.recordings.pieces import PieceError, Verdict
from flask_proview.sessions.models import Piece, Session

from .conftest import Place, piece


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def insert(*_args: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(PieceRows, "insert", insert)


def rows(place: Place, session: Session) -> dict[int, bytes]:
    """What a reader gets, by number."""
    with place.db.read() as db:
        found = db.scalars(select(Piece).where(Piece.session_id == session.id)).all()
    data = place.layout.run_file(session.uuid, "camera", 0).read_bytes()
    bodies = {row.seq: data[row.offset : row.offset + row.length] for row in found}
    assert all(hashlib.sha256(bodies[row.seq]).hexdigest() == row.sha256 for row in found)
    return bodies


def test_what_the_database_refused_is_written_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    session = place.start()
    with monkeypatch.context() as patch:
        refuse(patch)
        for _ in range(5):
            for seq in (0, 1):
                with pytest.raises(PieceError, match="could not be stored now"):
                    place.pieces.store(piece(session, seq, bytes([seq + 1]) * 1000))
    file = place.layout.run_file(session.uuid, "camera", 0)
    assert file.stat().st_size == 2000
    for seq in (1, 0):
        assert place.pieces.store(piece(session, seq, bytes([seq + 1]) * 1000)) is Verdict.STORED
    assert place.pieces.store(piece(session, 2, b"on")) is Verdict.STORED
    assert rows(place, session) == {0: b"\x01" * 1000, 1: b"\x02" * 1000, 2: b"on"}
    assert file.stat().st_size == 2002


def test_other_bytes_of_the_same_number_are_not_taken_for_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    session = place.start()
    with monkeypatch.context() as patch:
        refuse(patch)
        with pytest.raises(PieceError):
            place.pieces.store(piece(session, 0, b"once"))
    assert place.pieces.store(piece(session, 0, b"another")) is Verdict.STORED
    assert rows(place, session) == {0: b"another"}


@pytest.mark.parametrize("harm", ["cut", "other bytes", "gone"])
def test_bytes_that_are_not_there_any_more_are_written_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    session = place.start()
    with monkeypatch.context() as patch:
        refuse(patch)
        with pytest.raises(PieceError):
            place.pieces.store(piece(session, 0, b"A" * 500))
    file = place.layout.run_file(session.uuid, "camera", 0)
    if harm == "cut":
        file.write_bytes(b"")
    elif harm == "gone":
        file.unlink()
    else:
        file.write_bytes(b"B" * 500)
    assert place.pieces.store(piece(session, 0, b"A" * 500)) is Verdict.STORED
    assert rows(place, session) == {0: b"A" * 500}


def test_what_is_remembered_is_bounded(place: Place) -> None:
    leftovers = Leftovers()
    session = place.start()
    leftovers.keep(Placed(piece(session, seq, b"x"), seq) for seq in range(REMEMBERED + 10))
    assert leftovers.take(piece(session, 9, b"x")) is None
    assert leftovers.take(piece(session, 10, b"x")) == 10
    assert leftovers.take(piece(session, 10, b"x")) is None, "once"
