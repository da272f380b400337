"""reference §1.3, §1.4 and §1.13: every option in every spelling, what is ignored, what is refused and how."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .classic import TOKEN, Service, Site, begin, bootstrap, eventually, snippet, state_is, stop
from .test_connector import QUIZ

pytestmark = pytest.mark.browser

SPELLINGS = [
    # session, profile, type and title in all their spellings; numbers as ids; what wrappers send along.
    ("session: 'o-1', profileId: 'p-0.1234', session_type: 'ai_proctor', sessionTitle: 'Algebra'", ("o-1", "p-0.1234", "ai_proctor", "Algebra")),
    ("sessionId: 'o-2', session: 'o-2', sessionType: 'ai_proctor', profileId: 42", ("o-2", "42", "ai_proctor", None)),
    ("sessionId: 'o-3', language: null, referenceLinks: undefined, event_external_id: 'event-7'", ("o-3", "", "ai_proctor", None)),
    ("session: 40.78, clear: false, flash: false, internalTesting: true, debug: {}, url: 'x', version: '7', testMode: 1, blacklistedSoftwaresMac: 'a,b', isScreenProtectionEnabled: true, minimizeOption: true, enforceTSB: false, isIDRequired: false", ("40.78", "", "ai_proctor", None)),
]  # fmt: skip


def test_every_spelling_starts_the_session_it_names_and_unknown_options_do_nothing(
    proview: Service, site: Site, page: Page
) -> None:
    for number, (options, (session, profile, session_type, title)) in enumerate(SPELLINGS):
        page.goto(
            site.page(f"/spelling-{number}", snippet(f"{{{options}, skipHardwareTest: true, initCallback: told}}"))
        )
        page.get_by_role("button", name="Agree and continue").wait_for()
        row = proview.row(session)
        assert (row.profile_id, row.session_type, row.title) == (profile, session_type, title)
        stop(page)
        assert page.evaluate("calls[0][0].code") == "stopped"
    assert proview.row("o-3").options["event_external_id"] == "event-7"


BIG = "'x'.repeat(10 * 1024 * 1024)"
# Arguments of tv('init', …) → code and paths. Nothing may come of any.
REFUSED: list[tuple[str, str, list[str]]] = [
    ("'t', 'text'", "", []),
    ("'t', [1]", "options_invalid", ["options"]),
    ("{}, {session: 'bad'}", "options_invalid", ["token"]),
    (f"{BIG}, {{session: 'bad'}}", "options_invalid", ["token"]),
    ("'', {session: 'bad'}", "token_missing", []),
    ("undefined, {session: 'bad'}", "token_missing", []),
    ("'no-such-account', {session: 'bad'}", "account_unknown", []),
    (f"'{TOKEN}', {{}}", "validation", ["session"]),
    (f"'{TOKEN}', undefined", "validation", ["session"]),
    (f"'{TOKEN}', {{session: ''}}", "validation", ["session"]),
    (f"'{TOKEN}', {{session: 'bad\\u0000id'}}", "validation", ["session"]),
    ("'t', {session: {}}", "options_invalid", ["session"]),
    ("'t', {session: NaN}", "options_invalid", ["session"]),
    ("'t', {session: 'bad', profileId: []}", "options_invalid", ["profileId"]),
    ("'t', {session: 'bad', profileId: true}", "options_invalid", ["profileId"]),
    ("'t', {session: 'x'.repeat(257)}", "options_invalid", ["session"]),
    (f"'t', {{session: 'bad', sessionTitle: {BIG}}}", "options_invalid", ["sessionTitle"]),
    (f"'t', {{session: 'bad', additionalInstruction: {BIG}}}", "options_invalid", ["additionalInstruction"]),
    ("'t', {session: 'bad', session_type: 'noproctor'}", "options_invalid", ["session_type"]),
    ("'t', {session: 'bad', sessionType: 5}", "options_invalid", ["sessionType"]),
    ("'t', {session: 'bad', initCallback: 'told'}", "", []),
    ("'t', {session: 'bad', networkDisconnectionCallback: {}}", "options_invalid", ["networkDisconnectionCallback"]),
    ("'t', {session: 'bad', screen: 'perhaps', clear: {}, isIDRequired: [], skipHardwareTest: 2, enforceTSB: 'x'}", "options_invalid", ["clear", "enforceTSB", "isIDRequired", "screen", "skipHardwareTest"]),
    ("'t', {session: 'bad', previewStyle: 7, language: {}}", "options_invalid", ["language", "previewStyle"]),
    ("'t', {session: 'bad', referenceLinks: '{bad'}", "options_invalid", ["referenceLinks"]),
    ("'t', {session: 'bad', additionalInstruction: 5n}", "options_invalid", ["additionalInstruction"]),
    ("'t', {session: 'bad', event_external_id: Symbol('x')}", "options_invalid", ["event_external_id"]),
    (f"'{TOKEN}', {{session: 'bad', enforceTSB: true}}", "secure_browser_required", []),
]  # fmt: skip


def test_every_wrong_option_is_named_and_nothing_is_stored(proview: Service, site: Site, page: Page) -> None:
    url = site.page("/refused", f"<script>{bootstrap()}</script>")
    before = len(proview.rows("bad"))
    page.goto(url)
    state_is(page, "idle")
    for arguments, code, paths in REFUSED:
        # The browser tells the page what is wrong; where the callback itself is wrong, only the console.
        told: dict[str, Any] | None = page.evaluate(
            f"""() => new Promise((resolve) => {{
                const list = [{arguments}];
                const told = (error, uuid) => resolve({{code: error.code, isError: error instanceof Error, text: String(error), uuid,
                  paths: error.validationErrors.map((one) => one.path).sort()}});
                if (typeof (list[1] ??= {{}}) === 'object') list[1].initCallback ??= told;
                tv('init', ...list);
                if (list[1].initCallback !== told) resolve(null);
            }})"""
        )
        if not code:
            assert told is None
            continue
        assert told is not None
        assert (told["code"], told["paths"]) == (code, paths), arguments[:80]
        assert told["isError"] and told["uuid"] is None
        assert told["text"].startswith("ProviewError: ") and len(told["text"]) < 2000
        if code != "secure_browser_required":
            assert page.get_by_role("dialog").count() == 0, "the page is never left covered, or blank"
        assert page.locator("#mine").inner_text() == "content"
    assert len(proview.rows("bad")) == before == 0
    assert page.evaluate("ProctorClient3.state") == "stopped"


def test_the_secure_browser_is_demanded_and_let_through(proview: Service, site: Site, chromium: Browser) -> None:
    """reference §1.16: a page's wish, looked for in the user agent; the card says what to do."""
    options = "{session: 'tsb-1', enforceTSB: true, skipHardwareTest: true, initCallback: told, language: 'de'}"
    url = site.page("/tsb", snippet(options))
    plain = chromium.new_context(permissions=["camera", "microphone"])
    try:
        page = plain.new_page()
        page.goto(url)
        page.get_by_role("heading", name="Diese Prüfung braucht den Prüfungsbrowser").wait_for()
        assert page.evaluate("[calls.length, calls[0][0].code, ProctorClient3.state]") == [
            1,
            "secure_browser_required",
            "idle",
        ]
        assert proview.rows("tsb-1") == []
    finally:
        plain.close()
    secure = chromium.new_context(
        permissions=["camera", "microphone"], user_agent="Mozilla/5.0 Chrome/120 Proview-SB/1.0"
    )
    try:
        page = secure.new_page()
        page.goto(url)
        page.get_by_role("button", name="Zustimmen").click()
        state_is(page, "running")
        assert proview.row("tsb-1").user_agent.endswith("Proview-SB/1.0")
    finally:
        secure.close()


