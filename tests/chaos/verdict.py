"""What is there when the dust has settled, compared with what was acknowledged."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from flask_proview.config import Config
from flask_proview.recordings.layout import Layout
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Damage, Outcome, Piece, Recording, Session

from .candidates import Notebook


@dataclass
class Verdict:
    """Counts; everything but ``rows`` and ``recordings`` must be zero."""

    rows: int = 0
    lost: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    recordings: int = 0
    unfinished: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.torn or self.doubled or self.unfinished or self.odd)


def judge(config: Config, notebook: Notebook) -> Verdict:
    """Read every byte of every row, and every ledger."""
    verdict = Verdict()
    db = Database(config.storage.database)
    layout = Layout(Path(config.storage.recordings))
    try:
        for uuid in notebook.sessions:
            _session(db, layout, uuid, notebook, verdict)
    finally:
        db.dispose()
    return verdict


def _session(db: Database, layout: Layout, uuid: str, notebook: Notebook, verdict: Verdict) -> None:
    with db.read() as orm:
        session = orm.scalars(select(Session).where(Session.uuid == uuid)).one()
        rows = list(orm.scalars(select(Piece).where(Piece.session_id == session.id)))
        outcomes = list(orm.scalars(select(Outcome).where(Outcome.session_id == session.id)))
        recording = orm.get(Recording, (session.id, "camera"))
        damages = orm.query(Damage).where(Damage.session_id == session.id).count()
    verdict.rows += len(rows)
    digests: dict[tuple[int, int], str] = {}
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        with open(layout.run_file(uuid, row.track, row.run), "rb") as file:
            file.seek(row.offset)
            digest = hashlib.sha256(file.read(row.length)).hexdigest()
        if digest != row.sha256:
            verdict.torn.append(f"{uuid} run {row.run} piece {row.seq}")
        if (row.run, row.seq) in digests:
            verdict.doubled.append(f"{uuid} run {row.run} piece {row.seq}")
        digests[row.run, row.seq] = digest
        spans[row.run].append((row.offset, row.offset + row.length))
    for run, places in spans.items():
        places.sort()
        if any(a[1] > b[0] for a, b in zip(places, places[1:], strict=False)):
            verdict.doubled.append(f"{uuid} run {run}: two pieces share bytes")
    for (owner, run, seq), sha256 in notebook.acknowledged.items():
        if owner == uuid and digests.get((run, seq)) != sha256:
            verdict.lost.append(f"{uuid} run {run} piece {seq}")
    if session.finalised_at is None or recording is None:
        verdict.unfinished.append(uuid)
        return
    verdict.recordings += 1
    if hashlib.sha256(layout.recording_file(uuid, "camera").read_bytes()).hexdigest() != recording.sha256:
        verdict.odd.append(f"{uuid}: the recording does not have its digest")
    length = (session.ended_at or 0) - session.started_at
    if sum(row.to_ms - row.from_ms for row in outcomes if row.track == "camera") != length:
        verdict.odd.append(f"{uuid}: the ledger does not sum up")
    if damages or recording.notes:
        verdict.odd.append(f"{uuid}: {damages} damages, notes {recording.notes}")
