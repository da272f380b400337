"""``proview db upgrade``."""

from __future__ import annotations

import click
from sqlalchemy.exc import SQLAlchemyError

from flask_proview.config import load_config
from flask_proview.errors import ProviewError
from flask_proview.sessions.database import upgrade

from .options import config_option


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@config_option
def upgrade_command(config_path: str) -> None:
    """Create the tables, or bring them to the newest schema."""
    config = load_config(config_path)
    try:
        upgrade(config.storage.database)
    except (SQLAlchemyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ProviewError(
            f"the database {config.storage.database} cannot be upgraded: {reason}; is it reachable and writable?"
        ) from None
    click.echo(f"database: {config.storage.database} is current")
