"""The time limit: the sitting goes on in another session by itself, without a gap, whatever happens at that moment."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from .conftest import TAG_PAGE, decode, eventually, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

# Two recorders' slices meet to the millisecond; frames do not come more often than this.
SEAM_MS = 70


def begin(service: FakeService, page: Page, minutes: float) -> None:
    service.policy["session_minutes"] = minutes
    service.page("/exam", tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate("window.called = []; tv('init', 't', {session: 'a', initCallback: (err, uuid) => called.push(uuid)})")


def goes_on(service: FakeService, page: Page, sessions: int) -> None:
    eventually(lambda: len(service.sessions) >= sessions, f"{sessions} sessions", page=page, within=25)
    eventually(lambda: len(service.session.pieces) >= 4, "pieces of the newest", page=page, within=25)


def holes(service: FakeService, track: str = "camera") -> list[int]:
    """Lengths of what no session of the sitting recorded, ms."""
    spans = sorted(span for session in service.sessions.values() for span in session.recorded(track))
    found, end = [], spans[0][1]
    for begin_ms, end_ms in spans:
        if begin_ms - end > SEAM_MS:
            found.append(begin_ms - end)
        end = max(end, end_ms)
    return found


def test_at_the_limit_another_session_goes_on_unseen(chromium_with_screen: Browser, service: FakeService) -> None:
    service.policy.update({"screen": True, "tracks": ["camera", "screen"]})
    page = chromium_with_screen.new_context().new_page()
    begin(service, page, 0.09)
    page.get_by_role("button", name="Agree and continue").click()
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("button", name="Share screen and start").click()
    goes_on(service, page, 2)
    service.policy["session_minutes"] = 90
    goes_on(service, page, 3)
    first, second, last = service.sessions.values()
    eventually(lambda: second.state == "stopped", "the second one's end", page=page)
    assert page.evaluate("called") == [first.uuid], "the page is not called again"
    assert page.locator("dialog:visible, [role=dialog]:visible").count() == 0
    stop(page)
    assert (holes(service, "camera"), holes(service, "screen")) == ([], [])
    assert last.commands == [("stop", "api")], "the page stops the newest"
    assert {one.state for one in service.sessions.values()} == {"stopped"}
    for earlier, later in ((first, second), (second, last)):
        assert earlier.commands == [("stop", "limit")]
        for track in ("camera", "screen"):
            (run,) = earlier.runs(track)
            assert earlier.pieces[track, run, earlier.seqs(run, track)[-1]].last, "its recorder was stopped in order"
            assert decode(earlier.run_bytes(run, track))[0] > 0
            overlap = earlier.recorded(track)[-1][1] - later.recorded(track)[0][0]
            assert 0 < overlap < 2000, "one begins before the other ends"
        assert earlier.ended_at_ms is not None
        ends = [earlier.recorded(track)[-1][1] - earlier.started_at for track in ("camera", "screen")]
        assert abs(earlier.ended_at_ms - min(ends)) <= 1
        assert "Session Completed" not in earlier.event_names()
        assert later.event_names().count("Session Joined") == 1
    assert "Consent Given" not in second.event_names()
    page.context.close()


def test_a_page_loaded_anew_in_mid_handover_goes_on_with_the_newest(service: FakeService, page: Page) -> None:
    begin(service, page, 0.1)
    start(page)
    eventually(lambda: len(service.sessions) == 2, "the other session", page=page)
    service.policy["session_minutes"] = 90
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate("tv('init', 't', {session: 'a'})")
    goes_on(service, page, 2)
    first, second = service.sessions.values()
    assert len(service.starts) == 3 and "continues" not in service.starts[2]
    assert page.evaluate("ProctorClient3.state") == "running", "nothing is asked"
    run = first.runs()[0]
    assert first.seqs(run) == list(range(len(first.seqs(run)))), "what the first page left is handed in"
    (hole,) = holes(service)
    assert hole < 4000, "only the load of the page is missing"


def test_while_the_network_is_away_the_session_goes_on_beyond_its_limit(service: FakeService, page: Page) -> None:
    begin(service, page, 0.15)
    start(page)
    first = service.session
    service.go_down()
    page.wait_for_timeout(max(0, first.started_at + 11_000 - page.evaluate("Date.now()")))
    assert len(service.starts) == 1
    service.policy["session_minutes"] = 90
    service.down = False
    goes_on(service, page, 2)
    eventually(lambda: first.commands == [("stop", "limit")], "the end of the first", page=page)
    stop(page)
    assert holes(service) == []
    assert first.recorded()[-1][1] - first.started_at > 11_000


def test_a_paused_session_is_paused_beyond_the_limit_and_goes_on_there(service: FakeService, page: Page) -> None:
    begin(service, page, 0.12)
    start(page)
    page.evaluate("new Promise((resolve) => ProctorClient3.pause(resolve))")
    first = service.session
    service.policy["session_minutes"] = 90
    eventually(lambda: len(service.sessions) == 2, "the other session", page=page)
    eventually(lambda: service.session.commands == [("pause", None)], "paused there, too", page=page)
    eventually(lambda: first.commands[-1] == ("stop", "limit"), "the end of the first", page=page)
    assert service.session.pieces == {}
    page.evaluate("new Promise((resolve) => ProctorClient3.resume(resolve))")
    goes_on(service, page, 2)
    assert service.session.commands == [("pause", None), ("resume", None)]


def test_where_the_limit_stops_the_session_nothing_goes_on(service: FakeService, page: Page) -> None:
    service.policy["on_limit"] = "stop"
    begin(service, page, 0.1)
    start(page)
    eventually(lambda: service.session.commands == [("stop", "limit")], "stopped", page=page)
    eventually(lambda: page.evaluate("ProctorClient3.state") == "stopped", "stopped in the page", page=page)
    assert len(service.sessions) == 1
    assert service.session.recorded()[-1][1] - service.session.started_at >= 5900


def test_a_page_that_stops_while_the_service_is_asked_leaves_nothing_open(service: FakeService, page: Page) -> None:
    begin(service, page, 0.1)
    start(page)
    held: list[object] = []
    page.route("**/v1/sessions", lambda route: held.append(route))
    eventually(lambda: held, "asked for another session", page=page)
    page.evaluate("void ProctorClient3.stop(() => { window.stopped = true })")
    page.wait_for_function("window.stopped")
    held[0].continue_()  # type: ignore[attr-defined]
    eventually(lambda: len(service.sessions) == 2 and service.session.state == "stopped", "ended", page=page)
    assert {one.state for one in service.sessions.values()} == {"stopped"}
    assert service.session.pieces == {}
