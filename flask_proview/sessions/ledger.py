"""Every second of a track has an outcome: recorded, or a gap with its cause. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

RECORDED, GAP = "recorded", "gap"
# When several causes hold at once, the first of these names the gap.
# What is known of the bytes says more than what happened in the browser at the time.
PRIORITY = (
    "damaged", "codec", "unreadable", "setup", "paused", "permission", "device", "storage", "sleep", "network", "upload",
    "page", "quality", "server", "browser",
)  # fmt: skip
# Of a session that goes on with another one: its recorder was being started, while the other's still ran.
HANDOVER = "handover"
# A camera that is back, or a session that goes on, is recorded a moment later, on a slow machine more than one.
STARTING_MS = 3000


@dataclass(frozen=True, slots=True)
class Interval:
    """Recorded from … to …, in session-clock ms; ``source``: upload or live."""

    from_ms: int
    to_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why nothing may be there; ``to_ms`` None: until the end."""

    from_ms: int
    to_ms: int | None
    cause: str


@dataclass(frozen=True, slots=True)
class Row:
    """One stretch of the ledger."""

    from_ms: int
    to_ms: int
    outcome: str
    cause: str | None
    source: str | None


def outcomes(
    length_ms: int, recorded: Iterable[Interval], causes: Iterable[Cause], fallback: str = "browser"
) -> list[Row]:
    """The ledger of a track: rows without overlap from 0 to ``length_ms`` exactly; neighbours of the same kind are joined."""
    if length_ms <= 0:
        return []
    covered = _disjoint(length_ms, recorded)
    known = [_clipped(cause, length_ms) for cause in causes]
    rows: list[Row] = []
    position = 0
    for interval in covered:
        rows += _named(_begun(_gap_rows(position, interval.from_ms, known)), fallback)
        rows.append(Row(interval.from_ms, interval.to_ms, RECORDED, None, interval.source))
        position = interval.to_ms
    rows += _named(_gap_rows(position, length_ms, known), fallback)
    return _joined(rows)


def joined(parts: Sequence[tuple[int, Sequence[Row]]], fallback: str = "browser") -> list[Row]:
    """One ledger for sessions that follow each other and overlap: recorded is what any of them recorded, counted once.

    :param parts: (where the session begins, its ledger), in order.
    """
    moved = [[Row(r.from_ms + at, r.to_ms + at, r.outcome, r.cause, r.source) for r in rows] for at, rows in parts]
    cuts = sorted({edge for rows in moved for row in rows for edge in (row.from_ms, row.to_ms)})
    places = [0] * len(moved)
    result: list[Row] = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        there: list[Row] = []
        for index, rows in enumerate(moved):
            while places[index] < len(rows) and rows[places[index]].to_ms <= start:
                places[index] += 1
            if places[index] < len(rows) and rows[places[index]].from_ms <= start:
                there.append(rows[places[index]])
        result.append(_chosen(start, end, there, fallback))
    return _joined(result)


def _chosen(start: int, end: int, there: Sequence[Row], fallback: str) -> Row:
    for row in there:
        if row.outcome == RECORDED:
            return Row(start, end, RECORDED, None, row.source)
    # The newest knows best why, unless all it knows is that it was only beginning.
    causes = [row.cause for row in reversed(there) if row.cause is not None]
    known = next((cause for cause in causes if cause != HANDOVER), causes[0] if causes else fallback)
    return Row(start, end, GAP, known, None)


def recorded_ms(rows: Iterable[Row]) -> int:
    """How much of the ledger is recorded."""
    return sum(row.to_ms - row.from_ms for row in rows if row.outcome == RECORDED)


def _disjoint(length_ms: int, recorded: Iterable[Interval]) -> list[Interval]:
    """Sorted, clipped to the session, without overlap; uploads win over the second source."""
    result: list[Interval] = []
    for interval in sorted(recorded, key=lambda i: (i.source != "upload", i.from_ms)):
        pieces = [(max(0, interval.from_ms), min(length_ms, interval.to_ms))]
        for other in result:
            pieces = [part for piece in pieces for part in _without(piece, other)]
        result += [Interval(start, end, interval.source) for start, end in pieces if start < end]
    return sorted(result, key=lambda i: i.from_ms)


def _without(piece: tuple[int, int], other: Interval) -> list[tuple[int, int]]:
    start, end = piece
    parts = [(start, min(end, other.from_ms)), (max(start, other.to_ms), end)]
    return [(a, b) for a, b in parts if a < b]


def _clipped(cause: Cause, length_ms: int) -> Cause:
    end = length_ms if cause.to_ms is None else min(cause.to_ms, length_ms)
    return Cause(max(0, cause.from_ms), end, cause.cause)


def _begun(gap: list[Row]) -> list[Row]:
    """A gap that recording followed: its last moments, for which nothing else is known, are the recorder's start after what came before."""
    if len(gap) > 1 and not gap[-1].cause and gap[-1].to_ms - gap[-1].from_ms <= STARTING_MS:
        gap[-1] = replace(gap[-1], cause=gap[-2].cause)
    return gap


def _gap_rows(start: int, end: int, causes: Sequence[Cause]) -> list[Row]:
    """``cause`` None: nothing is known."""
    if start >= end:
        return []
    inside = [c for c in causes if c.to_ms is not None and c.from_ms < end and c.to_ms > start]
    edges = {start, end}
    for cause in inside:
        edges |= {edge for edge in (cause.from_ms, cause.to_ms or end) if start < edge < end}
    cuts = sorted(edges)
    rows = []
    for a, b in zip(cuts, cuts[1:], strict=False):
        names = {c.cause for c in inside if c.from_ms <= a and (c.to_ms or end) >= b}
        rows.append(Row(a, b, GAP, min(names, key=_rank, default=None), None))
    return rows


def _named(gap: list[Row], fallback: str) -> list[Row]:
    return [row if row.cause else replace(row, cause=fallback) for row in gap]


def _rank(cause: str) -> tuple[int, str]:
    return (PRIORITY.index(cause) if cause in PRIORITY else len(PRIORITY), cause)


def _joined(rows: Sequence[Row]) -> list[Row]:
    result: list[Row] = []
    for row in rows:
        last = result[-1] if result else None
        if last is not None and (last.outcome, last.cause, last.source) == (row.outcome, row.cause, row.source):
            result[-1] = Row(last.from_ms, row.to_ms, row.outcome, row.cause, row.source)
        else:
            result.append(row)
    return result
