"""reference §1.1 and §1.2: the loader snippet and the addresses it is loaded from, unchanged, against ``[compat] hosts``."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Page

from .classic import (
    CDN,
    LOADER,
    OTHER_TOKEN,
    PARTNER_HOST,
    TOKEN,
    Service,
    Site,
    begin,
    bootstrap,
    snippet,
    state_is,
    stop,
)

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (LOADER, "tv"),  # protocol-relative, the default of Moodle's plugin
        (f"https://{CDN}/v5/init.js", "proctor"),  # another name of the command function
        (f"//{CDN}/testing/v7-universal/v3.8/init.js", "tv"),
        (f"https://{CDN}/proview/v7/init.js", "tv"),  # below the mount
        ("https://sdk.tlv.cx", "tv"),  # the whole address of the newer SDK's script
    ],
)
def test_the_snippet_unchanged_records_a_whole_session_from_every_address(
    proview: Service, site: Site, page: Page, address: str, name: str
) -> None:
    session = f"loader-{len(address)}-{name}"
    options = f"{{profileId: 'u1', session: '{session}', session_type: 'ai_proctor', initCallback: told}}"
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(site.page("/take", snippet(options, loader=address, name=name)))
    begin(page)
    uuid = page.evaluate("calls[0][1]")
    page.wait_for_function("performance.now() > window.since + 1500 || !(window.since ??= performance.now())")
    stop(page)
    row = proview.row(session)
    assert (row.uuid, row.state, row.profile_id, row.origin) == (uuid, "stopped", "u1", "https://exam.example.edu")
    assert page.evaluate("window.TalviewProctor") == name
    finished = proview.finished(uuid)
    assert finished["recordings"][0]["duration_ms"] > 800
    assert finished["integrity"]["conflicts"] == 0
    assert all(
        url.startswith(("https://exam.example.edu/", f"https://{CDN}/", "https://sdk.tlv.cx/")) for url in requested
    )
    assert page.locator("#mine").inner_text() == "content"


def test_the_queue_is_drained_whatever_lies_in_it(proview: Service, site: Site, page: Page) -> None:
    """Entries are array-likes; ours is found between what others left there."""
    junk = "tv.q = [null, undefined, 5, 'text', [], {}, ['other', 1], function () {}];"
    body = f"<script>window.calls = []; {bootstrap()} {junk} tv('track', 'x'); tv(); tv('init', 'no-such-account', {{session: 'q', initCallback: function (e) {{ calls.push(e.code) }}}}); tv.q.push(null);</script>"
    page.goto(site.page("/queue", body))
    page.wait_for_function("calls.length === 1")
    assert page.evaluate("calls") == ["account_unknown"]
    assert proview.rows("q") == []


def test_the_stub_of_the_page_stays_and_its_load_time_too(site: Site, page: Page) -> None:
    body = f"<script>window.tv = function () {{ (tv.q = tv.q || []).push(arguments) }}; window.mine = tv; {bootstrap()} window.at = tv.l;</script>"
    page.goto(site.page("/stub", body))
    page.wait_for_function("window.tv !== mine")
    assert page.evaluate("[tv.l === at, typeof at, Array.isArray(tv.q)]") == [True, "number", True]


def test_calls_after_the_loader_has_arrived_are_answered(proview: Service, site: Site, page: Page) -> None:
    page.goto(site.page("/late", f"<script>{bootstrap()}</script>"))
    state_is(page, "idle")
    page.evaluate(
        "(token) => { window.calls = []; tv('init', token, {session: 'late-1', initCallback: (e, id) => calls.push(id)}) }",
        TOKEN,
    )
    begin(page)
    assert page.evaluate("calls") == [proview.row("late-1").uuid]


def test_the_global_is_there_with_the_loader_and_keeps_what_is_called_on_it(
    proview: Service, site: Site, page: Page
) -> None:
    """Bare-name access (``ProctorClient3.stop``), from the script element's own load event on."""
    body = snippet("{session: 'early-1', initCallback: told}") + (
        "<script>window.log = []; document.scripts[0].onload = function () {"
        " window.kept = ProctorClient3; log.push(ProctorClient3.state); ProctorClient3.on(3, function (event) { log.push(event.name) });"
        " ProctorClient3.stop(function () { log.push('stopped ' + arguments.length) }) }</script>"
    )
    page.goto(site.page("/early", body))
    page.wait_for_function("calls.length && log.includes('stopped 0')")
    # In the order in which they were called: init, on, stop.
    assert page.evaluate("calls[0][0].code") == "stopped"
    assert page.evaluate("[log[0], kept === ProctorClient3, ProctorClient3.state]") == ["idle", True, "stopped"]
    assert [row.state for row in proview.rows("early-1")] in ([], ["stopped"])


