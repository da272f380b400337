"""Drives a multi-page exam through many full page loads in frame mode and says whether the capture noticed. For every demo site."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from playwright.sync_api import BrowserContext

from tests.e2e.browser import Candidate
from tests.e2e.installation import Deployment
from tests.stacks.harness import (
    STATISTICS,
    Complaints,
    check_ledger,
    check_session,
    pieces,
    session_of,
    stored_answers,
    wait_finalised,
)

_WATCH = """(() => {
    if (!navigator.mediaDevices) return; // about:blank
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


def sit_through_loads(context: BrowserContext, running: Deployment, loads: int = 40) -> None:
    """A candidate in frame mode, screen and all, from log-in to the stop path; what every demo has to show for it.

    Each track is one run, and from its first recorded moment on the ledger knows no gap; nobody was asked twice.
    """
    running.take(mode="frame", session_type="record_and_review")
    prompts = Prompts(context)
    complaints = Complaints(context)
    candidate = Candidate.seated(context, running.url, screen=True)
    shell = candidate.page.evaluate("performance.timeOrigin")
    drive(five_questions(candidate), loads)
    assert candidate.page.evaluate("performance.timeOrigin") == shell, "the shell itself was never loaded again"
    uuid = session_of(running, candidate)
    candidate.hand_in()
    details = wait_finalised(running, uuid)
    saved = stored_answers(context, running.url + candidate.address("answers.json"))
    assert saved.items() >= STATISTICS.items()
    assert (complaints.thrown, complaints.ours) == ([], [])
    assert len([event for event in details["events"] if event["name"] == "Page Loaded"]) >= loads
    assert prompts.asked == ["getUserMedia", "getDisplayMedia"]
    check_session(running, details, "frame")
    for track in ("camera", "screen"):
        assert len({run for run, _ in pieces(running, uuid, track)}) == 1, track
        check_ledger(details, {"setup"}, track)
