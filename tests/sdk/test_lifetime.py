"""What happens to a page in the middle of an exam, judged by the service's own ledger: which runs, which gaps, and why."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from flask_proview.recordings.causes import causes_of
from flask_proview.sessions.ledger import Interval, outcomes
from flask_proview.sessions.models import Event

from .conftest import TAG, assert_contiguous, eventually, is_running, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

# Shorter ones are the seams of runs.
SHORTEST_MS = 150


def gaps(service: FakeService) -> list[tuple[str | None, int]]:
    """(cause, length) of what is missing behind the beginning, as finalise would write it down for these pieces and events."""
    session = service.session
    spans = [(begin - session.started_at, end - session.started_at) for begin, end in session.recorded()]
    events = [
        Event(id=seq, event_type_id=e["event_type_id"], name=e["name"], at_ms=e["at"], data=e.get("data") or {})
        for seq, e in sorted(session.events.items())
    ]
    length = max(end for _, end in spans)
    recorded = [Interval(begin, end, "upload") for begin, end in spans]
    rows = outcomes(length, recorded, causes_of(events, "camera", spans[0][0]), "upload")
    assert sum(row.to_ms - row.from_ms for row in rows) == length
    found = [(row.cause, row.to_ms - row.from_ms) for row in rows if row.outcome == "gap"]
    return [(cause, ms) for cause, ms in found if ms > SHORTEST_MS and cause != "setup"]


def test_back_and_forth_a_withdrawn_permission_and_sleep_each_leave_their_gap_and_its_cause(
    service: FakeService, page: Page
) -> None:
    page.add_init_script("window.ahead = 0; const now = Date.now.bind(Date); Date.now = () => now() + window.ahead")
    service.page("/exam", tag=TAG)
    service.page("/elsewhere")

    def more(count: int = 5) -> None:
        pieces_reach(service, page, len(service.session.pieces) + count)

    page.goto(service.url + "/exam")
    start(page)
    more()
    # A page that the browser kept and shows again goes on as it was, on a line of its own.
    connected = service.session.event_names().count("Socket connection success")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    eventually(
        lambda: service.session.event_names().count("Socket connection success") > connected, "another line", page=page
    )
    more()
    assert (len(service.session.runs()), gaps(service)) == (1, [])

    # One that it did not keep is a new run of the same session.
    page.goto(service.url + "/elsewhere")
    page.wait_for_timeout(700)
    page.go_back()
    is_running(page)
    more()
    assert len(service.sessions) == 1 and len(service.session.runs()) == 2
    eventually(lambda: [cause for cause, _ in gaps(service)] == ["page"], "the page's gap", page=page)

    page.context.clear_permissions()
    page.get_by_text("was disconnected").wait_for()
    page.wait_for_timeout(700)
    page.context.grant_permissions(["camera", "microphone"])
    page.get_by_text("are back").wait_for(timeout=15_000)
    more()

    runs = len(service.session.runs())
    service.ahead_ms = 60_000
    page.evaluate("window.ahead = 60_000")
    eventually(lambda: len(service.session.runs()) == runs + 1, "a run after the sleep", page=page)
    more()
    stop(page)
    assert_contiguous(service)
    found = gaps(service)
    assert [cause for cause, _ in found] == ["page", "permission", "sleep"]
    assert 55_000 < found[-1][1] < 63_000 and all(ms < 20_000 for _, ms in found[:-1])
