"""``M/console/problems``: what the operator must know: pages that went out unproctored, media, storage, unfinished recordings."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.errors import ProviewError
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Session, State

from . import present
from .gate import Gate, Right, Visitor
from .pages import Pages

MEDIA_TIMEOUT_S = 1.5
PENDING_SHOWN = 50
LATE_MS = 60_000
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the status: ``level`` is ok, warn or bad."""

    name: str
    level: str
    text: str
    advice: str = ""


def register(pages: Pages, runtime: Runtime, _gate: Gate) -> None:
    """The operator's page."""

    @pages.route("/problems", "problems", right=Right.OPERATE)
    def problems(visitor: Visitor) -> BaseResponse:
        pending = _pending(runtime.db)
        refusals = [(row, *present.refusal(row.reason)) for row in runtime.refusals.list()]
        return pages.render(
            "proview/problems.html",
            visitor,
            checks=[_media(runtime), _storage(runtime), _finalisation(pending)],
            refusals=refusals,
            pending=pending,
        )


def _media(runtime: Runtime) -> Check:
    if runtime.config.media.live == "off":
        return Check("Live media", "ok", "Switched off in the configuration (media.live).")
    try:
        status = runtime.media.request("status", MEDIA_TIMEOUT_S)
    except ProviewError as error:
        return Check(
            "Live media",
            "bad",
            f"The media process does not answer ({error.code}).",
            "Recording goes on without it; live view does not work. proview serve restarts it by itself; "
            "if you run it apart, start proview media and compare media.link on both sides.",
        )
    sessions = status.get("sessions")
    count = len(sessions) if isinstance(sessions, dict) else 0
    return Check("Live media", "ok", f"Running, {count} live {'session' if count == 1 else 'sessions'}.")


def _storage(runtime: Runtime) -> Check:
    folder = Path(runtime.config.storage.recordings)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Check("Storage", "bad", f"The recordings' directory cannot be read: {error.strerror}.", "Check storage.recordings and its rights.")  # fmt: skip
    reserve = runtime.config.storage.min_free_mb * MIB
    text = f"{present.size(usage.free)} free of {present.size(usage.total)}; recording stops below {present.size(reserve)}."
    if usage.free <= reserve:
        return Check("Storage", "bad", text, "Pieces are refused now and kept in the candidates' browsers. Free space or enlarge the disk.")  # fmt: skip
    if usage.free < 4 * reserve:
        return Check("Storage", "warn", text, "Free space before the next exam; one hour of camera and screen takes about 350 MB.")  # fmt: skip
    return Check("Storage", "ok", text)


def _finalisation(pending: list[dict[str, Any]]) -> Check:
    late = [row for row in pending if row["waiting_ms"] > LATE_MS]
    if late:
        return Check(
            "Recordings",
            "warn",
            f"{len(late)} ended sessions have waited for more than a minute.",
            "Is the jobs process running? proview serve starts it; its log names the reason of every failure.",
        )
    return Check("Recordings", "ok", f"{len(pending)} being prepared." if pending else "All recordings are prepared.")


def _pending(db: Database) -> list[dict[str, Any]]:
    """Ended sessions whose recording is not made, or not with the newest pieces."""
    now = now_ms()
    ended = Session.state.in_([state.value for state in State if state.ended])
    undone = or_(Session.finalised_at.is_(None), Session.finalise_wanted_at > Session.finalised_at)
    with db.read() as session:
        rows = session.scalars(select(Session).where(ended, undone).order_by(Session.id.desc()).limit(PENDING_SHOWN))
        return [
            {
                "uuid": row.uuid,
                "external_id": row.external_id,
                "profile_id": row.profile_id,
                "state": row.state,
                "waiting_ms": max(0, now - (row.finalise_wanted_at or row.ended_at or now)),
            }
            for row in rows
        ]
