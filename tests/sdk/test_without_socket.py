"""Servers and networks without WebSockets: everything goes by HTTP, by itself, and comes back to the socket when there is one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import TAG, TAG_PAGE, assert_contiguous, eventually, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser


def running(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)


def by(service: FakeService) -> set[str]:
    return {piece.by for piece in service.session.pieces.values()}


@pytest.mark.parametrize("told", [True, False], ids=["server says so", "handshake refused"])
def test_a_whole_session_without_a_socket(service: FakeService, page: Page, told: bool) -> None:
    service.no_socket_url, service.refuse_socket = told, not told
    tried: list[str] = []
    page.on("websocket", lambda ws: tried.append(ws.url))
    running(service, page)
    pieces_reach(service, page, 5)
    eventually(lambda: len(service.session.polls) >= 3, "polls", page=page)
    stop(page)
    assert len(tried) == (0 if told else 1)
    assert by(service) == {"put"}
    assert service.session.commands == [("stop", "api")]
    assert_contiguous(service)
    assert service.session.polls[0]["cursor"] is None


def test_the_next_page_of_the_exam_does_not_try_the_socket_again(service: FakeService, page: Page) -> None:
    service.refuse_socket = True
    tried: list[str] = []
    page.on("websocket", lambda ws: tried.append(ws.url))
    running(service, page)
    eventually(lambda: service.session.polls, "polls", page=page)
    page.reload()
    page.wait_for_function("window.ProctorClient3?.state === 'running'")
    pieces_reach(service, page, 6)
    assert len(tried) == 1
    assert page.evaluate("Number(sessionStorage.getItem('proview.http')) > Date.now()")


def test_a_page_that_is_left_with_requests_under_way_tells_of_no_outage(service: FakeService, page: Page) -> None:
    """The browser cancels them. Told as "Network Lost", the gap of the page load would be put down to the network."""
    service.no_socket_url = True
    running(service, page)

    with service.hold_pieces():
        service.holding_all = True
        before = len(service.requests)
        eventually(lambda: len(service.requests) >= before + 2, "requests under way", page=page)
        page.evaluate("location.href = '/exam?next'")
        page.wait_for_url("**/exam?next")
        service.holding_all = False
    page.wait_for_function("window.ProctorClient3?.state === 'running'")
    pieces_reach(service, page, len(service.session.pieces) + 3)
    stop(page)
    assert "Network Lost" not in service.session.event_names()
    assert_contiguous(service)


def test_an_upgrade_that_is_swallowed_holds_up_nothing(service: FakeService, page: Page) -> None:
    page.route_web_socket("**/signal", lambda ws: None)  # opens, and nothing ever answers the hello
    running(service, page)
    eventually(lambda: service.session.polls, "polls", page=page)
    pieces_reach(service, page, 5)
    assert by(service) == {"put"}
    stop(page)
    assert_contiguous(service)


def test_an_operators_stop_arrives_by_the_next_answer(service: FakeService, page: Page) -> None:
    service.no_socket_url = True
    service.poll_after_ms = 60_000  # only the headers on pieces can tell in time
    running(service, page)
    eventually(lambda: service.session.polls, "the first poll", page=page)
    service.session.state = "terminated"
    page.get_by_text("was ended (terminated)").wait_for(timeout=10_000)
    assert page.evaluate("ProctorClient3.state") == "stopped"
    assert service.session.commands == []


def test_an_operators_stop_arrives_while_nothing_is_recorded(service: FakeService, page: Page) -> None:
    service.no_socket_url = True
    running(service, page)
    page.evaluate("new Promise((resolve) => ProctorClient3.pause(resolve))")
    eventually(lambda: service.session.state == "paused", "paused", page=page)
    service.session.state = "terminated"
    page.get_by_text("was ended (terminated)").wait_for(timeout=10_000)


def test_messages_of_the_mailbox_are_carried_out_once(service: FakeService, page: Page) -> None:
    service.no_socket_url = True
    running(service, page)
    service.post(service.session, {"type": "live", "wanted": True, "ice_servers": []})
    eventually(lambda: service.session.offers, "an offer by POST", page=page)
    assert service.session.offers[0]["tracks"]
    service.post(service.session, {"type": "live", "wanted": False, "ice_servers": []})
    eventually(lambda: service.session.mail == [] and service.session.mail_read == 2, "acknowledged", page=page)
    stop(page)
    assert_contiguous(service)


def test_a_second_tab_takes_over_without_a_socket(service: FakeService, page: Page) -> None:
    service.no_socket_url = True
    running(service, page)
    second = page.context.new_page()
    second.goto(service.url + "/exam")
    second.get_by_role("button", name="Continue here").click()
    second.wait_for_function("window.ProctorClient3?.state === 'running'")
    page.get_by_text("was opened in another window").wait_for()
    eventually(lambda: len(service.session.runs()) == 2, "run of the second tab", page=second)
    polls = len(service.session.polls)
    eventually(lambda: len(service.session.polls) > polls + 3, "the second tab goes on", page=second)
    assert len({poll["client"] for poll in service.session.polls[polls:]}) == 1
    assert_contiguous(service)


def test_the_network_callback_is_truthful_without_a_socket(service: FakeService, page: Page) -> None:
    service.no_socket_url = True
    service.page("/exam", tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate(
        "window.net = []; tv('init', 't', {session: 'a', networkDisconnectionCallback: (s) => net.push(s.online)})"
    )
    start(page)
    pieces_reach(service, page, 2)
    for round_ in (1, 2):
        service.go_down()
        page.wait_for_function(f"net.length === {2 * round_ - 1}")
        service.down = False
        page.wait_for_function(f"net.length === {2 * round_}", timeout=20_000)
    assert page.evaluate("net") == [False, True, False, True]
    stop(page)
    assert_contiguous(service)


def test_one_lost_request_is_not_an_outage(service: FakeService, page: Page) -> None:
    service.no_socket_url = True
    service.page("/exam", tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate(
        "window.net = []; tv('init', 't', {session: 'a', networkDisconnectionCallback: (s) => net.push(s.online)})"
    )
    start(page)
    lost: list[str] = []

    def lose_one(route: object) -> None:
        if lost:
            route.fallback()  # type: ignore[attr-defined]
        else:
            lost.append("poll")
            route.abort()  # type: ignore[attr-defined]

    page.route("**/poll", lose_one)
    polls = len(service.session.polls)
    eventually(lambda: lost and len(service.session.polls) > polls + 2, "polls after the lost one", page=page)
    assert page.evaluate("net") == []


def test_from_the_socket_to_http_and_back_nothing_is_lost(service: FakeService, page: Page) -> None:
    running(service, page)
    assert service.session.sockets
    service.refuse_socket = True
    for socket in list(service.session.sockets):
        socket.socket.close()
    eventually(lambda: "put" in by(service) and service.session.polls, "HTTP", page=page)
    page.wait_for_function("sessionStorage.getItem('proview.http') !== null", timeout=20_000)
    service.refuse_socket = False
    page.evaluate("dispatchEvent(new Event('online'))")  # another network: the socket is worth a try at once
    eventually(lambda: service.session.sockets, "the socket again", page=page)
    polls, count = len(service.session.polls), len(service.session.pieces)
    pieces_reach(service, page, count + 4)
    assert len(service.session.polls) <= polls + 1
    assert page.evaluate("sessionStorage.getItem('proview.http')") is None
    stop(page)
    assert by(service) >= {"put", "socket"}
    assert_contiguous(service)
    assert len(service.session.runs()) == 1
