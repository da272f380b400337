"""``proview sessions scrub``: read evidence again, compare it with its digests, and say what is damaged."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from sqlalchemy import select

from flask_proview.config import load_config
from flask_proview.errors import ProviewError
from flask_proview.recordings.recovery import Recovery
from flask_proview.recordings.scrub import Pace, Scrubber
from flask_proview.sessions.models import Session

from .options import config_option, open_database

MIB = 1 << 20


@click.command("scrub")
@click.argument("uuids", nargs=-1, metavar="[UUID]…")
@click.option("--rate", type=click.IntRange(0), default=0, help="MiB per second at most; 0: as fast as it goes.")
@click.option("--json", "as_json", is_flag=True)
@config_option
@click.pass_context
def scrub(ctx: click.Context, uuids: tuple[str, ...], rate: int, as_json: bool, config_path: str) -> None:
    """Compare every stored byte with its digest; cut what crashes left. Without a UUID: all sessions. Exit status 1: damage was found.

    Beside a running installation this is safe: files that are being written are left alone.
    """
    config = load_config(config_path)
    with open_database(config) as database:
        query = select(Session).order_by(Session.id)
        with database.read() as db:
            chosen = list(db.scalars(query.where(Session.uuid.in_(uuids)) if uuids else query))
        unknown = set(uuids) - {row.uuid for row in chosen}
        if unknown:
            raise ProviewError(f"there is no session {sorted(unknown)[0]}; `proview sessions list` shows them")
        recovery = Recovery(database, config)
        recovered = [recovery.recover(uuid=uuid) for uuid in uuids] or [recovery.recover(everything=True)]
        scrubber = Scrubber(database, config, Pace(rate * MIB))
        done = [scrubber.scrub(row) for row in chosen]
    damaged = [result for result in done if not result.sound]
    if as_json:
        report = {"recovery": [asdict(r) for r in recovered], "sessions": [asdict(result) for result in done]}
        click.echo(json.dumps(report, indent=2))
    else:
        for line in [line for r in recovered for line in r.lines()] + [line for r in done for line in r.lines()]:
            click.echo(line)
        pieces, size = sum(r.pieces for r in done), sum(r.bytes for r in done)
        click.echo(f"{len(done)} sessions, {pieces} pieces, {size / MIB:.1f} MiB read, {len(damaged)} with damage")
    if damaged:
        ctx.exit(1)
