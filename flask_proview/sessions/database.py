"""The engine (SQLite WAL/FULL or PostgreSQL) and its migrations. Fails closed: no evidence without a durable commit."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import sessionmaker

from flask_proview.offload import offload, on_event_loop

BUSY_TIMEOUT_MS = 10_000
LOCK_POLL_S = 0.005
# SQLite starts its write-ahead log anew every 4 MB; a reader that stays (a backup, a forgotten shell) lets it grow until it goes.
WAL_ALARM_BYTES = 64 << 20
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def now_ms() -> int:
    """Server time, epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Database:
    """Engine plus the two kinds of transaction: ``read()`` and ``write()``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _make_engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def write(self) -> Iterator[OrmSession]:
        """A transaction that is durable when the block ends. SQLite takes the write lock at its start, so it never fails half-way for a lock."""
        with self._sessions() as session, session.begin():
            if self.engine.dialect.name == "sqlite":
                session.connection(execution_options={"proview_begin": "IMMEDIATE"})
            yield session

    @contextmanager
    def read(self) -> Iterator[OrmSession]:
        """A consistent view; nothing is written."""
        with self._sessions() as session:
            yield session

    def wal_bytes(self) -> int:
        """How long SQLite's write-ahead log is; 0 for others."""
        name = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or not name:
            return 0
        try:
            return os.stat(f"{name}-wal").st_size
        except FileNotFoundError:
            return 0

    def dispose(self) -> None:
        self.engine.dispose()


def _make_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=10, pool_timeout=5)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    # The one call that waits for the disk, and nothing of SQLAlchemy's around it.
    engine.dialect.do_commit = _commit  # type: ignore[method-assign, assignment]
    return engine


def is_full(error: SQLAlchemyError) -> bool:
    """Whether the database's disk has no room (SQLite's result codes; PostgreSQL's ``disk_full``, appendix A)."""
    return _sqlite_name(error) == "SQLITE_FULL" or _sqlstate(error) == "53100"


def failed_to_sync(error: SQLAlchemyError) -> bool:
    """Whether fsync failed under SQLite: what its file holds is unknown, and another try proves nothing."""
    return _sqlite_name(error) in ("SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC")


def _sqlstate(error: SQLAlchemyError) -> str:
    original = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(original, "sqlstate", ""))


def _sqlite_name(error: SQLAlchemyError) -> str:
    original = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(original, "sqlite_errorname", ""))


def _set_pragmas(connection: Any, _record: object) -> None:
    # pysqlite's own transaction handling starts transactions too late and commits DDL; SQLAlchemy's recipe turns it off.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # NORMAL may lose the last commits on power loss
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA journal_size_limit={WAL_ALARM_BYTES}")
    cursor.close()


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("proview_begin", "DEFERRED")
    if mode == "IMMEDIATE" and on_event_loop() and _has_begun(connection.connection.driver_connection):
        return
    connection.exec_driver_sql(f"BEGIN {mode}")


def _has_begun(connection: Any) -> bool:
    """Take the write lock as soon as it is free, letting others go on meanwhile: SQLite itself would wait in C, and the loop with it.

    False after ``BUSY_TIMEOUT_MS``: the caller's own attempt tells what is wrong.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return True
            except sqlite3.OperationalError as error:
                # The low byte is the kind, the others are which of it.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    return False
            time.sleep(LOCK_POLL_S)
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _commit(connection: Any) -> None:
    """The sync of a slow disk must not stop the loop either."""
    offload(connection.commit)


def alembic_config(url: str) -> AlembicConfig:
    """For Alembic's own commands, on this database."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the database to the newest schema (``proview db upgrade``)."""
    command.upgrade(alembic_config(url), "head")


def is_current(database: Database) -> bool:
    """Whether the schema is the one this code knows."""
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory.from_config(alembic_config(database.url)).get_current_head()


def has_tables(database: Database) -> bool:
    """Whether anything was ever created in it."""
    with database.engine.connect() as connection:
        return bool(inspect(connection).get_table_names())
