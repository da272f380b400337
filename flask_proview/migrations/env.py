"""Alembic's environment: one connection, the models' metadata, batch mode for SQLite."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Base

# Any number will do that nothing else in the database locks.
LOCK = 0x70726F76696577


def run() -> None:
    """Run the migrations on the URL that ``flask_proview.sessions.database`` put into the attributes."""
    database = Database(context.config.attributes["url"])
    try:
        with database.engine.connect().execution_options(proview_begin="IMMEDIATE") as connection:
            # One at a time: server processes that start together on a new database would create the tables twice. SQLite takes
            # its write lock with BEGIN; who waited finds everything done.
            sqlite = connection.dialect.name == "sqlite"
            if sqlite:
                # Dropping a table that was rebuilt would delete what refers to it (https://www.sqlite.org/lang_altertable.html, 7.).
                # Past SQLAlchemy, which would begin a transaction first: within one SQLite ignores this.
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
                connection.begin()
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
            with context.begin_transaction():
                before = context.get_context().get_current_revision()
                context.run_migrations()
            changed = context.get_context().get_current_revision() != before
            if sqlite and changed and (broken := connection.execute(text("PRAGMA foreign_key_check")).first()):
                raise RuntimeError(
                    f"migration refused, nothing was changed: a row of {broken[0]!r} would lose its {broken[2]!r}"
                )
            connection.commit()
    finally:
        database.dispose()


run()
