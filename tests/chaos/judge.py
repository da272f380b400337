"""What is left of one candidate's exam: the recorded moments of all its sessions on one line, and the holes in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests
from sqlalchemy import select

from flask_proview.service.policy import session_tokens
from flask_proview.sessions.models import Session
from flask_proview.tokens import TokenSigner
from tests.e2e.installation import Deployment
from tests.stacks.harness import LAST_SLICE_MS, check_ledger, wait_finalised

NETWORK_LOST, NETWORK_RESTORED = 10007, 10008
# Of any cause: whatever is not recorded counts, but for the time in which the candidate set up.
CAUSES = {"setup", "network", "quality", "handover", "browser"}
Span = tuple[int, int]


@dataclass
class Record:
    """Times are epoch ms."""

    started_ms: int = 0
    sessions: int = 0
    pieces: int = 0
    recorded_ms: int = 0
    # (from, to, cause) of what is in no session.
    holes: list[tuple[int, int, str]] = field(default_factory=list)
    lost_at: list[int] = field(default_factory=list)
    restored_at: list[int] = field(default_factory=list)

    @property
    def missing_ms(self) -> int:
        return sum(end - start for start, end, _ in self.holes)


def sessions_of(running: Deployment, attempt: str) -> list[Session]:
    """All sessions of an attempt, oldest first."""
    with running.database() as database, database.read() as db:
        return list(db.scalars(select(Session).where(Session.external_id == attempt).order_by(Session.id)))


def coverage(running: Deployment, session: Session, track: str = "camera") -> list[dict[str, Any]]:
    """The runs of a track, as the browser of the candidate would be told."""
    token = session_tokens(running.config, TokenSigner(running.config.secrets.keys), session)["drain_token"]
    answer = requests.get(
        f"{running.url}/proview/v1/sessions/{session.uuid}/tracks/{track}/coverage",
        headers={"X-Proview-Token": token},
        timeout=10,
    )
    answer.raise_for_status()
    runs: list[dict[str, Any]] = answer.json()["runs"]
    return runs


def is_drained(running: Deployment, attempt: str, until_ms: int) -> bool:
    """Whether everything up to a moment (epoch ms) is durable."""
    newest = 0
    for session in sessions_of(running, attempt):
        for run in coverage(running, session):
            if run["missing"]:
                return False
            newest = max([newest, *(session.started_at + end for _, end in run["intervals"])])
    return newest >= until_ms


def arrived(running: Deployment, attempt: str) -> str:
    """What there is of each session, for whoever waited for more in vain."""
    return "; ".join(
        f"{session.state} {session.uuid[:8]}: "
        + ", ".join(
            f"run {run['run']} pieces {run['pieces']} missing {run['missing']}" for run in coverage(running, session)
        )
        for session in sessions_of(running, attempt)
    )


def judge(running: Deployment, attempt: str, until_ms: int) -> Record:
    """Waits until all sessions are finalised; each ledger must be whole.

    :param until_ms: when the page asked for the end; the service may hear of it later, and nothing is recorded in between.
    """
    record = Record()
    spans: list[Span] = []
    gaps: list[tuple[int, int, str]] = []
    end = 0
    for session in sessions_of(running, attempt):
        details = wait_finalised(running, session.uuid)
        base = details["started_at"]
        record.started_ms = record.started_ms or base
        check_ledger(details, CAUSES)
        end = max(end, details["ended_at"])
        record.sessions += 1
        for row in (row for row in details["ledger"] if row["track"] == "camera"):
            stretch = (base + row["from_ms"], base + row["to_ms"])
            if row["outcome"] == "recorded":
                spans.append(stretch)
            else:
                gaps.append((*stretch, row["cause"]))
        record.pieces += sum(last - first + 1 for run in coverage(running, session) for first, last in run["pieces"])
        for event in details["events"]:
            if event["event_type_id"] == NETWORK_LOST:
                record.lost_at.append(base + event["at"])
            elif event["event_type_id"] == NETWORK_RESTORED:
                record.restored_at.append(base + event["at"])
    record.recorded_ms, holes = _holes(sorted(spans), min(end, until_ms))
    record.holes = [(*hole, _cause(hole, gaps)) for hole in holes]
    return record


def _holes(spans: list[Span], end: int) -> tuple[int, list[Span]]:
    """How much is recorded, and what is not between the first recorded moment and the end, the frames after the last slice aside."""
    recorded, holes = 0, []
    position = spans[0][0]
    for start, stop in spans:
        if start > position:
            holes.append((position, start))
        recorded += max(0, stop - max(start, position))
        position = max(position, stop)
    if end - position >= LAST_SLICE_MS:
        holes.append((position, end))
    return recorded, holes


def _cause(hole: Span, gaps: list[tuple[int, int, str]]) -> str:
    causes = [cause for start, end, cause in gaps if start < hole[1] and hole[0] < end]
    return causes[0] if causes else "between sessions"
