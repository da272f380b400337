"""What goes wrong between browser and service: nothing that was recorded is lost, and the page goes on."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page

from .conftest import TAG, TAG_PAGE, assert_contiguous, decode, eventually, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser


def running(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)


def test_pieces_never_acknowledged_are_sent_by_the_next_page(service: FakeService, page: Page) -> None:
    running(service, page)
    with service.hold_pieces():
        before = len(service.session.pieces)
        page.wait_for_timeout(1500)  # the recorder makes pieces that stay unacknowledged
        assert len(service.session.pieces) <= before + 1
        service.page("/other", tag=None)
        page.goto(service.url + "/other")
    page.goto(service.url + "/exam")
    page.wait_for_function("window.ProctorClient3?.state === 'running'")
    first = service.session.runs()[0]
    eventually(lambda: len(service.session.seqs(first)) >= before + 3, "left pieces", page=page)
    assert_contiguous(service)
    assert decode(service.session.run_bytes(first))[0] > 0


def test_pieces_left_by_another_session_are_drained_with_its_drain_token(service: FakeService, page: Page) -> None:
    running(service, page)
    old = service.session
    with service.hold_pieces():
        page.wait_for_timeout(1200)
        service.page("/other", tag=None)
        page.goto(service.url + "/other")
    service.identity = ("exam-2", "student-1")
    count = len(old.pieces)
    page.goto(service.url + "/exam")
    eventually(lambda: len(old.pieces) > count, "drained", page=page)
    eventually(lambda: service.session is not old, "a session of its own", page=page)
    assert {piece.by for piece in old.pieces.values()} == {"socket", "drain"}


def test_service_down_for_seconds_loses_nothing(service: FakeService, page: Page) -> None:
    running(service, page)
    service.go_down()
    page.get_by_text("No connection. Go on").wait_for(timeout=15_000)
    page.wait_for_timeout(4000)
    service.down = False
    page.get_by_text("Connected again").wait_for(timeout=20_000)
    count = len(service.session.pieces)
    pieces_reach(service, page, count + 3)
    stop(page)
    assert_contiguous(service)
    (run,) = service.session.runs()
    frames, seconds, _ = decode(service.session.run_bytes(run))
    assert seconds > 6 and frames > 60
    names = service.session.event_names()
    assert names.count("Network Lost") == names.count("Network Restored") == 1
    assert "Socket disconnected" in names


def test_blocked_socket_sends_by_put(service: FakeService, page: Page) -> None:
    service.refuse_socket = True
    running(service, page)
    pieces_reach(service, page, 5)
    page.evaluate("new Promise((resolve) => ProctorClient3.stop(resolve))")
    assert {piece.by for piece in service.session.pieces.values()} == {"put"}
    assert service.session.commands == [("stop", "api")]
    assert_contiguous(service)
    assert "Recording Started" in service.session.event_names()


def test_network_callback_tells_loss_and_return(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate(
        "window.net = []; tv('init', 't', {session: 'a', networkDisconnectionCallback: (s) => net.push(s.online)})"
    )
    start(page)
    service.go_down()
    page.wait_for_function("net.length === 1")
    service.down = False
    page.wait_for_function("net.length === 2", timeout=20_000)
    assert page.evaluate("net") == [False, True]


def test_service_that_never_answers_leaves_the_page_usable_and_is_tried_again(service: FakeService, page: Page) -> None:
    service.down = True
    # The loader is cached by the browser as it would be; only the API is gone.
    service.down = False
    service.page("/exam", "<input id=answer>", tag=TAG)
    service.refuse_start = (503, "busy")
    page.goto(service.url + "/exam")
    page.get_by_text("Proctoring is not available right now (busy)").wait_for(timeout=20_000)
    page.locator("#answer").fill("4")
    service.refuse_start = None
    page.get_by_role("button", name="Start proctoring").click(timeout=20_000)
    start(page)


def test_refused_start_tells_the_page_and_uncovers_it(service: FakeService, page: Page) -> None:
    service.refuse_start = (403, "origin_refused")
    service.page("/exam", "<input id=answer>", tag=TAG)
    page.goto(service.url + "/exam")
    page.get_by_text("Proctoring could not be started (origin_refused)").wait_for()
    page.locator("#answer").fill("4")
    page.evaluate("tv('init', 't', {session: 'a', initCallback: (e) => { window.code = e.code }})")
    page.wait_for_function("window.code")
    assert page.evaluate("window.code") == "origin_refused"


def test_sdk_that_cannot_be_loaded_uncovers_the_page_and_answers_the_queue(service: FakeService, page: Page) -> None:
    page.route("**/static/sdk/**", lambda route: route.abort())
    service.page(
        "/exam",
        "<input id=answer><script>tv('init', 't', {initCallback: (e) => { window.code = e.code }})</script>",
        tag=TAG,
    )
    page.goto(service.url + "/exam")
    page.wait_for_function("window.code === 'load_failed'")
    page.locator("#answer").fill("4")


def test_stop_calls_back_when_the_service_is_gone(service: FakeService, page: Page) -> None:
    running(service, page)
    service.go_down()
    before = time.monotonic()
    stop(page)
    assert time.monotonic() - before < 12
    assert page.evaluate("ProctorClient3.state") == "stopped"


def test_stop_calls_back_without_a_session_and_twice(service: FakeService, page: Page) -> None:
    service.page("/plain", '<script src="/proview/init.js"></script>')
    page.goto(service.url + "/plain")
    page.wait_for_function("window.ProctorClient3")
    stop(page)
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    page.evaluate("window.n = 0; ProctorClient3.stop(() => n++); ProctorClient3.stop(() => n++)")
    page.wait_for_function("n === 2")
    stop(page)
    assert service.session.commands == [("stop", "api")]


def test_stop_during_consent_ends_the_session(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    page.get_by_role("button", name="Agree and continue").wait_for()
    stop(page)
    assert page.get_by_role("dialog").count() == 0
    assert service.session.state == "stopped"


def test_session_that_the_service_closed_during_an_outage_goes_on_in_a_continuation(
    service: FakeService, page: Page
) -> None:
    running(service, page)
    old = service.session
    service.go_down()
    old.state = "expired"
    service.down = False
    eventually(
        lambda: len(service.sessions) == 2 and len(service.session.pieces) >= 2, "continuation", page=page, within=25
    )
    assert service.starts[-1]["continues"] == old.uuid
    assert page.evaluate("ProctorClient3.state") == "running"
    (run,) = old.runs()
    eventually(
        lambda: any(piece.last for piece in old.pieces.values()), "rest of the old session", page=page, within=30
    )
    assert old.seqs(run) == list(range(len(old.seqs(run))))


def test_operator_who_ends_the_session_stops_the_capture(service: FakeService, page: Page) -> None:
    running(service, page)
    service.session.state = "terminated"
    service.say(service.session, {"type": "state", "state": "terminated", "reason": "proctor"})
    page.get_by_text("was ended (terminated)").wait_for()
    assert page.evaluate("ProctorClient3.state") == "stopped"
    assert service.session.commands == []


def test_pause_that_is_told_when_it_is_over_interrupts_nothing_and_one_that_holds_does(
    service: FakeService, page: Page
) -> None:
    """Our own pause comes back over the socket, too, and may arrive behind the answer to our resume."""
    running(service, page)
    session = service.session
    page.evaluate("() => { window.paused = []; ProctorClient3.on(10010, (event) => paused.push(event.data.by)) }")
    service.say(session, {"type": "state", "state": "paused", "reason": None})
    pieces_reach(service, page, len(session.pieces) + 3)
    assert page.evaluate("[ProctorClient3.state, paused]") == ["running", []]
    assert len(session.runs()) == 1
    for state in ("paused", "running"):
        session.state = state
        service.say(session, {"type": "state", "state": state, "reason": None})
        page.wait_for_function("state => ProctorClient3.state === state", arg=state)
    assert page.evaluate("paused") == ["server"]
    assert session.commands == [], "what the service said is not said back to it"


def test_session_opened_in_another_browser_is_recorded_by_that_one_only(
    service: FakeService, page: Page, chromium: Browser
) -> None:
    running(service, page)
    with chromium.new_context(permissions=["camera", "microphone"]) as other:
        second = other.new_page()
        second.goto(service.url + "/exam")
        start(second)
        page.get_by_text("was opened in another window").wait_for()
        eventually(lambda: len(service.session.runs()) == 2, "run of the second browser", page=second)
        assert_contiguous(service)


def test_token_that_the_service_no_longer_accepts_is_renewed_and_the_same_session_goes_on(
    service: FakeService, page: Page
) -> None:
    running(service, page)
    session = service.session
    session.token_epoch += 1
    service.go_down()
    service.down = False
    count = len(session.pieces)
    pieces_reach(service, page, count + 3)
    assert len(service.sessions) == 1
    assert "continues" not in service.starts[-1] and len(service.starts) == 2
    stop(page)
    assert_contiguous(service)
    assert session.state == "stopped"