INSTRUCTIONS = """<h2>Before you begin</h2><p onclick="window.hacked = 1">Read <strong>all</strong> questions.</p><ul><li>No phone</li><li>No <em>notes</em></li></ul>
<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"><svg onload="window.hacked = 1"></svg><a href="javascript:window.hacked = 1">a link</a>
<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe><style>* { display: none }</style><p style="position:fixed;inset:0">Good luck</p>"""


def test_instructions_and_links_are_shown_without_what_could_harm(site: Site, page: Page) -> None:
    links = [
        {"caption": "Rules", "url": "https://exam.example.edu/rules"},
        {"caption": "<b>bad</b>", "url": "javascript:window.hacked = 1"},
        {"caption": "<img src=x onerror='window.hacked = 1'>", "url": "https://exam.example.edu/odd"},
    ]
    options = (
        f"{{session: 'text-1', sessionTitle: '<img src=x onerror=\"window.hacked = 1\">Algebra', additionalInstruction: {json.dumps(INSTRUCTIONS)}.replaceAll('~', ''),"
        f" referenceLinks: {json.dumps(json.dumps(links))}, initCallback: told}}"
    ).replace("</", "<\\/")
    page.goto(site.page("/text", snippet(options)))
    page.get_by_role("button", name="Agree and continue").wait_for()
    text = page.locator("#proview_root .text")
    assert text.locator("h3").all_inner_texts() == ["Before you begin"]
    assert text.locator("p").all_inner_texts() == ["Read all questions.", "a link", "Good luck"]
    assert text.locator("li").all_inner_texts() == ["No phone", "No notes"]
    assert text.locator("b, i").all_inner_texts() == ["all", "notes"]
    assert text.evaluate("(box) => [...box.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())") == []
    assert page.locator("#proview_root a").evaluate_all("(all) => all.map((one) => [one.textContent, one.href])") == [
        ["Rules", "https://exam.example.edu/rules"],
        ["<img src=x onerror='window.hacked = 1'>", "https://exam.example.edu/odd"],
    ]
    assert page.get_by_text('<img src=x onerror="window.hacked = 1">Algebra').is_visible()
    assert page.evaluate("window.hacked") is None
    stop(page)


