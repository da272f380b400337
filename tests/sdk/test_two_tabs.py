"""The same exam in two tabs of a browser: one records, the other says so and follows when the first one is gone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import TAG, TAG_PAGE, assert_contiguous, eventually, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

ELSEWHERE = "Another window or tab records this session"


def two_tabs(service: FakeService, page: Page, tag: str = TAG) -> Page:
    """The first records, the second has just been opened."""
    service.page("/exam", "<input id=answer>", tag=tag)
    page.goto(service.url + "/exam")
    if tag == TAG_PAGE:
        page.wait_for_function("window.tv && window.tv.proview")
        page.evaluate("tv('init', 't', {session: 'a'})")
    start(page)
    pieces_reach(service, page, 2)
    second = page.context.new_page()
    second.goto(service.url + "/exam")
    if tag == TAG_PAGE:
        second.wait_for_function("window.tv && window.tv.proview")
        second.evaluate("window.calls = []; tv('init', 't', {session: 'a', initCallback: (e, id) => calls.push(id)})")
    second.get_by_text(ELSEWHERE).wait_for()
    return second


def test_the_first_tab_goes_on_and_the_second_follows_when_it_is_closed(service: FakeService, page: Page) -> None:
    second = two_tabs(service, page)
    second.locator("#answer").fill("the page can be used: it is being watched")
    count = len(service.session.pieces)
    pieces_reach(service, page, count + 3)
    assert len(service.session.runs()) == 1, "no gap and no new run"
    assert page.get_by_text("was opened in another window").count() == 0
    page.close()
    second.wait_for_function("ProctorClient3.state === 'running'")
    eventually(lambda: len(service.session.runs()) == 2, "run of the second tab", page=second)
    assert second.get_by_text(ELSEWHERE).count() == 0
    first, then = (service.session.seqs(run) for run in service.session.runs())
    assert first == list(range(len(first))) and then[0] == 0
    hole = service.session.pieces["camera", service.session.runs()[1], 0].start - max(
        piece.start + piece.duration
        for (_, run, _), piece in service.session.pieces.items()
        if run != service.session.runs()[1]
    )
    assert hole < 3000
    assert len(service.sessions) == 1
    stop(second)
    assert_contiguous(service)


def test_whoever_continues_here_takes_the_session_and_the_other_says_so(service: FakeService, page: Page) -> None:
    second = two_tabs(service, page, TAG_PAGE)
    assert second.evaluate("calls") == []
    second.get_by_role("button", name="Continue here").click()
    second.wait_for_function("calls.length === 1")
    page.get_by_text("was opened in another window").wait_for()
    eventually(lambda: len(service.session.runs()) == 2, "run of the second tab", page=second)
    eventually(lambda: "Session Opened Elsewhere" in service.session.event_names(), "event", page=second)
    assert_contiguous(service)


def test_a_stop_in_the_tab_that_does_not_record_ends_the_session(service: FakeService, page: Page) -> None:
    second = two_tabs(service, page, TAG_PAGE)
    stop(second)
    assert service.session.commands == [("stop", "api")]
    assert second.get_by_text(ELSEWHERE).count() == 0


def test_a_second_shell_shows_its_page_while_the_first_records(service: FakeService, page: Page) -> None:
    shell = TAG.replace('role="page"', 'role="shell"')
    service.page(
        "/shell", '<iframe id="proview-frame" name="proview-frame" data-proview-src="/exam"></iframe>', tag=shell
    )
    service.page("/exam", "<input id=answer>", tag=TAG)
    page.goto(service.url + "/shell")
    start(page)
    second = page.context.new_page()
    second.goto(service.url + "/shell")
    second.get_by_text(ELSEWHERE).wait_for()
    second.frame_locator("#proview-frame").locator("#answer").fill("here")
    assert len(service.session.runs()) <= 1
