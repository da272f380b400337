"""A sitting: one exam of one candidate, in one session or, where it was rolled over at the limit, in several that follow each other.

Its first session stands for all of it. Sessions of a sitting overlap a little where one took over from the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from . import ledger
from .database import now_ms
from .models import OPEN_STATES, Event, Outcome, Session


def sitting_of(orm: OrmSession, row: Session, *, lock: bool = False) -> list[Session]:
    """All sessions of a sitting, in order: one, or as many as it was rolled over into.

    :param lock: for a change of several of them; always in the same order, so that two cannot wait for each other.
    """
    first = row.sitting or row.uuid
    mine = or_(Session.uuid == first, Session.sitting == first)
    query = select(Session).where(mine).order_by(Session.id)
    return list(orm.scalars(query.with_for_update() if lock else query)) or [row]


def join(earlier: Session, later: Session) -> None:
    """``later`` goes on with what ``earlier`` began."""
    earlier.sitting = later.sitting = earlier.sitting or earlier.uuid


def end_of(parts: Sequence[Session]) -> int | None:
    """When the sitting ended, epoch ms; None while a part of it is open."""
    if any(part.state in OPEN_STATES for part in parts):
        return None
    return max((part.ended_at or part.started_at for part in parts), default=None)


def length_ms(parts: Sequence[Session]) -> int:
    """From the start of the first session to the end of the last, or to now."""
    end = end_of(parts)
    return max(0, (end if end is not None else now_ms()) - parts[0].started_at)


def offset_ms(parts: Sequence[Session], part: Session) -> int:
    """Where a part begins on the sitting's clock."""
    return part.started_at - parts[0].started_at


def ledger_of(orm: OrmSession, parts: Sequence[Session]) -> dict[str, list[ledger.Row]]:
    """Track → the outcome of every moment of the sitting, on its own clock."""
    tracks: dict[str, dict[int, list[ledger.Row]]] = {}
    query = select(Outcome).where(Outcome.session_id.in_([part.id for part in parts]))
    for row in orm.scalars(query.order_by(Outcome.track, Outcome.session_id, Outcome.from_ms)):
        rows = tracks.setdefault(row.track, {}).setdefault(row.session_id, [])
        rows.append(ledger.Row(row.from_ms, row.to_ms, row.outcome, row.cause, row.source))
    return {
        track: ledger.joined([(offset_ms(parts, part), by_part.get(part.id, [])) for part in parts])
        for track, by_part in tracks.items()
    }


def total_counts(counts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """How often events of each type occurred in a sitting; ``counts`` is the same for each part."""
    total: dict[int, int] = {}
    for of_part in counts:
        for kind, count in of_part.items():
            total[kind] = total.get(kind, 0) + count
    return total


def earlier_events(orm: OrmSession, parts: Sequence[Session], row: Session) -> list[tuple[int, Event]]:
    """What was seen in the parts before ``row``: (when on ``row``'s clock, so below zero; the event)."""
    before = {part.id: part.started_at - row.started_at for part in parts if part.id < row.id}
    if not before:
        return []
    query = select(Event).where(Event.session_id.in_(before)).order_by(Event.session_id, Event.at_ms, Event.id)
    return [(event.at_ms + before[event.session_id], event) for event in orm.scalars(query)]