def test_what_the_lms_said_of_a_quiz_is_shown_where_the_page_says_nothing(
    proview: Service, site: Site, page: Page
) -> None:
    """§1.13: configuration that is the service's, not an option."""
    quiz = QUIZ | {"quiz_id": 71, "proctoring_type": "ai", "candidate_instructions": "<p>No <b>books</b>.</p><script>window.hacked = 1</script>"}  # fmt: skip
    proview.call("/quiz", quiz)
    page.goto(site.page("/lms", snippet("{session: '71-42-1', profileId: '42', initCallback: told}")))
    page.get_by_role("button", name="Agree and continue").wait_for()
    assert page.locator("#proview_root .text").inner_html() == "<p>No <b>books</b>.</p>"
    assert page.get_by_role("link", name="Rules").get_attribute("href") == "https://moodle.example.edu/rules"
    assert page.get_by_text("Mid-term").is_visible()
    stop(page)
    own = (
        "{session: '71-42-2', profileId: '42', additionalInstruction: 'Mine', referenceLinks: '[]', initCallback: told}"
    )
    page.goto(site.page("/own", snippet(own)))
    page.get_by_role("button", name="Agree and continue").wait_for()
    assert page.locator("#proview_root .text").inner_text() == "Mine"
    assert page.evaluate("window.hacked") is None
    stop(page)


def test_skip_hardware_test_clear_and_language_do_what_they_say(proview: Service, site: Site, page: Page) -> None:
    def visit(number: int, options: str) -> None:
        page.goto(site.page(f"/flags-{number}", snippet(f"{{session: 'flags-1', {options}, initCallback: told}}")))

    visit(1, "skipHardwareTest: true, language: 'fr'")
    page.get_by_role("button", name="Accepter et continuer").click()
    state_is(page, "running")
    assert page.evaluate("calls.length") == 1
    # The next page of the same sitting asks nothing …
    visit(2, "skipHardwareTest: true")
    state_is(page, "running")
    # … unless it says that nothing of before is to count; what was recorded stays.
    visit(3, "clear: true")
    begin(page)
    row = proview.row("flags-1")
    stop(page)
    names = [event["name"] for event in proview.details(row.uuid)["events"]]
    assert (names.count("Consent Given"), names.count("Camera Test Passed")) == (2, 1)


