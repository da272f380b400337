"""``proview`` on the command line, and the same as ``flask proview``.

Errors go to stderr with key, value and way out; exit status 2 for usage and configuration, 1 for a failed operation.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from ._version import __version__
from .commands import check, database, init, scrub, serve, sessions, token, user
from .errors import ConfigError, ProviewError


class _Group(click.Group):
    """Turns our errors into one line and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(f"proview: {error.message}", err=True)
            ctx.exit(2)
        except ProviewError as error:
            click.echo(f"proview: {error.message}", err=True)
            ctx.exit(1)


@click.group(cls=_Group, name="proview", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="proview")
def cli() -> None:
    """Self-hosted online proctoring for web applications that nobody wants to touch."""


cli.add_command(init.init)
cli.add_command(check.check)
cli.add_command(serve.serve)
cli.add_command(serve.media)
cli.add_command(serve.worker)
cli.add_command(user.user)
sessions.sessions.add_command(scrub.scrub)
cli.add_command(sessions.sessions)
cli.add_command(database.db)
cli.add_command(token.token)


def main() -> None:
    """Entry point of the console script."""
    # Recordings and password hashes are nobody else's business: what we and our children write, others cannot read.
    os.umask(os.umask(0o077) | 0o027)
    sys.exit(cli(prog_name="proview", standalone_mode=True))
