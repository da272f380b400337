"""The outcome of a crawl: counts, routes, the JSON document (docs/checking.md) and the exit status."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from flask_proview.config import Config

from .catalogue import CODES
from .crawl import Crawl
from .pages import Weight

SCHEMA = "proview.crawl/1"


@dataclass(frozen=True, slots=True)
class RouteCount:
    name: str
    rule: str
    mode: str
    pages: int
    stop_pages: int


class CrawlReport:
    """Read-only view of a finished crawl."""

    def __init__(self, config: Config, crawl: Crawl, start: str, logged_in_at: str | None) -> None:
        self.crawl = crawl
        self.start = start
        self.logged_in_at = logged_in_at
        self.results = Counter(page.result for page in crawl.pages)
        self.weights = Counter(note.weight for page in crawl.pages for note in page.notes)
        self.routes = [
            self._count(route.name or "", route.path or route.regex or "", route.mode) for route in config.routes
        ]
        self.reached = any(not page.problem for page in crawl.pages)
        start_page = crawl.pages[0] if crawl.pages else None
        self.start_problem = start_page.problem if start_page is not None else ""

    def _count(self, name: str, rule: str, mode: str) -> RouteCount:
        roles = Counter(p.verdict.role for p in self.crawl.pages if p.verdict.route == name)
        return RouteCount(name, rule, mode, roles["page"], roles["stop"])

    @property
    def unmatched_routes(self) -> list[RouteCount]:
        """Routes that no crawled page belongs to."""
        return [route for route in self.routes if route.mode != "off" and not route.pages]

    @property
    def ok(self) -> bool:
        """Whether every protected page would be proctored, as far as was seen."""
        return self.reached and not self.start_problem and not self.weights[Weight.ERROR]

    def as_json(self) -> dict[str, Any]:
        """The documented form; keys are added, never renamed, while the schema's number stays."""
        crawl = self.crawl
        used = sorted({note.code for page in crawl.pages for note in page.notes})
        return {
            "schema": SCHEMA,
            "start": f"{crawl.client.origin}{self.start}",
            "as": str(crawl.public),
            "logged_in_at": self.logged_in_at,
            "ok": self.ok,
            "summary": {
                "pages": len(crawl.pages),
                "requests": crawl.client.requests,
                "seconds": round(crawl.seconds, 1),
                "stopped_by": crawl.stopped_by,
                "results": {
                    name: self.results[name]
                    for name in ("injected", "refused", "skipped", "unknown", "unmatched", "failed")
                },
                "notes": {weight.value: self.weights[weight] for weight in Weight},
            },
            "routes": [
                {"name": r.name, "rule": r.rule, "mode": r.mode, "pages": r.pages, "stop_pages": r.stop_pages}
                for r in self.routes
            ],
            "not_asked": {
                why: {"count": count, "examples": crawl.left.named[why]}
                for why, count in sorted(crawl.left.counts.items())
            },
            "codes": {code: {"title": CODES[code].title, "advice": CODES[code].advice} for code in used},
            "pages": [page.as_json() for page in crawl.pages],
        }
