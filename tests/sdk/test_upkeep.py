"""A machine that sleeps, that has no room left, that does not keep up: told, recorded as far as it goes, and back again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import TAG, assert_contiguous, decode, eventually, is_running, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser


def test_sleep_ends_the_run_and_is_a_gap_of_its_own_length(service: FakeService, page: Page) -> None:
    # The steady clock stands still in sleep; the wall clock and the service's go on.
    page.add_init_script("window.ahead = 0; const now = Date.now.bind(Date); Date.now = () => now() + window.ahead")
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 4)
    service.ahead_ms = 60_000
    page.evaluate("window.ahead = 60_000")
    eventually(lambda: len(service.session.runs()) == 2, "a run after the sleep", page=page)
    pieces_reach(service, page, len(service.session.pieces) + 3)
    before, after = service.session.runs()
    ends = [piece.start + piece.duration for (_, run, _), piece in service.session.pieces.items() if run == before]
    assert 56_000 < after - max(ends) < 62_000
    assert all(piece.duration < 5000 for piece in service.session.pieces.values()), "no piece claims the sleep"
    eventually(lambda: "Computer Woke Up" in service.session.event_names(), "event", page=page)
    (woke,) = [event for event in service.session.events.values() if event["name"] == "Computer Woke Up"]
    assert abs(woke["data"]["slept_ms"] - 60_000) < 1500
    # A clock that somebody sets is no sleep.
    page.evaluate("window.ahead = 600_000")
    page.wait_for_timeout(2500)
    assert len(service.session.runs()) == 2
    stop(page)
    assert_contiguous(service)


def test_full_buffer_records_less_then_nothing_and_goes_on_when_there_is_room(service: FakeService, page: Page) -> None:
    service.policy["client_buffer_mb"] = 0.3
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)
    with service.hold_pieces():
        page.get_by_text("There is no room left on this computer").wait_for(timeout=40_000)
        assert page.evaluate("ProctorClient3.state") == "running", "nobody is put out of the exam"
    service.go_down()
    service.down = False
    eventually(lambda: "Local Buffer Has Room" in service.session.event_names(), "room", page=page, within=30)
    count = len(service.session.pieces)
    pieces_reach(service, page, count + 3)
    names = service.session.event_names()
    assert (
        names.index("Recording Quality Lowered")
        < names.index("Local Buffer Full")
        < names.index("Local Buffer Has Room")
    )
    (lowered,) = [e["data"] for e in service.session.events.values() if e["name"] == "Recording Quality Lowered"][:1]
    assert (lowered["reason"], lowered["level"]) == ("storage", 1)
    assert page.get_by_text("There is no room left").count() == 0
    stop(page)
    assert_contiguous(service)
    for run in service.session.runs():
        assert decode(service.session.run_bytes(run))[0] > 0


# Opened only when it is there: whoever asks first would make another one, without stores.
HELD = """async () => !(await indexedDB.databases()).some(({ version }) => version === 2) ? [0, 0] : new Promise((resolve, reject) => {
    const request = indexedDB.open('proview');
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
        const { result } = request;
        const stores = result.transaction(['sessions', 'pieces']);
        const sessions = stores.objectStore('sessions').count(), pieces = stores.objectStore('pieces').count();
        stores.objectStore('pieces').transaction.oncomplete = () => { result.close(); resolve([sessions.result, pieces.result]); };
    };
})"""


def test_site_data_that_is_cleared_in_mid_session_costs_nothing_that_comes_later(
    service: FakeService, page: Page
) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)
    page.context.new_cdp_session(page).send(
        "Storage.clearDataForOrigin", {"origin": service.url, "storageTypes": "indexeddb"}
    )
    # Another database is there, and what would be needed after a crash is in it: the session, and what is not acknowledged.
    with service.hold_pieces():
        eventually(lambda: (held := page.evaluate(HELD))[0] == 1 and held[1] >= 2, "durable again", page=page)
        old = service.session
        count = len(old.pieces)
        service.page("/other", tag=None)
        page.goto(service.url + "/other")
    page.goto(service.url + "/exam")
    is_running(page)
    eventually(lambda: len(old.seqs(old.runs()[0])) >= count + 2, "what the page before kept", page=page)
    stop(page)
    assert_contiguous(service)
    for run in service.session.runs():
        assert decode(service.session.run_bytes(run))[0] > 0
