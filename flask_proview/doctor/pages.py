"""What the crawl knows about one address, and the notes that come of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from .html_facts import PageFacts
from .policies import HeaderChange
from .script_facts import Sighting
from .trial import FoundId, Verdict


class Weight(enum.StrEnum):
    """How much a note matters to someone who wants this page proctored."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Note:
    """``seen`` is the evidence: a value, or a line and an excerpt. Code and weight are stable, texts are for people."""

    code: str
    weight: Weight
    seen: str = ""
    line: int | None = None


@dataclass(slots=True)
class Page:
    """One crawled address. ``problem`` is set instead of everything else when there was no answer."""

    target: str
    depth: int
    found_on: str | None
    kind: str
    status: int = 0
    content_type: str = ""
    encoding: str = ""
    size: int = 0
    ended: str = "whole"
    charset: str = ""
    problem: str = ""
    location: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    facts: PageFacts | None = None
    sightings: list[Sighting] = field(default_factory=list)
    oddities: tuple[tuple[str, str], ...] = ()
    verdict: Verdict = Verdict("unmatched")
    changes: list[HeaderChange] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def is_page(self) -> bool:
        return self.facts is not None

    @property
    def result(self) -> str:
        """One word for tables and programs: see docs/checking.md."""
        return "failed" if self.problem else self.verdict.outcome

    def as_json(self) -> dict[str, Any]:
        """The page in the documented form."""
        verdict = self.verdict
        return {
            "target": self.target,
            "result": self.result,
            "route": verdict.route or None,
            "mode": verdict.mode or None,
            "role": verdict.role or None,
            "shell": verdict.shell,
            "reason": verdict.reason or None,
            "detail": self.problem or verdict.detail or None,
            "session": _id(verdict.session),
            "profile": _id(verdict.profile),
            "status": self.status or None,
            "location": self.location or None,
            "content_type": self.content_type or None,
            "encoding": self.encoding or None,
            "charset": self.charset or None,
            "bytes": self.size,
            "whole": self.ended == "whole",
            "title": self.facts.title if self.facts else None,
            "depth": self.depth,
            "found_on": self.found_on,
            "found_as": self.kind,
            "headers_changed": [
                {"name": c.name, "before": list(c.before), "after": list(c.after)} for c in self.changes
            ],
            "notes": [
                {"code": n.code, "weight": n.weight.value, "seen": n.seen or None, "line": n.line} for n in self.notes
            ],
        }


def _id(found: FoundId | None) -> dict[str, str] | None:
    return None if found is None else {"source": found.source, "value": found.value}
