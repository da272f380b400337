"""reference §1.6: ``ProctorClient3``. Callbacks fire once, whatever the state; pausing really pauses; nodes may be deleted."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from .classic import TOKEN, Service, Site, agree, begin, bootstrap, eventually, snippet, state_is, stop

pytestmark = pytest.mark.browser

# Keeps every stream that the page opened, and lets the next one come late.
STREAMS = """window.streams = []; window.late = 0;
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => { const ms = late; late = 0; window.asking = true; if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
  const stream = await open(asked); streams.push(stream); return stream };"""
LIVE_TRACKS = "streams.flatMap((stream) => stream.getTracks()).filter((track) => track.readyState === 'live').length"


@pytest.fixture
def page(context: BrowserContext) -> Page:
    context.add_init_script(STREAMS)
    return context.new_page()


def start(site: Site, page: Page, session: str, options: str = "") -> None:
    page.goto(site.page(f"/{session}", snippet(f"{{session: '{session}', {options} skipHardwareTest: true, initCallback: told}}")))  # fmt: skip
    begin(page, check=False)


def passed(page: Page, ms: int) -> None:
    """Recording time, not a wait for something to happen."""
    since = page.evaluate("performance.now()")
    eventually(page, lambda: page.evaluate("performance.now()") > since + ms, f"{ms} ms")


def test_every_method_answers_once_where_there_is_no_session(proview: Service, site: Site, page: Page) -> None:
    page.goto(site.page("/none", f"<script>{bootstrap()}</script>"))
    state_is(page, "idle")
    page.evaluate(
        """() => { window.log = [];
        for (const name of ['stop', 'stop', 'pause', 'Pause', 'resume']) ProctorClient3[name]((...args) => log.push(name + args.length));
        ProctorClient3.stop(); ProctorClient3.stop(5); ProctorClient3.pause({}); ProctorClient3.stop(() => { throw new Error('mine') });
        ProctorClient3.on(); ProctorClient3.on(3); ProctorClient3.on(3, 'x'); ProctorClient3.off(); ProctorClient3.off(Symbol('x'), {}) }"""
    )
    page.wait_for_function("log.length === 5")
    # A stop before init is no stop of what comes.
    page.evaluate("(token) => tv('init', token, {session: 'after-stop', skipHardwareTest: true})", TOKEN)
    begin(page, check=False)
    assert page.evaluate("log") == ["stop0", "stop0", "pause0", "Pause0", "resume0"]
    page.evaluate("for (const n of [1, 2, 3]) ProctorClient3.stop((...args) => log.push('end' + args.length))")
    page.wait_for_function("log.length === 8")
    page.evaluate("new Promise((resolve) => ProctorClient3.stop(resolve))")
    assert page.evaluate("[log.slice(5), ProctorClient3.state]") == [["end0"] * 3, "stopped"]
    assert page.evaluate(LIVE_TRACKS) == 0
    assert proview.row("after-stop").state == "stopped"


def test_stopped_during_the_checks_nothing_stays_open_and_no_card_comes_back(
    proview: Service, site: Site, page: Page
) -> None:
    # At the consent card …
    page.goto(site.page("/checks", snippet("{session: 'checks-1', initCallback: told}")))
    page.get_by_role("button", name="Agree and continue").wait_for()
    stop(page)
    assert page.evaluate("[calls.length, calls[0][0].code]") == [1, "stopped"]
    assert page.get_by_role("dialog").count() == 0
    # … while the browser asks for the devices, which are then given …
    page.goto(site.page("/checks-2", snippet("{session: 'checks-2', initCallback: told}")))
    page.evaluate("late = 1500")
    agree(page)
    page.wait_for_function("window.asking")
    stop(page)
    page.wait_for_function("streams.length === 1")
    passed(page, 300)
    assert page.evaluate(LIVE_TRACKS) == 0
    assert page.get_by_role("dialog").count() == 0
    # … and at the device check. The page may go on to another sitting.
    page.evaluate("(token) => tv('init', token, {session: 'checks-3', initCallback: told})", TOKEN)
    agree(page)
    page.get_by_role("button", name="Start", exact=True).wait_for()
    stop(page)
    assert page.evaluate("[calls.length, calls[1][0].code]") == [2, "stopped"]
    assert page.evaluate(LIVE_TRACKS) == 0
    assert page.get_by_role("dialog").count() == 0
    assert {proview.row(f"checks-{n}").state for n in (1, 2, 3)} == {"stopped"}


def test_init_while_the_last_session_is_being_stopped_begins_after_it(proview: Service, site: Site, page: Page) -> None:
    """React's strict mode mounts, unmounts and mounts again."""
    start(site, page, "strict-1")
    page.evaluate(
        "(token) => { ProctorClient3.stop(); tv('init', token, {session: 'strict-1', skipHardwareTest: true, initCallback: told}) }",
        TOKEN,
    )
    page.wait_for_function(
        "calls.length === 2 || document.querySelector('#proview_root').shadowRoot.querySelector('dialog[open] button')"
    )
    if page.evaluate("calls.length") == 1:
        agree(page)
    state_is(page, "running")
    first, second = proview.rows("strict-1")
    assert (first.state, second.continues) == ("stopped", first.uuid)
    assert page.evaluate("calls.map((call) => call[1])") == [first.uuid, second.uuid]


