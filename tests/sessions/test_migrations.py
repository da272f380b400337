from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text

from flask_proview.sessions.database import Database, alembic_config, has_tables, is_current
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


def schema(db: Database) -> list[tuple[str, str]]:
    with db.read() as orm:
        rows = orm.execute(text("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'sessions' ORDER BY name"))
        return [(name, " ".join((sql or "").split())) for name, sql in rows]


def test_rebuilt_table_keeps_its_rows_what_refers_to_them_and_its_indexes(place: Place) -> None:
    session = place.start()
    with place.db.write() as db:
        db.add(Event(session_id=session.id, event_type_id=13, name="x", at_ms=0, received_at=0, data={}))
    before = schema(place.db)
    for change, target in ((command.downgrade, "0005"), (command.upgrade, "0006")):
        change(alembic_config(place.db.url), target)
        with place.db.read() as db:
            assert db.scalars(select(Event.session_id)).all() == [session.id]
            assert db.scalars(select(Session.uuid)).all() == [session.uuid]
    assert schema(place.db) == before
    with place.db.write() as db:
        db.delete(db.get(Session, session.id))
    with place.db.read() as db:
        assert db.scalars(select(Event.session_id)).all() == [], "what refers to it still goes with it"
    assert place.start().id > session.id


def test_migration_that_would_orphan_a_row_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    alembic = alembic_config(url)
    command.upgrade(alembic, "0005")
    raw = sqlite3.connect(tmp_path / "old.db")
    raw.execute(
        "INSERT INTO events (session_id, event_type_id, name, at_ms, received_at, data) VALUES (7, 13, 'x', 0, 0, '{}')"
    )
    raw.commit()
    with pytest.raises(RuntimeError, match="'events' would lose its 'sessions'"):
        command.upgrade(alembic, "head")
    assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [("0005",)]
    raw.close()


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
