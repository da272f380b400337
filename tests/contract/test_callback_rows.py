"""reference §1.5, §1.8, §1.14: initCallback, once and after all checks; pages that hold the exam in a frame."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Page

from .classic import LOADER, TOKEN, Service, Site, agree, begin, bootstrap, eventually, snippet, state_is, stop

pytestmark = pytest.mark.browser


def test_it_is_called_once_after_all_checks_with_an_id_that_fits_into_an_address(
    proview: Service, site: Site, page: Page
) -> None:
    """The flow of §1.14: instructions, permission, camera and microphone, then the call."""
    page.goto(
        site.page(
            "/once", snippet("{session: 'once-1', profileId: 'u', session_type: 'ai_proctor', initCallback: told}")
        )
    )
    page.get_by_role("button", name="Agree and continue").wait_for()
    assert page.evaluate("calls.length") == 0
    agree(page)
    page.get_by_role("button", name="Start", exact=True).wait_for()
    assert page.evaluate("calls.length") == 0
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_function("calls.length === 1")
    row = proview.row("once-1")
    assert page.evaluate("calls") == [[None, row.uuid, True, True, False]]
    assert page.evaluate("encodeURIComponent(calls[0][1]) === calls[0][1] && !calls[0][0]")
    assert page.evaluate("ProctorClient3.state") == "running"
    page.evaluate("new Promise((resolve) => ProctorClient3.pause(() => ProctorClient3.resume(resolve)))")
    stop(page)
    assert page.evaluate("calls.length") == 1
    names = [event["name"] for event in proview.details(row.uuid)["events"]]
    assert {"Session Joined", "Camera Detected", "Camera Test Passed", "Recording Started", "Recording Stopped", "Session Completed"} <= set(names)  # fmt: skip


@pytest.mark.parametrize(
    ("session", "callback"),
    [
        ("throws-1", "function () { throw new Error('mine') }"),
        ("throws-2", "(error, uuid) => () => uuid"),
        ("throws-3", "async () => { throw new Error('mine') }"),
    ],
)
def test_callbacks_that_throw_or_return_something_do_not_stop_the_session(
    proview: Service, site: Site, page: Page, session: str, callback: str
) -> None:
    page.goto(
        site.page("/throws", snippet(f"{{session: '{session}', skipHardwareTest: true, initCallback: {callback}}}"))
    )
    begin(page, check=False)
    assert proview.row(session).state in ("created", "running")
    stop(page)
    assert proview.row(session).state == "stopped"


def test_a_refused_camera_is_told_once_and_a_second_try_starts_with_a_fresh_page(
    proview: Service, site: Site, chromium: Browser
) -> None:
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(site.page("/refusal", snippet("{session: 'refusal-1', initCallback: told}")))
        agree(page)
        page.get_by_role("heading", name="Camera or microphone is blocked").wait_for()
        ((error,),) = page.evaluate("calls")
        assert (error["isError"], error["code"]) == (True, "device_refused")
        assert "not allowed" in error["text"]
        page.get_by_role("button", name="Reload the page").click()
        page.get_by_role("button", name="Agree and continue").or_(
            page.get_by_role("heading", name="Camera or microphone is blocked")
        ).wait_for()
        assert proview.row("refusal-1").state == "created"
    finally:
        context.close()


def test_an_answer_that_never_comes_leaves_the_page_open_and_is_told(site: Site, page: Page) -> None:
    """Loader from one name, service gone: the loader of another installation is served, and nobody is behind it."""
    page.route("**/v1/sessions", lambda route: route.abort())
    page.goto(site.page("/away", snippet("{session: 'away-1', initCallback: told}")))
    page.wait_for_function("calls.length === 1", timeout=20_000)
    assert page.evaluate("[calls[0][0].isError, calls[0][0].code]") == [True, "network"]
    assert page.get_by_role("dialog").count() == 0
    assert page.locator("#mine").is_visible()


def test_an_sdk_that_cannot_be_loaded_answers_everything_that_waits(site: Site, page: Page) -> None:
    page.route("**/static/sdk/**", lambda route: route.abort())
    body = snippet("{session: 'unloadable', initCallback: told}") + (
        "<script>window.log = []; document.scripts[0].onload = function () { ProctorClient3.on(3, told);"
        " ProctorClient3.stop(function () { log.push('stopped') }) }</script>"
    )
    page.goto(site.page("/unloadable", body))
    page.wait_for_function("calls.length === 1 && log.length === 1", timeout=15_000)
    assert page.evaluate("calls[0][0].code") == "load_failed"
    page.evaluate(
        "tv('init', 'x', {initCallback: told}); ProctorClient3.Pause(() => log.push('paused')); ProctorClient3.on(3, told)"
    )
    assert page.evaluate("[calls.length, calls[1][0].code, log]") == [2, "load_failed", ["stopped", "paused"]]
    assert page.locator("#mine").is_visible()


# The page that Moodle's plugins put around a quiz (§1.8): it proctors, and the quiz in its frame asks for that and for the end.
AROUND = """<iframe id="quiz" width="900" height="600"></iframe><script>
window.log = [];
var quiz = document.getElementById('quiz');
quiz.src = '%(first)s';
window.addEventListener('message', function (message) {
  if (message.data.type === 'startProview') {
    log.push('start');
    var args = message.data.args || [];
    %(bootstrap)s
    tv('init', args[0], { profileId: args[1], session: args[2], session_type: args[3], additionalInstruction: args[4], referenceLinks: args[5], clear: false,
      skipHardwareTest: false, previewStyle: 'position: fixed; bottom: 0px;', initCallback: function (err, id) {
        log.push(err ? 'error ' + err.code : 'started');
        window.ProviewStatus = 'start';
        quiz.contentWindow.postMessage({ type: 'startedProview', args: [err ? String(err) : err, id] }, '*');
      } });
  }
  if (message.data.type === 'stopProview') {
    log.push('stop');
    if (window.ProviewStatus === 'start') ProctorClient3.stop(function () {
      window.ProviewStatus = 'stop';
      quiz.contentWindow.postMessage({ type: 'stoppedProview', url: message.data.url }, '*');
      location.href = message.data.url;
    });
    else location.href = message.data.url;
  }
});
</script>"""
FIRST = """<script>window.addEventListener('message', function (message) {
  if (message.data.type === 'startedProview') { document.title = message.data.args[1]; if (!message.data.args[0]) location.href = '/quiz/2' } });