def test_pause_switches_the_camera_off_and_is_on_the_ledger_and_the_timeline(
    proview: Service, site: Site, page: Page
) -> None:
    start(site, page, "pause-1")
    passed(page, 1200)
    page.evaluate("new Promise((resolve) => ProctorClient3.Pause(resolve))")
    assert page.evaluate("ProctorClient3.state") == "paused"
    assert page.evaluate(LIVE_TRACKS) == 0
    assert page.get_by_text("The recording is paused.").is_visible()
    assert page.locator("#proview_root .preview").count() == 0
    eventually(page, lambda: proview.row("pause-1").state == "paused", "paused at the service")
    passed(page, 1500)
    page.evaluate("new Promise((resolve) => ProctorClient3.resume(resolve))")
    assert page.evaluate(f"[ProctorClient3.state, {LIVE_TRACKS}]") == ["running", 2]
    assert page.get_by_text("The recording is paused.").count() == 0
    eventually(page, lambda: proview.row("pause-1").state == "running", "running at the service")
    passed(page, 1200)
    stop(page)
    finished = proview.finished(proview.row("pause-1").uuid)
    paused = [one for one in finished["ledger"] if one["cause"] == "paused"]
    assert len(paused) == 1 and 800 < paused[0]["to_ms"] - paused[0]["from_ms"] < 10_000
    assert [one["outcome"] for one in finished["ledger"] if one["cause"] != "setup"][:3] == [
        "recorded",
        "gap",
        "recorded",
    ]
    names = [event["name"] for event in finished["events"]]
    assert names.index("Session Paused") < names.index("Session Resumed")


def test_pause_and_resume_take_effect_in_their_order_and_answer_once(proview: Service, site: Site, page: Page) -> None:
    start(site, page, "order-1")
    page.evaluate(
        """() => { window.log = [];
        for (const name of ['resume', 'pause', 'pause', 'resume', 'resume', 'pause', 'resume', 'pause']) ProctorClient3[name](() => log.push(name)) }"""
    )
    page.wait_for_function("log.length === 8")
    assert page.evaluate("log") == ["resume", "pause", "pause", "resume", "resume", "pause", "resume", "pause"]
    assert page.evaluate(f"[ProctorClient3.state, {LIVE_TRACKS}]") == ["paused", 0]
    # A paused session is stopped like any other.
    stop(page)
    row = proview.row("order-1")
    assert row.state == "stopped"
    names = [event["name"] for event in proview.details(row.uuid)["events"]]
    assert (names.count("Session Paused"), names.count("Session Resumed")) == (3, 2)


