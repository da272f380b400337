"""``proview init``: a commented proview.toml with fresh secrets and one account."""

from __future__ import annotations

import os
import secrets
import uuid
from pathlib import Path

import click

from flask_proview.config.sample import SAMPLE
from flask_proview.errors import ProviewError


@click.command()
@click.argument("file", default="proview.toml", type=click.Path(dir_okay=False, path_type=Path))
def init(file: Path) -> None:
    """Write a commented configuration with fresh secrets and one account to FILE."""
    text = SAMPLE.format(key=secrets.token_urlsafe(48), token=uuid.uuid4())
    try:
        # O_EXCL: an existing file holds the only copy of somebody's keys.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ProviewError(f"{file} exists already; name another file or move it away") from None
    except OSError as error:
        raise ProviewError(f"{file} cannot be written: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    click.echo(f"{file} written. Next: set server.upstream, domains and routes in it, then")
    click.echo(f"  proview db upgrade -c {file}")
    click.echo(f"  proview user add admin --role admin -c {file}")
    click.echo(f"  proview check -c {file}")
    click.echo(f"  proview serve -c {file}")
