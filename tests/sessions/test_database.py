from __future__ import annotations

import sqlite3
import threading

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Event, Session

from .conftest import Place


def test_id_of_a_deleted_session_is_never_given_again(any_place: Place) -> None:
    """A connection or a job that still holds it would write to somebody else's session."""
    ids = []
    for _ in range(3):
        session = any_place.start()
        ids.append(session.id)
        with any_place.db.write() as db:
            db.delete(db.get(Session, session.id))
    assert len(set(ids)) == 3


def test_sqlite_is_durable_concurrent_and_checks_references(place: Place) -> None:
    with place.db.read() as db:
        pragmas = [
            db.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert pragmas == ["wal", 2, 1, 10_000]


def test_a_row_of_no_session_is_refused(any_place: Place) -> None:
    with pytest.raises(IntegrityError), any_place.db.write() as db:
        db.add(Event(session_id=999, event_type_id=13, name="x", at_ms=0, received_at=0, data={}))


def statements(db: Database) -> list[str]:
    seen: list[str] = []
    with db.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_trace_callback(seen.append)
    return seen


def test_a_write_takes_the_lock_at_its_start_and_a_read_does_not(place: Place) -> None:
    seen = statements(place.db)
    with place.db.write() as db:
        db.scalars(select(Session)).all()
    with place.db.read() as db:
        db.scalars(select(Session)).all()
    assert [s for s in seen if s.startswith("BEGIN")] == ["BEGIN IMMEDIATE", "BEGIN DEFERRED"]
    with place.db.write() as db:
        db.scalars(select(Session)).all()
    assert [s for s in seen if s.startswith("BEGIN")][-1] == "BEGIN IMMEDIATE"


def test_a_failed_write_leaves_nothing(any_place: Place) -> None:
    session = any_place.start()
    with pytest.raises(RuntimeError), any_place.db.write() as db:
        row = db.get(Session, session.id)
        assert row is not None
        row.title = "half done"
        db.flush()
        raise RuntimeError
    row = any_place.sessions.get(session.uuid)
    assert row is not None
    assert row.title == "Physics"


def test_writers_that_read_first_wait_for_each_other(any_place: Place) -> None:
    session = any_place.start()

    def add_ten() -> None:
        for _ in range(10):
            with any_place.db.write() as db:
                row = db.scalars(select(Session).where(Session.id == session.id).with_for_update()).one()
                row.bytes_stored += 1

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = any_place.sessions.get(session.uuid)
    assert row is not None
    assert row.bytes_stored == 40
