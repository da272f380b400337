"""Frame mode: the shell records, the exam's frame loads page after page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from .conftest import TAG, agree, assert_contiguous, decode, eventually, is_running, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

SHELL = (
    '<!doctype html><html lang="en"><head><script src="/proview/init.js" data-proview-route="r0" data-proview-role="shell" data-proview-start="auto" data-proview-cover="1"></script>'
    '<meta charset="utf-8"><title>Exam</title><link rel="stylesheet" href="/proview/static/sdk/shell.css"></head><body>'
    '<iframe id="proview-frame" name="proview-frame" title="Exam" data-proview-src="{src}" allow="camera; microphone; display-capture; fullscreen"></iframe></body></html>'
)


def shell(service: FakeService, src: str = "/q/1?lang=en", path: str = "/exam") -> None:
    service.pages[path] = (SHELL.replace("{src}", src), {})


def question(service: FakeService, number: int, body: str) -> None:
    service.page(f"/q/{number}", f"<h1>Question {number}</h1>{body}", tag=TAG)


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("#proview-frame")


def open_shell(service: FakeService, page: Page) -> None:
    shell(service)
    page.goto(service.url + "/exam")
    start(page)
    frame(page).get_by_role("heading", name="Question 1").wait_for()


def test_pages_of_the_frame_are_recorded_in_one_run_without_a_gap(service: FakeService, page: Page) -> None:
    for number in (1, 2, 3):
        question(service, number, f'<a href="/q/{number + 1}">next</a>')
    question(service, 4, '<form method="post" action="/q/1"><button>send</button></form>')
    open_shell(service, page)
    for number in (2, 3, 4):
        pieces_reach(service, page, len(service.session.pieces) + 1)
        frame(page).get_by_role("link", name="next").click()
        frame(page).get_by_role("heading", name=f"Question {number}").wait_for()
        assert frame(page).get_by_role("dialog").count() == 0
    frame(page).get_by_role("button", name="send").click()
    frame(page).get_by_role("heading", name="Question 1").wait_for()
    pieces_reach(service, page, len(service.session.pieces) + 2)
    stop(page)
    (run,) = service.session.runs()
    assert_contiguous(service)
    pieces = [piece for _, piece in sorted(service.session.pieces.items())]
    assert all(before.start + before.duration == after.start for before, after in zip(pieces, pieces[1:], strict=False))
    frames, seconds, _ = decode(service.session.run_bytes(run))
    assert abs(seconds - sum(piece.duration for piece in pieces) / 1000) < 0.5 and frames > 10 * seconds
    assert len(service.starts) == 1
    assert service.session.event_names().count("Page Loaded") == 5


def test_frame_stays_empty_until_the_session_runs(service: FakeService, page: Page) -> None:
    shell(service)
    question(service, 1, "")
    page.goto(service.url + "/exam")
    page.get_by_role("button", name="Agree and continue").wait_for()
    assert page.locator("#proview-frame").get_attribute("src") is None
    start(page)
    frame(page).get_by_role("heading", name="Question 1").wait_for()


def test_address_title_and_icon_follow_the_frame_and_back_goes_back(service: FakeService, page: Page) -> None:
    question(service, 1, '<a href="/q/2#part">next</a>')
    service.page("/q/2", "<h1>Question 2</h1>", tag=TAG, head='<link rel="icon" href="/two.ico">')
    open_shell(service, page)
    expect(page).to_have_url(service.url + "/q/1?lang=en")
    frame(page).get_by_role("link", name="next").click()
    expect(page).to_have_url(service.url + "/q/2#part")
    expect(page).to_have_title("Exam /q/2")
    assert page.locator('link[rel="icon"]').get_attribute("href") == service.url + "/two.ico"
    page.go_back()
    frame(page).get_by_role("heading", name="Question 1").wait_for()
    expect(page).to_have_url(re.compile("/q/1"))


def test_links_and_forms_that_want_the_top_stay_in_the_frame(service: FakeService, page: Page) -> None:
    question(service, 1, '<a href="/q/2" target="_top">next</a>')
    question(service, 2, '<form action="/q/3" target="_parent"><button>go</button></form>')
    question(service, 3, "<form id=f action=/q/1 target=_top></form>")
    open_shell(service, page)
    frame(page).get_by_role("link", name="next").click()
    frame(page).get_by_role("button", name="go").click()
    frame(page).get_by_role("heading", name="Question 3").wait_for()
    frame(page).locator("#f").evaluate("(form) => form.submit()")
    frame(page).get_by_role("heading", name="Question 1").wait_for()
    assert len(service.starts) == 1
    assert page.evaluate("ProctorClient3.state") == "running"


@pytest.mark.parametrize("path", ["/done/7", "/done/7;jsessionid=0A1B2C.node1"])
def test_reaching_a_stop_path_ends_the_session_while_the_page_is_shown(
    service: FakeService, page: Page, path: str
) -> None:
    service.policy["stop_paths"] = [r"^/done/(?P<attempt>\d+)$"]
    question(service, 1, f'<a href="{path}">finish</a>')
    service.page(path, "<h1>Thank you</h1>")
    open_shell(service, page)
    pieces_reach(service, page, 3)
    frame(page).get_by_role("link", name="finish").click()
    eventually(lambda: service.session.state == "stopped", "stopped", page=page)
    assert frame(page).get_by_role("heading", name="Thank you").is_visible()
    assert service.session.commands == [("stop", "path")]
    assert_contiguous(service)
    assert "Session Completed" not in service.session.event_names(), (
        "the service writes it when a stop path ends a session"
    )


def test_pages_in_the_frame_have_the_client_of_the_shell(service: FakeService, page: Page) -> None:
    question(
        service,
        1,
        "<script>tv('init', 't', { session: 'x', initCallback: function (e, id, a, v, s) { document.title = [e, id, a, v, s].join() } })</script><textarea id=t></textarea>",
    )
    open_shell(service, page)
    inner = page.frames[1]
    inner.wait_for_function("document.title.includes(',')")
    assert inner.title() == f",{service.session.uuid},true,true,false"
    inner.evaluate(
        "window.seen = []; ProctorClient3.on(10006, (e) => seen.push(e.name, e.data.characters)); addEventListener('proview:text-pasted', () => seen.push('dom'))"
    )
    inner.locator("#t").fill("abc")
    for keys in ("Control+A", "Control+C", "Control+V"):
        page.keyboard.press(keys)
    inner.wait_for_function("seen.length === 3")
    assert inner.evaluate("seen") == ["Text Pasted", 3, "dom"]
    inner.evaluate("new Promise((resolve) => ProctorClient3.stop(resolve))")
    assert service.session.commands == [("stop", "api")]


def test_service_at_fault_lets_the_exam_go_on_in_the_shell(service: FakeService, page: Page) -> None:
    service.refuse_start = (503, "busy")
    shell(service)
    question(service, 1, "<input id=answer>")
    page.goto(service.url + "/exam")
    page.get_by_text("Proctoring is not available right now").wait_for(timeout=20_000)
    frame(page).locator("#answer").fill("4")
    service.refuse_start = None
    page.get_by_role("button", name="Start proctoring").click(timeout=20_000)
    start(page)
    assert frame(page).locator("#answer").input_value() == "4"


def test_refused_camera_keeps_the_exam_out_of_the_frame(service: FakeService, chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        shell(service)
        question(service, 1, "")
        page.goto(service.url + "/exam")
        agree(page)
        page.get_by_role("heading", name="Camera or microphone is blocked").wait_for()
        assert page.locator("#proview-frame").get_attribute("src") is None


def test_reloaded_shell_goes_on_with_the_page_it_showed(service: FakeService, page: Page) -> None:
    question(service, 1, "")
    open_shell(service, page)
    pieces_reach(service, page, 2)
    shell(service, "/q/1?lang=en", "/q/1")
    service.pages["/q/1"], inner = service.pages["/q/1"], service.pages["/exam"]
    service.pages["/exam"] = inner
    page.goto(service.url + "/exam")
    is_running(page)
    eventually(lambda: len(service.session.runs()) == 2, "second run", page=page)
    assert len(service.sessions) == 1


def test_screen_share_survives_the_pages_of_the_frame(service: FakeService, chromium_with_screen: Browser) -> None:
    service.policy["tracks"] = ["camera", "screen"]
    with chromium_with_screen.new_context() as context:
        page = context.new_page()
        question(service, 1, '<a href="/q/2">next</a>')
        question(service, 2, "")
        shell(service)
        page.goto(service.url + "/exam")
        agree(page)
        page.get_by_role("button", name="Continue", exact=True).click()
        page.get_by_role("button", name="Share screen and start").click()
        frame(page).get_by_role("link", name="next").click()
        frame(page).get_by_role("heading", name="Question 2").wait_for()
        pieces_reach(service, page, len(service.session.pieces) + 6, track="camera")
        pieces_reach(service, page, 4, track="screen")
        stop(page)
        assert len(service.session.runs("screen")) == len(service.session.runs()) == 1
        assert_contiguous(service, "screen")


def test_next_exam_in_the_same_window_gets_a_session_of_its_own(service: FakeService, page: Page) -> None:
    service.policy["stop_paths"] = ["^/done$"]
    question(service, 1, '<a href="/done">finish</a>')
    service.page("/done", '<a href="/q/2">another exam</a>')
    question(service, 2, "")
    open_shell(service, page)
    frame(page).get_by_role("link", name="finish").click()
    eventually(lambda: service.session.state == "stopped", "stopped", page=page)
    service.identity = ("exam-2", "student-1")
    frame(page).get_by_role("link", name="another exam").click()
    page.get_by_role("button", name="Agree and continue").wait_for()
    assert len(service.sessions) == 2


def test_frameset_of_the_site_itself_has_one_session(service: FakeService, page: Page) -> None:
    service.page("/exam", '<iframe src="/inner"></iframe>', tag=TAG)
    service.page("/inner", "<textarea id=t></textarea>", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    page.frames[1].wait_for_function("window.ProctorClient3?.state === 'running'")
    assert len(service.starts) == 1
    assert page.frames[1].locator("#proview_root").count() == 0
