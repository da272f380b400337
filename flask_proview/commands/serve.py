"""``proview serve``, and its background processes alone: ``proview media`` and ``proview worker``."""

from __future__ import annotations

import os
import signal
import threading

import click

from flask_proview.config import load_config
from flask_proview.errors import ConfigError
from flask_proview.sessions.database import Database, has_tables, is_current, upgrade

from .options import config_option


@click.command()
@config_option
@click.option("--listen", metavar="HOST:PORT", help="Overrides server.listen.")
@click.option("--upstream", metavar="URL", help="Overrides server.upstream.")
def serve(config_path: str, listen: str | None, upstream: str | None) -> None:
    """Run everything: web (proxy when an upstream is set), jobs and media, supervised. Ctrl-C stops all of it."""
    from flask_proview.serve.logs import set_up_logging
    from flask_proview.serve.run import serve as run

    given = {"PROVIEW_SERVER_LISTEN": listen, "PROVIEW_SERVER_UPSTREAM": upstream}
    overrides = {name: value for name, value in given.items() if value is not None}
    config = load_config(config_path, {**os.environ, **overrides})
    _prepare_database(config.storage.database)
    set_up_logging()

    def announce(url: str) -> None:
        click.echo(f"proview: serving on {url}/  console: {url}{config.server.mount}/console/")

    run(config, config_path, overrides, announce)


def _prepare_database(url: str) -> None:
    """A new database gets its tables; an old schema is only upgraded when the operator says so."""
    database = Database(url)
    try:
        if not has_tables(database):
            upgrade(url)
        elif not is_current(database):
            raise ConfigError(f"the schema of {url} is old; make a backup, then run: proview db upgrade")
    finally:
        database.dispose()


@click.command()
@config_option
def media(config_path: str) -> None:
    """Run the media process alone (live view), for web servers that are started by something else."""
    from flask_proview.media.server import run
    from flask_proview.serve.logs import set_up_logging

    set_up_logging()
    run(load_config(config_path))


@click.command()
@config_option
def worker(config_path: str) -> None:
    """Run the jobs process alone (recordings, time-outs), for web servers that are started by something else."""
    from flask_proview.jobs import run_worker
    from flask_proview.serve.logs import set_up_logging

    config = load_config(config_path)
    _prepare_database(config.storage.database)
    set_up_logging()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    click.echo("proview: jobs process running; Ctrl-C stops it")
    run_worker(config, stop)
