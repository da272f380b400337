"""``proview check``: one line per finding; exit 1 when one is an error."""

from __future__ import annotations

import json

import click

from flask_proview.config import load_config
from flask_proview.doctor import Level, examine

from .options import config_option

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "red"}


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
@click.pass_context
def check(ctx: click.Context, config_path: str, as_json: bool) -> None:
    """Validate configuration, upstream, database, storage and ports."""
    findings = list(examine(load_config(config_path)))
    if as_json:
        click.echo(json.dumps([{"level": f.level, "topic": f.topic, "message": f.message} for f in findings], indent=2))
    else:
        for finding in findings:
            click.echo(
                f"{click.style(finding.level.ljust(8), fg=_COLOURS[finding.level])}{finding.topic}: {finding.message}"
            )
    if any(f.level is Level.ERROR for f in findings):
        ctx.exit(1)
