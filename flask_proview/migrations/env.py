"""Alembic's environment: one connection, the models' metadata, batch mode for SQLite."""

from __future__ import annotations

from alembic import context

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Base


def run() -> None:
    """Run the migrations on the URL that ``flask_proview.sessions.database`` put into the attributes."""
    database = Database(context.config.attributes["url"])
    try:
        with database.engine.connect() as connection:
            context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
    finally:
        database.dispose()


run()