def test_scripts_executed_twice_or_inserted_again_make_one_session(proview: Service, site: Site, page: Page) -> None:
    """React wrappers and Moodle's plugin insert the script with each mount."""
    body = snippet("{session: 'twice-1', profileId: 'u', initCallback: told}")
    page.goto(site.page("/twice", body + f"<script>{bootstrap()}</script>"))
    begin(page)
    page.evaluate("document.querySelectorAll('script[src]').forEach((one) => one.remove())")
    page.evaluate(bootstrap())
    page.wait_for_function(
        "[...document.scripts].some((one) => one.src) && performance.getEntriesByType('resource').length"
    )
    page.evaluate(
        "(token) => tv('init', token, {session: 'twice-1', profileId: 'u', initCallback: told})",
        TOKEN,
    )
    page.wait_for_function("calls.length === 2")
    row = proview.row("twice-1")
    assert page.evaluate("calls.map((call) => call[1])") == [row.uuid, row.uuid]
    assert page.locator("#proview_root").count() == 1


def test_single_page_sites_go_from_one_exam_to_the_next_without_a_stop(
    proview: Service, site: Site, page: Page
) -> None:
    """Components are unmounted by deleting our nodes, and mounted again for another exam."""
    page.goto(
        site.page("/spa", snippet("{session: 'spa-1', profileId: 'u', skipHardwareTest: true, initCallback: told}"))
    )
    begin(page, check=False)
    page.evaluate(
        """(token) => { for (const id of ['proview_root', 'tvp_recorder_container']) document.getElementById(id)?.remove();
        document.querySelectorAll('script[src]').forEach((one) => one.remove()); localStorage.removeItem('tv_candidate_proctor');
        tv('init', token, {session: 'spa-2', profileId: 'u', skipHardwareTest: true, initCallback: told}) }""",
        TOKEN,
    )
    begin(page, check=False)
    first, second = proview.row("spa-1"), proview.row("spa-2")
    assert first.state == "stopped"
    assert page.evaluate("calls.map((call) => call[1])") == [first.uuid, second.uuid]


def test_wrappers_that_refuse_to_load_beside_the_global_find_none(site: Site, page: Page) -> None:
    """The React wrapper looks for it, loads, and is told all five values by its own callback."""
    wrapper = f"""<script>window.loads = 0; window.calls = [];
    function load() {{ if (typeof window.ProctorClient3 !== 'undefined') return false; loads += 1; {bootstrap()} return true }}
    window.first = load();
    tv('init', '0b1c2d3e-4f50-6g7h-8899-aabbccddeeff', {{debug: true, url: 'x', version: 5, testMode: false, clear: true, screen: false, flash: false,
      skipHardwareTest: true, session: 'rp-1', initCallback: function (e, id, a, v, s) {{ calls.push([e, typeof id, a, v, s]) }}}});</script>"""
    page.goto(site.page("/wrapper", wrapper))
    begin(page, check=False)
    assert page.evaluate("[first, loads, calls]") == [True, 1, [[None, "string", True, True, False]]]
    assert page.evaluate("load()") is False


def test_a_frame_without_an_address_of_its_own_is_recorded(proview: Service, site: Site, page: Page) -> None:
    """``location.origin`` of an ``about:srcdoc`` frame is the text "null"; its requests carry the parent's origin."""
    inner = snippet("{session: 'srcdoc-1', sessionType: 'ai_proctor', skipHardwareTest: true, initCallback: told}")
    text = json.dumps(inner).replace("</", "<\\/")
    outer = f"<iframe id=inner width=900 height=700></iframe><script>document.getElementById('inner').srcdoc = {text}</script>"
    page.goto(site.page("/srcdoc", outer))
    page.wait_for_function("document.getElementById('inner').contentWindow.calls")
    frame = page.frames[1]
    assert frame.evaluate("location.origin") == "null"
    begin(frame, check=False)
    row = proview.row("srcdoc-1")
    assert (row.session_type, row.origin) == ("ai_proctor", "https://exam.example.edu")
    frame.wait_for_function("calls.length === 1")
    assert frame.evaluate("calls[0][1]") == row.uuid


def test_another_listed_site_embeds_the_service_and_an_unlisted_one_is_told(
    proview: Service, site: Site, chromium: Browser
) -> None:
    """Across origins: no cookie of ours is set or sent, requests and socket carry the page's own origin."""
    context = chromium.new_context(permissions=["camera", "microphone"])
    try:
        page = context.new_page()
        options = "{session: 'partner-1', skipHardwareTest: true, initCallback: told}"
        page.goto(site.page("/partner", snippet(options), host=PARTNER_HOST))
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        begin(page, check=False)
        stop(page)
        row = proview.row("partner-1")
        assert (row.state, row.origin) == ("stopped", "https://partner.example.org")
        assert [url.split("/")[2] for url in sockets] == [CDN]
        assert context.cookies() == []
        unlisted = snippet("{session: 'unlisted-1', initCallback: told}", token=OTHER_TOKEN)
        page.goto(site.page("/unlisted", unlisted))
        page.wait_for_function("calls.length === 1")
        assert page.evaluate("[calls[0][0].code, calls[0][0].isError]") == ["origin_refused", True]
        assert proview.rows("unlisted-1") == []
        assert page.locator("#mine").is_visible()
    finally:
        context.close()
