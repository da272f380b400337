from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from flask_proview.sessions.database import Database, has_tables, is_current
from flask_proview.sessions.models import Base, Event, Session

from .conftest import Place


def test_migrations_and_models_agree(any_place: Place) -> None:
    with any_place.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert is_current(any_place.db)


def test_an_empty_database_is_not_current(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/deep/down/new.db")
    assert not is_current(db)
    assert not has_tables(db)
    db.dispose()


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


MIGRATE = """
import sys, time
from flask_proview.sessions.database import upgrade
while time.time() < float(sys.argv[2]):
    pass
upgrade(sys.argv[1])
"""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def test_processes_that_start_together_on_a_new_database_create_it_once(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else f"sqlite:///{tmp_path}/new.db"
    together = str(time.time() + 3)
    processes = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, url, together], stderr=subprocess.PIPE) for _ in range(4)
    ]
    errors = [process.communicate(timeout=60)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], errors
    db = Database(url)
    try:
        assert is_current(db)
    finally:
        db.dispose()
