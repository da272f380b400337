"""What the commands share: the -c option and the database it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from flask_proview.config import Config
from flask_proview.errors import ConfigError
from flask_proview.sessions.database import Database, is_current

F = TypeVar("F", bound=Callable[..., Any])


def config_option(function: F) -> F:
    """``-c FILE``, default proview.toml or $PROVIEW_CONFIG."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        default="proview.toml",
        envvar="PROVIEW_CONFIG",
        show_default=True,
        help="Configuration file.",
    )(function)


@contextmanager
def open_database(config: Config) -> Iterator[Database]:
    """The database of an installation.

    :raises ConfigError: when its schema is missing or old.
    """
    database = Database(config.storage.database)
    try:
        if not is_current(database):
            raise ConfigError(f"the schema of {config.storage.database} is not current; run: proview db upgrade")
        yield database
    finally:
        database.dispose()
