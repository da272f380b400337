"""What of a track is durable: runs, ranges of pieces, holes, intervals. For browsers that want to know what to send again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Piece, Run

# Pieces of one recorder follow each other without a hole, but their stamps are rounded.
JOIN_MS = 250


def coverage(db: Database, session_id: int, track: str) -> dict[str, Any]:
    """The body of ``GET …/coverage`` (docs/protocol.md). Ranges are inclusive."""
    with db.read() as orm:
        runs = orm.scalars(
            select(Run).where(Run.session_id == session_id, Run.track == track).order_by(Run.start_ms, Run.run)
        ).all()
        rows = orm.execute(
            select(Piece.run, Piece.seq, Piece.start_ms, Piece.duration_ms, Piece.length)
            .where(Piece.session_id == session_id, Piece.track == track)
            .order_by(Piece.run, Piece.seq)
        ).all()
    pieces: dict[int, list[tuple[int, int, int, int]]] = {}
    for run, seq, start, duration, length in rows:
        pieces.setdefault(run, []).append((seq, start, duration, length))
    return {"track": track, "runs": [_run(run, pieces.get(run.run, [])) for run in runs]}


def _run(run: Run, pieces: list[tuple[int, int, int, int]]) -> dict[str, Any]:
    held = _ranges([seq for seq, *_ in pieces])
    end = run.last_seq if run.last_seq is not None else (held[-1][1] if held else -1)
    missing, position = [], 0
    for first, last in held:
        if first > position:
            missing.append([position, first - 1])
        position = last + 1
    if position <= end:
        missing.append([position, end])
    return {
        "run": run.run,
        "start": run.start_ms,
        "mime": run.mime,
        "complete": run.last_seq is not None and not missing,
        "pieces": held,
        "missing": missing,
        "bytes": sum(length for *_, length in pieces),
        "intervals": joined_intervals([(start, start + duration) for _, start, duration, _ in pieces]),
    }


def _ranges(numbers: list[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def joined_intervals(spans: list[tuple[int, int]]) -> list[list[int]]:
    """Stretches of time without overlap; neighbours that nearly touch are one."""
    intervals: list[list[int]] = []
    for start, end in sorted(spans):
        if intervals and start <= intervals[-1][1] + JOIN_MS:
            intervals[-1][1] = max(intervals[-1][1], end)
        else:
            intervals.append([start, end])
    return intervals
