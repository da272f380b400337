"""Nobody answers any more and nothing is closed: told in time and truthfully, and only then."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page

from .conftest import TAG_PAGE, assert_contiguous, eventually, pieces_reach, reported, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

INIT = "window.net = []; tv('init', 't', {session: 'a', networkDisconnectionCallback: (state) => net.push(state)})"


def running(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate(INIT)
    start(page)
    pieces_reach(service, page, 2)


def network_events(service: FakeService) -> list[tuple[str, int]]:
    """Name and time, epoch ms of the service."""
    session = service.session
    return [
        (event["name"], session.started_at + event["at"])
        for event in sorted(session.events.values(), key=lambda one: one["at"])
        if event["name"].startswith("Network ")
    ]


@pytest.mark.parametrize("way", ["socket", "put"])
def test_silence_is_told_with_the_time_of_the_last_answer_and_nothing_is_missing(
    service: FakeService, page: Page, way: str
) -> None:
    service.refuse_socket = way == "put"
    running(service, page)
    began = service.now()
    service.silent = True
    page.wait_for_function("net.length === 1", timeout=10_000)
    page.get_by_text("No connection. Go on").wait_for()
    service.silent = False
    ended = service.now()
    page.wait_for_function("net.length === 2", timeout=10_000)
    count = len(service.session.pieces)
    pieces_reach(service, page, count + 3)
    lost, back = page.evaluate("net")
    assert (lost["online"], back["online"]) == (False, True)
    # A piece is acknowledged about three times a second: the last answer is hardly older than the silence.
    assert began - 1500 < lost["at"] < began + 300
    assert ended - 50 < back["at"] < ended + 8000
    eventually(lambda: len(network_events(service)) == 2, "both events", page=page)
    told = network_events(service)
    assert [name for name, _ in told] == ["Network Lost", "Network Restored"]
    assert abs(told[0][1] - lost["at"]) < 200 and abs(told[1][1] - back["at"]) < 200, (told, lost, back)
    stop(page)
    assert_contiguous(service)
    assert {piece.by for piece in service.session.pieces.values()} >= {way}


def test_a_line_that_is_only_slow_is_not_called_lost(service: FakeService, page: Page) -> None:
    running(service, page)
    service.lag_s = 2.5
    since = time.monotonic()
    eventually(lambda: time.monotonic() - since > 7, "seven seconds of slowness", page=page)
    service.lag_s = 0
    stop(page)
    assert page.evaluate("net") == []
    assert network_events(service) == []
    assert_contiguous(service)


def test_a_socket_alone_that_is_silent_is_replaced_and_what_it_had_goes_by_put(
    service: FakeService, page: Page
) -> None:
    running(service, page)
    service.deaf_sockets = tuple(service.session.sockets)
    eventually(lambda: len(reported(service, "Socket disconnected")) == 1, "another socket", page=page)
    count = len(service.session.pieces)
    pieces_reach(service, page, count + 5)
    stop(page)
    assert page.evaluate("net") == []
    assert_contiguous(service)
    assert {piece.by for piece in service.session.pieces.values()} == {"socket", "put"}
