"""Drives a multi-page exam through many full page loads in frame mode and says whether the capture noticed. For every demo site.

with Prompts(context) as prompts: …seat the candidate…; drive(candidate, turns); assert_uninterrupted(details, …)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import BrowserContext
from sqlalchemy import func, select

from flask_proview.sessions.models import Event, Piece, Session
from tests.e2e.browser import Candidate
from tests.e2e.installation import Installation, wait_until

_WATCH = """(() => {
    for (const name of ['getUserMedia', 'getDisplayMedia']) {
        const original = navigator.mediaDevices[name].bind(navigator.mediaDevices);
        navigator.mediaDevices[name] = (...options) => { window.proviewTestPrompt(name); return original(...options) };
    }
})()"""


class Prompts:
    """Counts how often any page of a browser asked for devices or the screen. Made before the first page is opened."""

    def __init__(self, context: BrowserContext) -> None:
        self.asked: list[str] = []
        context.expose_function("proviewTestPrompt", lambda name: self.asked.append(name))
        context.add_init_script(_WATCH)


def five_questions(candidate: Candidate) -> Iterator[Callable[[], None]]:
    """The demos' exam again and again: each answer is a form that is posted, a redirect and a page."""
    while True:
        for number in (1, 2, 3, 4, 5):
            yield lambda number=number: candidate.answer(number)  # type: ignore[misc]
        yield lambda: _again(candidate)


def _again(candidate: Candidate) -> None:
    candidate.exam.evaluate(f"location.href = '/exam/{candidate.attempt}/q/1'")
    candidate.wait_exam("q/1")


def drive(turns: Iterator[Callable[[], None]], loads: int) -> None:
    """Make ``loads`` page loads."""
    for _ in range(loads):
        next(turns)()


def only_uuid(running: Installation) -> str:
    with running.database() as database, database.read() as db:
        return db.scalars(select(Session.uuid)).one()


def finished(running: Installation, uuid: str) -> dict[str, Any]:
    """The session's details when its recording has been made."""

    def ready() -> bool:
        with running.database() as database, database.read() as db:
            row = db.scalars(select(Session).where(Session.uuid == uuid)).one()
            return row.finalised_at is not None and (row.finalise_wanted_at or 0) <= row.finalised_at

    wait_until(ready, 40, "finalisation")
    return running.details(uuid)


def pages_loaded(running: Installation) -> int:
    with running.database() as database, database.read() as db:
        return db.scalar(select(func.count()).where(Event.name == "Page Loaded")) or 0


def runs(running: Installation, track: str) -> int:
    with running.database() as database, database.read() as db:
        return len(db.scalars(select(Piece.run).where(Piece.track == track).distinct()).all())


def assert_uninterrupted(running: Installation, details: dict[str, Any], *tracks: str) -> None:
    """Each track is one run, and from its first recorded moment to the end of the session the ledger knows no gap."""
    for track in tracks:
        assert runs(running, track) == 1, track
        rows = [row for row in details["ledger"] if row["track"] == track]
        assert any(row["outcome"] == "recorded" for row in rows), (rows, details["recordings"], details["integrity"])
        begun = next(n for n, row in enumerate(rows) if row["outcome"] == "recorded")
        assert [row["cause"] for row in rows[:begun]] in ([], ["setup"]), rows
        # The last recorder slice ends some frames before the session does.
        ended = [row for row in rows[begun:] if row["outcome"] != "recorded"]
        assert all(row["to_ms"] == rows[-1]["to_ms"] and row["to_ms"] - row["from_ms"] < 1500 for row in ended), rows
        assert len([row for row in rows if row["outcome"] == "recorded"]) == 1, rows