parent.postMessage({ type: 'startProview', args: [%s] }, '*');</script>"""
LAST = """<button onclick="parent.postMessage({type: 'stopProview', url: '/quiz/review'}, '*')">Submit all and finish</button>"""


def test_a_page_around_the_exam_starts_and_stops_by_messages(proview: Service, site: Site, page: Page) -> None:
    args = json.dumps([TOKEN, "17", "5-17-1", "ai_proctor", "<p>Be honest.</p>", json.dumps([{"caption": "Rules", "url": "https://exam.example.edu/rules"}])])[1:-1]  # fmt: skip
    site.page("/quiz/1", FIRST % args.replace("</", "<\\/"))
    site.page("/quiz/2", '<a href="/quiz/3">Next</a>')
    site.page("/quiz/3", LAST)
    site.page("/quiz/review", "<p>Thank you</p>")
    page.goto(site.page("/quiz/frame", AROUND % {"first": "/quiz/1", "bootstrap": bootstrap(LOADER)}))
    page.get_by_role("button", name="Agree and continue").wait_for()
    assert page.get_by_text("Be honest.").is_visible()
    begin(page)
    quiz = page.frame_locator("#quiz")
    quiz.get_by_role("link", name="Next").click()
    quiz.get_by_role("button", name="Submit all and finish").wait_for()
    assert page.evaluate("[log, ProctorClient3.state]") == [["start", "started"], "running"]
    row = proview.row("5-17-1")
    quiz.get_by_role("button", name="Submit all and finish").click()
    page.wait_for_url("**/quiz/review")
    eventually(page, lambda: proview.row("5-17-1").state == "stopped", "stopped")
    finished = proview.finished(row.uuid)
    # The quiz's pages changed in the frame; the recording is one piece.
    assert [one["outcome"] for one in finished["ledger"]].count("recorded") == 1


def test_the_same_attempt_continues_after_its_page_was_closed(proview: Service, site: Site, page: Page) -> None:
    """§1.4: the same (profile, session) again resumes; nothing fails."""
    options = "{session: '6-17-1', profileId: '17', skipHardwareTest: true, initCallback: told}"
    url = site.page("/continue", snippet(options))
    page.goto(url)
    begin(page, check=False)
    first = page.evaluate("calls[0][1]")
    page.goto("about:blank")
    page.goto(url)
    state_is(page, "running")
    assert page.evaluate("calls[0][1]") == first
    assert proview.row("6-17-1").uuid == first
