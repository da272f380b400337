"""Every event type, once: id, name, meaning, severity, weight, and what it rests on. Ids of Proview's documentation keep
their number; ours start at 10000.

static/sdk/events.js names what the browser sends, docs/events.md is written from here (scripts/write-events-page); tests
compare. A new type is a row in the table of its kind.
"""

from __future__ import annotations

from .candidate import CANDIDATE
from .devices import DEVICES
from .documented import DOCUMENTED
from .kinds import Basis, EventType, Severity, Source
from .technical import TECHNICAL_TABLE

__all__ = ["EVENTS", "SERVER_ONLY", "Basis", "EventType", "Severity", "Source", "name_of", "shown_as"]

TABLES = (DOCUMENTED, CANDIDATE, DEVICES, TECHNICAL_TABLE)
EVENTS: dict[int, EventType] = {
    row[0]: EventType(*row, basis) for table in TABLES for basis, rows in table for row in sorted(rows)
}
COMPLETED = 113
EXPIRED, TERMINATED, CONFLICT, LIVE_OPENED, LIVE_CLOSED, RATED, FORGED = 10025, 10026, 10027, 10028, 10029, 10035, 10036
APPROVAL_REQUESTED, APPROVED, REJECTED = 10100, 10101, 10102
# A browser that sends one of these is not ours, or not itself.
SERVER_ONLY = frozenset(number for number, event in EVENTS.items() if event.basis.source is Source.SERVER)


def name_of(event_type_id: int) -> str:
    """The catalogue's name; ids we do not know keep their number."""
    known = EVENTS.get(event_type_id)
    return known.name if known is not None else f"Event {event_type_id}"


def shown_as(event_type_id: int, claimed: str) -> dict[str, str | bool]:
    """What readers are told of a type. One that is not ours keeps the name it came with, and is information."""
    known = EVENTS.get(event_type_id)
    if known is None:
        return {"name": claimed, "severity": Severity.INFO.value, "heuristic": False}
    return {"name": known.name, "severity": known.severity.value, "heuristic": known.basis.heuristic}
