"""``proview sessions``: list, show, export, delete."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from flask_proview.config import load_config
from flask_proview.errors import ProviewError
from flask_proview.recordings.archive import Archive
from flask_proview.recordings.layout import Layout
from flask_proview.recordings.photos import photos_of
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Event, Outcome, Recording, Session, State
from flask_proview.sessions.sittings import end_of, ledger_of, offset_ms, sitting_of
from flask_proview.sessions.store import SessionStore

from .options import config_option, open_database

COLUMNS = ("uuid", "state", "account", "external_id", "profile_id", "started", "minutes")


@click.group()
def sessions() -> None:
    """Proctored sessions."""


@sessions.command("list")
@config_option
@click.option("--state", type=click.Choice([s.value for s in State]))
@click.option("--account")
@click.option("--text", help="Part of external id, profile, title or uuid.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def list_command(
    config_path: str, state: str | None, account: str | None, text: str | None, limit: int, as_json: bool
) -> None:
    """Newest first."""
    config = load_config(config_path)
    with open_database(config) as database:
        page = SessionStore(database, config).search(state=state, account=account, text=text, limit=limit)
        rows = [_summary(row) for row in page.rows]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("no session matches", err=True)
        return
    table = [COLUMNS, *(tuple(str(row[c]) for c in COLUMNS) for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(COLUMNS))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@sessions.command("show")
@click.argument("uuid")
@config_option
@click.option("--json", "as_json", is_flag=True)
def show(uuid: str, config_path: str, as_json: bool) -> None:
    """One session: what is recorded, what is missing and why."""
    config = load_config(config_path)
    with open_database(config) as database:
        details = _details(database, _find(database, uuid))
    if as_json:
        click.echo(json.dumps(details, indent=2))
        return
    for name in COLUMNS:
        click.echo(f"{name:12} {details[name]}")
    for recording in details["recordings"]:
        click.echo(
            f"recording    {recording['track']}: {recording['duration_ms'] / 1000:.1f} s, {recording['bytes']} bytes"
        )
    for row in details["outcomes"]:
        cause = f" ({row['cause']})" if row["cause"] else ""
        click.echo(
            f"ledger       {row['track']} {row['from_ms'] / 1000:.1f}–{row['to_ms'] / 1000:.1f} s {row['outcome']}{cause}"
        )
    click.echo(f"events       {len(details['events'])}")


@sessions.command("export")
@click.argument("uuid")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: UUID.zip")
@config_option
def export(uuid: str, output: Path | None, config_path: str) -> None:
    """Write recordings, photos, events and ledger of a session to a ZIP file; all parts of an exam that was rolled over."""
    config = load_config(config_path)
    target = output or Path(f"{uuid}.zip")
    with open_database(config) as database:
        parts = _sitting(database, uuid)
        archive = Archive(database, config)
        layout = Layout(Path(config.storage.recordings))
        try:
            # Media is compressed already; "x" because an export must not replace another one.
            with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as bundle:
                for number, row in enumerate(parts, 1):
                    folder = f"part-{number}/" if len(parts) > 1 else ""
                    details = _details(database, row)
                    bundle.writestr(f"{folder}session.json", json.dumps(details, indent=2))
                    for recording in details["recordings"]:
                        name = f"{recording['track']}.webm"
                        with bundle.open(folder + name, "w", force_zip64=True) as member:
                            for data in archive.read(row, name):
                                member.write(data)
                    for photo in details["photos"]:
                        name = f"{folder}photos/{photo['kind']}-{photo['version']}.jpg"
                        bundle.write(layout.photo_file(row.uuid, photo["kind"], photo["sha256"]), name)
                if len(parts) > 1:
                    bundle.writestr("sitting.json", json.dumps(_sitting_details(database, parts), indent=2))
        except FileExistsError:
            raise ProviewError(f"{target} exists already; name another file with -o") from None
        except OSError as error:
            target.unlink(missing_ok=True)
            raise ProviewError(f"{target} cannot be written: {error}") from None
    click.echo(f"{target} written")


@sessions.command("delete")
@click.argument("uuid")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def delete(uuid: str, yes: bool, config_path: str) -> None:
    """Delete a session with its recordings, and the other parts of its sitting. There is no way back."""
    config = load_config(config_path)
    with open_database(config) as database:
        parts = _sitting(database, uuid)
        row = parts[0]
        for part in parts:
            if not State(part.state).ended:
                raise ProviewError(f"session {part.uuid} is {part.state}; stop it first")
        if not yes:
            rest = f" and {len(parts) - 1} more of its sitting" if len(parts) > 1 else ""
            click.confirm(f"Delete {uuid} ({row.external_id}){rest} with all recordings?", abort=True)
        try:
            SessionStore(database, config).delete(row.uuid)
        except OSError as error:
            raise ProviewError(f"{uuid} was not deleted: {error}") from None
    click.echo(f"{uuid} deleted")


def _find(database: Database, uuid: str) -> Session:
    with database.read() as db:
        row = db.scalars(select(Session).where(Session.uuid == uuid)).first()
    if row is None:
        raise ProviewError(f"there is no session {uuid}; `proview sessions list` shows them")
    return row


def _sitting(database: Database, uuid: str) -> list[Session]:
    row = _find(database, uuid)
    with database.read() as db:
        return sitting_of(db, row)


def _sitting_details(database: Database, parts: list[Session]) -> dict[str, Any]:
    """The parts on one clock, and one ledger for all of them."""
    with database.read() as db:
        joined = ledger_of(db, parts)
    return {
        "uuid": parts[0].uuid,
        "started_at": parts[0].started_at,
        "ended_at": end_of(parts),
        "parts": [{"uuid": part.uuid, "offset_ms": offset_ms(parts, part)} for part in parts],
        "outcomes": [{"track": track, **asdict(row)} for track, rows in joined.items() for row in rows],
    }


def _summary(row: Session) -> dict[str, Any]:
    end = row.ended_at or now_ms()
    return {
        "uuid": row.uuid,
        "state": row.state,
        "account": row.account,
        "external_id": row.external_id,
        "profile_id": row.profile_id,
        "session_type": row.session_type,
        "title": row.title,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "end_reason": row.end_reason,
        "finalised_at": row.finalised_at,
        "final_rating": row.final_rating,
        "sitting": row.sitting,
        "approval": row.approval,
        "started": _iso(row.started_at),
        "minutes": round((end - row.started_at) / 60_000, 1),
    }


def _iso(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="seconds")


def _details(database: Database, row: Session) -> dict[str, Any]:
    with database.read() as db:
        recordings = db.scalars(select(Recording).where(Recording.session_id == row.id)).all()
        outcomes = db.scalars(
            select(Outcome).where(Outcome.session_id == row.id).order_by(Outcome.track, Outcome.from_ms)
        ).all()
        photos = photos_of(db, [row.id])
        events = db.scalars(select(Event).where(Event.session_id == row.id).order_by(Event.at_ms)).all()
    return {
        **_summary(row),
        "recordings": [
            {
                "track": r.track,
                "offset_ms": r.offset_ms,
                "duration_ms": r.duration_ms,
                "bytes": r.bytes,
                "sha256": r.sha256,
                "notes": r.notes,
            }
            for r in recordings
        ],
        "photos": [
            {
                "kind": p.kind,
                "version": p.version,
                "width": p.width,
                "height": p.height,
                "bytes": p.bytes,
                "sha256": p.sha256,
                "at": p.at_ms,
            }
            for p in photos
        ],
        "outcomes": [
            {
                "track": o.track,
                "from_ms": o.from_ms,
                "to_ms": o.to_ms,
                "outcome": o.outcome,
                "cause": o.cause,
                "source": o.source,
            }
            for o in outcomes
        ],
        "events": [{"event_type_id": e.event_type_id, "name": e.name, "at": e.at_ms, "data": e.data} for e in events],
    }
