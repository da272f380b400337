"""Inline mode: the page records itself, across reloads."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import TAG, TAG_PAGE, assert_contiguous, decode, eventually, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

SNIPPET = """<script>
(function (i, s, o, g, r, a, m) { i['TalviewProctor'] = r; i[r] = i[r] || function () { (i[r].q = i[r].q || []).push(arguments) }; i[r].l = 1 * new Date();
a = s.createElement(o); m = s.getElementsByTagName(o)[0]; a.async = 1; a.src = g; m.parentNode.insertBefore(a, m) })(window, document, 'script', '/proview/init.js', 'tv');
window.calls = [];
tv('init', 'account-token', { profileId: 7, session: 's-0.5', sessionType: 'ai_proctor', unknown: {}, previewStyle: 'position: fixed; bottom: 0px; left: 4px',
  initCallback: function () { calls.push(Array.from(arguments)) } });
</script>"""


def test_injected_page_starts_by_itself_and_its_run_decodes_from_first_to_last_frame(
    service: FakeService, page: Page
) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    assert service.starts == [{"route": "r0", "options": {}}]
    pieces_reach(service, page, 8)
    stop(page)
    assert_contiguous(service)
    (run,) = service.session.runs()
    frames, seconds, audio = decode(service.session.run_bytes(run))
    recorded = sum(piece.duration for piece in service.session.pieces.values()) / 1000
    assert frames > 20 and audio > 40
    assert abs(seconds - recorded) < 0.5
    assert [piece.last for _, piece in sorted(service.session.pieces.items())][-1]
    assert service.session.commands == [("stop", "api")]


def test_pieces_lie_end_to_end_on_the_session_clock(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 5)
    pieces = [piece for _, piece in sorted(service.session.pieces.items())]
    assert pieces[0].start == service.session.runs()[0]
    assert all(before.start + before.duration == after.start for before, after in zip(pieces, pieces[1:], strict=False))


def test_page_is_covered_and_inert_until_the_session_runs(service: FakeService, page: Page) -> None:
    service.page("/exam", "<input id=answer autofocus>", tag=TAG)
    page.goto(service.url + "/exam")
    page.get_by_role("button", name="Agree and continue").wait_for()
    page.evaluate("document.getElementById('answer').focus()")
    assert page.evaluate("document.activeElement.id") == "proview_root"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for()  # a second Escape may close it; it comes back at once
    start(page)
    page.locator("#answer").fill("4")
    assert page.get_by_role("dialog").count() == 0


def test_queued_call_before_the_loader_arrives_is_answered_once(service: FakeService, page: Page) -> None:
    service.page("/exam", SNIPPET)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)
    assert page.evaluate("calls") == [[None, service.session.uuid, True, True, False]]
    assert service.starts == [
        {"token": "account-token", "session": "s-0.5", "profile_id": "7", "session_type": "ai_proctor", "options": {}}
    ]
    left = page.locator("#proview_root .preview").evaluate("(box) => [box.style.left, getComputedStyle(box).width]")
    assert left == ["4px", "168px"]


def test_loader_executed_twice_makes_one_session(service: FakeService, page: Page) -> None:
    service.page("/exam", SNIPPET + SNIPPET, tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    start(page)
    page.wait_for_function("calls.length === 2")
    assert len(service.starts) == 1
    page.add_script_tag(url="/proview/init.js")
    assert page.locator("#proview_root").count() == 1
    assert len(service.starts) == 1


def test_snippet_on_a_page_with_the_automatic_tag_joins_its_session(service: FakeService, page: Page) -> None:
    service.page("/exam", SNIPPET, tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    page.wait_for_function("calls.length === 1")
    assert page.evaluate("calls[0][1]") == service.session.uuid
    assert len(service.starts) == 1


def test_page_with_start_page_waits_for_the_call(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    # React wrappers refuse to load where the global exists already.
    assert page.evaluate("typeof ProctorClient3") == "undefined"
    assert service.starts == []
    page.evaluate("tv('init', 'account-token', {session: 'a', initCallback: (e, id) => { window.id = id }})")
    start(page)
    assert page.evaluate("window.id") == service.session.uuid


def test_reload_resumes_the_session_with_a_new_run_and_asks_nothing(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 3)
    for _ in range(3):
        page.reload()
        page.wait_for_function("window.ProctorClient3?.state === 'running'")
        pieces_reach(service, page, len(service.session.pieces) + 2)
    stop(page)
    assert len(service.sessions) == 1
    assert len(service.session.runs()) == 4
    assert_contiguous(service)
    for run in service.session.runs():
        assert decode(service.session.run_bytes(run))[0] > 0
    names = service.session.event_names()
    assert names.count("Consent Given") == 1
    assert names.count("Session Joined") == names.count("Recording Started") == 4


def test_clicking_through_pages_loses_little_between_them(service: FakeService, page: Page) -> None:
    service.page("/q/1", '<a href="/q/2">next</a>', tag=TAG)
    service.page("/q/2", tag=TAG)
    page.goto(service.url + "/q/1")
    start(page)
    pieces_reach(service, page, 5)
    page.get_by_role("link", name="next").click()
    eventually(lambda: len(service.session.runs()) == 2, "second run", page=page)
    first, second = service.session.runs()
    eventually(lambda: len(service.session.seqs(second)) >= 2, "pieces of the second run", page=page)
    end = max(piece.start + piece.duration for (_, run, _), piece in service.session.pieces.items() if run == first)
    print(f"gap between pages: {second - end} ms")
    assert 0 <= second - end < 3000
    assert_contiguous(service)


def test_closed_tab_and_reopened_page_resume_the_same_session(service: FakeService, context: BrowserContext) -> None:
    service.page("/exam", tag=TAG)
    page = context.new_page()
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 3)
    page.close(run_before_unload=True)
    again = context.new_page()
    again.goto(service.url + "/exam")
    again.wait_for_function("window.ProctorClient3?.state === 'running'")
    eventually(lambda: len(service.session.runs()) == 2, "second run", page=again)
    assert len(service.sessions) == 1


def test_page_that_removes_our_element_goes_on_recording(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    page.evaluate("document.getElementById('proview_root').remove()")
    pieces_reach(service, page, len(service.session.pieces) + 3)
    stop(page)
    assert service.session.state == "stopped"


def test_stop_page_ends_the_session_of_its_tab(service: FakeService, page: Page) -> None:
    service.page("/exam", '<a href="/done">finish</a>', tag=TAG)
    service.page("/done", tag='data-proview-role="stop" data-proview-start="auto" data-proview-cover="1"')
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 3)
    page.get_by_role("link", name="finish").click()
    eventually(lambda: service.session.state == "stopped", "stopped", page=page)
    assert service.session.commands == [("stop", "path")]
    assert page.get_by_role("dialog").count() == 0
    assert_contiguous(service)


def test_host_csp_and_trusted_types_do_not_stop_the_sdk(service: FakeService, page: Page) -> None:
    csp = "default-src 'none'; script-src 'nonce-n1'; connect-src 'self' ws:; img-src 'self'; require-trusted-types-for 'script'"
    service.pages["/exam"] = (
        f'<!doctype html><html><head><script nonce="n1" src="/proview/init.js" data-proview-route="r0" {TAG}></script></head><body>q</body></html>',
        {"Content-Security-Policy": csp},
    )
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)
    assert complaints == []