# Everything that the documentation and the clients send, and what somebody could send who wants to cover the page.
STYLES: list[tuple[str, dict[str, str]]] = [
    ("'position: fixed; bottom: 0px;'", {"position": "fixed", "bottom": "0px"}),
    ("'position: fixed; bottom: 0px; left: 0px'", {"left": "0px", "bottom": "0px"}),
    ("\"{position: 'fixed', top: '10px', left: '20px', zIndex: 9}\"", {"top": "10px", "left": "20px"}),
    ("{position: 'fixed', top: 10, left: 20}", {"top": "10px", "left": "20px"}),
    ("'inset: 0; width: 100vw; height: 100vh; background: #fff; z-index: 99999; padding: 900px; border: 900px solid; outline: 9999px solid; box-shadow: 0 0 0 9999px #fff; transform: scale(99); min-width: 100vw'", {}),
    ("'position: fixed; background: url(https://partner.example.org/seen); behavior: url(x); width: expression(alert(1))'", {}),
    ("'x'.repeat(10 * 1024 * 1024)", {}),
    ("'position: fixed } * { display: none } .x {'", {}),
]  # fmt: skip


def test_preview_styles_of_the_documentation_apply_and_hostile_ones_do_no_harm(site: Site, page: Page) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for number, (style, expected) in enumerate(STYLES):
        options = f"{{session: 'style-1', skipHardwareTest: true, previewStyle: {style}, initCallback: told}}"
        page.goto(site.page(f"/style-{number}", snippet(options)))
        if number == 0:
            begin(page, check=False)
        state_is(page, "running")
        box = page.locator("#proview_root .preview")
        box.wait_for()
        computed: dict[str, str] = box.evaluate(
            "(box, names) => Object.fromEntries(names.map((name) => [name, getComputedStyle(box)[name]]))",
            list(expected),
        )
        assert computed == expected, style[:80]
        size: dict[str, float] = box.evaluate(
            "(box) => { const r = box.getBoundingClientRect(); return {width: r.width, height: r.height} }"
        )
        assert 0 < size["width"] <= 482 and 0 < size["height"] <= 362, style[:80]
        clip = box.evaluate("(box) => getComputedStyle(box).clipPath")
        assert clip.startswith("inset(-24px"), "shadows end beside the box"
        assert page.evaluate("document.elementFromPoint(30, 30) !== document.getElementById('proview_root')")
    assert not any("/seen" in url for url in requested)
    assert page.locator("#mine").is_visible()


def test_screen_is_captured_where_the_page_or_the_type_asks_for_it(
    proview: Service, site: Site, chromium_with_screen: Browser
) -> None:
    """§1.3 ``screen``, §1.4: the three types, and the five values of initCallback."""
    context = chromium_with_screen.new_context()
    try:
        page = context.new_page()
        options = "{session: 'screen-1', session_type: 'ai_proctor', screen: true, skipHardwareTest: true, initCallback: told}"
        page.goto(site.page("/screen", snippet(options)))
        page.get_by_role("button", name="Agree and continue").click()
        page.get_by_role("button", name="Share screen and start").click()
        state_is(page, "running")
        row = proview.row("screen-1")
        assert page.evaluate("calls") == [[None, row.uuid, True, True, True]]
        since = page.evaluate("performance.now()")
        eventually(page, lambda: page.evaluate("performance.now()") > since + 1500, "a second and a half")
        stop(page)
        finished = proview.finished(row.uuid, "screen")
        assert {one["track"] for one in finished["recordings"]} == {"camera", "screen"}
    finally:
        context.close()