def test_pause_during_the_checks_counts_when_they_are_done(site: Site, page: Page) -> None:
    page.goto(
        site.page("/pause-early", snippet("{session: 'pause-early', skipHardwareTest: true, initCallback: told}"))
    )
    page.get_by_role("button", name="Agree and continue").wait_for()
    page.evaluate("window.log = []; ProctorClient3.pause(() => log.push('paused'))")
    page.wait_for_function("log.length === 1")
    agree(page)
    state_is(page, "paused")
    page.wait_for_function("calls.length === 1")
    page.wait_for_function(f"{LIVE_TRACKS} === 0")
    page.evaluate("new Promise((resolve) => ProctorClient3.resume(resolve))")
    assert page.evaluate(f"[ProctorClient3.state, {LIVE_TRACKS}]") == ["running", 2]
    # A camera that does not come back leaves it paused; the callback fires all the same.
    page.evaluate(
        """() => new Promise((resolve) => { ProctorClient3.pause(); navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('x', 'NotReadableError'));
        ProctorClient3.resume(resolve) })"""
    )
    assert page.evaluate("ProctorClient3.state") == "paused"
    stop(page)


def test_handlers_hear_by_number_text_name_or_everything_and_may_fail(site: Site, page: Page) -> None:
    """§1.7 names the events; a handler gets ``{event_type_id, name, at, data}``."""
    start(site, page, "on-1")
    page.evaluate(
        """() => { window.heard = []; const hear = (how) => (event) => heard.push([how, event]);
        window.gone = hear('gone');
        ProctorClient3.on(10010, hear('number')); ProctorClient3.on('10010', hear('text')); ProctorClient3.on('Session Paused', hear('name')); ProctorClient3.on('*', hear('all'));
        ProctorClient3.on(10010, () => { throw new Error('mine') }); ProctorClient3.on(10010, (event) => { event.name = 'changed'; event.data.by = 'changed' });
        ProctorClient3.on(10010, gone); ProctorClient3.off('10010', gone); ProctorClient3.on(10011, gone); ProctorClient3.off(10011);
        addEventListener('proview:session-paused', (event) => heard.push(['dom', event.detail])) }"""
    )
    page.evaluate("new Promise((resolve) => ProctorClient3.pause(() => ProctorClient3.resume(resolve)))")
    heard: list[tuple[str, dict[str, Any]]] = [tuple(one) for one in page.evaluate("heard")]
    paused = {how: event for how, event in heard if event["event_type_id"] == 10010}
    assert set(paused) == {"number", "text", "name", "all", "dom"}
    told = [(event["name"], event["data"], type(event["at"])) for event in paused.values()]
    assert told == [("Session Paused", {"by": "page"}, int)] * len(paused)
    assert [how for how, event in heard if event["event_type_id"] == 10011] == ["all"]
    stop(page)


def test_pages_may_delete_our_nodes_and_keys(proview: Service, site: Site, page: Page) -> None:
    """What clients of Oracle JET and React do instead of stopping; the recording goes on, and what is shown next comes back."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    start(site, page, "nodes-1", "profileId: 'u9',")
    page.evaluate(
        """() => { localStorage.setItem('tv_candidate_proctor', 'u9');
        for (const id of ['proview_root', 'tvp_recorder_container', 'tvp-chat-container', 'screen_capture', '#backdrop_element', 'proctor_container', 'tvp_screen_share_container', 'proctor_flash_container']) {
          const node = document.getElementById(id); if (node) node.parentNode.removeChild(node) }
        localStorage.removeItem('tv_candidate_proctor'); sessionStorage.clear(); document.querySelectorAll('script').forEach((one) => one.remove()) }"""
    )
    passed(page, 1200)
    page.evaluate("new Promise((resolve) => ProctorClient3.pause(resolve))")
    assert page.get_by_text("The recording is paused.").is_visible()
    page.evaluate("document.getElementById('proview_root').remove()")
    page.evaluate("new Promise((resolve) => ProctorClient3.resume(resolve))")
    page.locator("#proview_root .preview").wait_for()
    page.evaluate("document.documentElement.replaceChildren(document.createElement('body'))")
    stop(page)
    row = proview.row("nodes-1")
    assert proview.finished(row.uuid)["recordings"][0]["duration_ms"] > 1000
    assert faults == []
