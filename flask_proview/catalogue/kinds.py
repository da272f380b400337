"""What is known of an event type, whoever reports it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How loud the timeline is. ``technical`` is never held against the candidate."""

    INFO = "info"
    TECHNICAL = "technical"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Source(enum.StrEnum):
    """Who makes an event. What only the server makes and a browser sends is forged."""

    BROWSER = "browser"
    SERVER = "server"
    # Has a number in Proview's documentation, and nothing of ours makes it.
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Basis:
    """Who observes it, and what the observation rests on. ``heuristic``: a guess that honest candidates can cause, too."""

    source: Source
    rests_on: str
    heuristic: bool = False


@dataclass(frozen=True, slots=True)
class EventType:
    """``weight`` is what one occurrence takes from a perfect index of 100 before a person judges; 0 is information."""

    id: int
    name: str
    meaning: str
    severity: Severity
    weight: int
    basis: Basis

    @property
    def documented(self) -> bool:
        """Whether the id is one of Proview's."""
        return self.id < 10_000


INFO, TECHNICAL, LOW, MEDIUM, HIGH = (
    Severity.INFO,
    Severity.TECHNICAL,
    Severity.LOW,
    Severity.MEDIUM,
    Severity.HIGH,
)
# Rows of a table: id, name, meaning, severity, weight; under what they rest on.
Rows = tuple[tuple[int, str, str, Severity, int], ...]
Table = tuple[tuple[Basis, Rows], ...]


def browser(rests_on: str) -> Basis:
    """Observed by the candidate's browser."""
    return Basis(Source.BROWSER, rests_on)


def guess(rests_on: str) -> Basis:
    """Concluded by the candidate's browser from signs that have harmless causes, too."""
    return Basis(Source.BROWSER, rests_on, heuristic=True)
