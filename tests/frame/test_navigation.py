"""Where links, forms and scripts of a page lead, and what the address bar and the history make of it: as without us."""

from __future__ import annotations

import pytest

from .conftest import Window

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_deep_link_with_query_and_fragment(window: Window) -> None:
    window.seat("/exam/7/two?x=1&y=%C3%A9#part")
    window.shows("/exam/7/two?x=1&y=%C3%A9#part")
    assert window.facts()["query"] == "x=1&y=%C3%A9"


def test_links_post_redirect_and_history(window: Window) -> None:
    window.seat()
    length = window.page.evaluate("history.length")
    window.exam.click("#send")
    window.at("two")
    window.shows("/exam/7/two?saved=1")
    window.exam.click("#next")
    window.at("three")
    window.shows("/exam/7/three")
    assert window.page.evaluate("history.length") == length + 2
    window.page.go_back()
    window.at("two")
    window.shows("/exam/7/two?saved=1")
    window.page.go_back()
    window.at("one")
    window.shows("/exam/7/one")
    window.page.go_forward()
    window.at("two")
    assert window.page.evaluate("history.length") == length + 2


def test_history_of_a_fresh_tab_has_no_entry_of_ours(window: Window) -> None:
    window.seat()
    assert window.page.evaluate("history.length") == 2  # about:blank, the page


def test_reload_stays_on_the_page_and_keeps_the_history(window: Window) -> None:
    window.seat()
    window.exam.click("#next")
    window.at("two")
    window.page.reload()
    if window.site.framed:
        window.running()
    window.at("two")
    window.shows("/exam/7/two")
    length = window.page.evaluate("history.length")
    window.page.go_back()
    window.at("one")
    window.shows("/exam/7/one")
    window.page.go_forward()
    window.at("two")
    assert window.page.evaluate("history.length") == length


def test_leaving_and_coming_back(window: Window) -> None:
    window.seat()
    window.exam.click("#next")
    window.at("two")
    window.page.goto(window.site.url + "/help")
    window.page.go_back()
    if window.site.framed:
        window.running()
    window.at("two")
    window.shows("/exam/7/two")
    window.page.go_back()
    window.at("one")


def test_scroll_position_is_restored(window: Window) -> None:
    window.seat()
    window.exam.evaluate("scrollTo(0, 900)")
    window.page.wait_for_timeout(100)
    window.exam.evaluate("document.getElementById('next').click()")
    window.at("two")
    window.page.go_back()
    window.at("one")
    window.until(lambda: window.exam.evaluate("scrollY") == 900, "scrolled as before")


def test_fragment_pushstate_and_replacestate_show_in_the_address_bar(window: Window) -> None:
    window.seat()
    window.exam.evaluate("location.hash = 'end'")
    window.shows("/exam/7/one#end")
    window.exam.evaluate("history.pushState({n: 1}, '', 'one?spa=1')")
    window.shows("/exam/7/one?spa=1")
    window.exam.evaluate("history.replaceState({n: 2}, '', 'one?spa=2')")
    window.shows("/exam/7/one?spa=2")
    window.exam.evaluate("addEventListener('popstate', (e) => { window.popped = JSON.stringify(e.state) })")
    window.page.go_back()
    window.shows("/exam/7/one#end")
    window.until(lambda: window.exam.evaluate("window.popped") == "null", "popstate in the page")
    window.page.go_forward()
    window.until(lambda: window.exam.evaluate("window.popped") == '{"n":2}', "state of the page")


@pytest.mark.parametrize("name", ["refresh", "header-refresh"])
def test_refresh_by_meta_and_by_header(window: Window, name: str) -> None:
    window.seat()
    window.go(name)
    window.at("two")
    window.shows("/exam/7/two")


def test_location_replace_leaves_no_entry(window: Window) -> None:
    window.seat()
    length = window.page.evaluate("history.length")
    window.exam.evaluate("location.replace('two')")
    window.at("two")
    window.shows("/exam/7/two")
    assert window.page.evaluate("history.length") == length


TO_THE_TOP = {
    "link to _top": "document.getElementById('top').click()",
    "link to _parent": "document.getElementById('parent').click()",
    "top.location": "top.location = 'two'",
    "top.location.href": "window.top.location.href = 'two'",
    "top.location.assign": "top.location.assign('two')",
    "parent.location": "parent.location.href = 'two'",
    "window.open to _top": "open('two', '_top')",
    "button with formtarget": "document.getElementById('sendtop').click()",
    "form.submit() to _top": "(() => { const f = document.getElementById('f'); f.target = '_top'; HTMLFormElement.prototype.submit.call(f) })()",
    "new link to _top": "(() => { const a = document.body.appendChild(document.createElement('a')); a.href = 'two'; a.target = '_top'; a.click() })()",
}


@pytest.mark.parametrize("way", TO_THE_TOP)
def test_what_wants_the_top_gets_the_page(window: Window, way: str) -> None:
    window.seat()
    window.page.evaluate("window.mine = 1")
    length = window.page.evaluate("history.length")
    window.exam.evaluate(TO_THE_TOP[way])
    window.at("two")
    assert window.address().startswith("/exam/7/two")
    assert window.page.evaluate("history.length") == length + 1
    if window.site.framed:
        assert window.page.evaluate("[window.mine, ProctorClient3.state]") == [1, "running"]


def test_multipart_form_with_a_file_posted_to_the_top_by_script(window: Window) -> None:
    window.seat()
    window.exam.set_input_files("#g [type=file]", {"name": "p.txt", "mimeType": "text/plain", "buffer": b"paper\nline"})
    window.exam.evaluate("HTMLFormElement.prototype.submit.call(document.getElementById('g'))")
    window.at("echo")
    facts = window.facts()
    assert (facts["method"], facts["form"]) == ("POST", {"answer": "two-line", "paper": "paper\nline"})


def test_base_target_top(window: Window) -> None:
    window.seat("/exam/7/base-top")
    window.exam.click("#next")
    window.at("two")
    window.page.go_back()
    window.at("base-top")
    window.exam.click("#send")
    window.at("three")
    if window.site.framed:
        assert window.page.evaluate("ProctorClient3.state") == "running"


@pytest.mark.parametrize("script", ["parent.location.reload()", "top.location.reload()", "location.reload()"])
def test_reload_by_script_reloads_the_page(window: Window, script: str) -> None:
    window.seat()
    window.exam.evaluate("window.old = 1")
    window.exam.evaluate(script)
    window.until(lambda: window.exam.evaluate("!window.old && document.readyState === 'complete'"), "loaded again")
    window.at("one")


def test_downloads_and_no_content_leave_the_page(window: Window) -> None:
    window.seat()
    window.exam.evaluate("window.here = 1")
    with window.page.expect_download() as attached:
        window.exam.click("#attached")
    assert attached.value.suggested_filename == "a.csv"
    for script in (
        "const a = document.createElement('a'); a.download = 'b.txt'; a.href = URL.createObjectURL(new Blob(['b'])); a.click()",
        "const a = document.createElement('a'); a.download = 'b.txt'; a.href = 'data:text/plain,b'; a.click()",
        "const a = document.createElement('a'); a.download = 'b.txt'; a.href = '/help'; a.target = '_top'; a.click()",
    ):
        with window.page.expect_download() as made:
            window.exam.evaluate(f"(() => {{ {script} }})()")
        assert made.value.suggested_filename == "b.txt"
    window.exam.evaluate("document.getElementById('nothing').click()")
    window.page.wait_for_timeout(200)
    assert window.exam.evaluate("window.here") == 1
    window.shows("/exam/7/one")


@pytest.mark.parametrize("status", ["404", "500", "503"])
def test_error_pages_are_shown_and_left_again(window: Window, status: str) -> None:
    window.seat()
    window.go(f"status-{status}")
    window.shows(f"/exam/7/status-{status}")
    window.exam.click("#next")
    window.at("two")
    if window.site.framed:
        assert window.page.evaluate("ProctorClient3.state") == "running"


@pytest.mark.parametrize(
    "name", ["buster", "buster-replace", "buster-frames", "buster-parent", "buster-late", "buster-owasp", "buster-html"]
)
def test_frame_busting_page_is_shown(window: Window, name: str) -> None:
    window.seat()
    window.page.evaluate("window.mine = 1")
    window.go(name)
    window.at(name)
    window.until(lambda: window.exam.locator("h1").is_visible(), "visible")
    window.page.wait_for_timeout(700)
    window.at(name)
    assert window.exam.locator("h1").is_visible()
    window.shows(f"/exam/7/{name}")
    if window.site.framed:
        assert window.page.evaluate("[window.mine, ProctorClient3.state]") == [1, "running"]
    window.page.go_back()
    window.at("one")


def test_page_that_cannot_be_held_gets_the_window_and_records_itself(framed: Window) -> None:
    before = len(framed.site.sessions())
    framed.seat("/exam/held/one")
    framed.go("buster-empty")
    framed.until(lambda: framed.frame is None, "no frame")
    framed.running()
    assert framed.page.locator("h1").is_visible()
    framed.shows("/exam/held/buster-empty")
    assert len(framed.site.sessions()) == before + 1, "the session goes on"
    framed.until(lambda: "Page Opened Outside The Frame" in framed.site.events(), "the event")
    framed.page.goto(framed.site.url + "/exam/held/two")
    framed.running()
    assert framed.frame is not None


def test_pages_that_send_each_other_to_the_top_do_not_loop(framed: Window) -> None:
    framed.seat("/exam/circle/one")
    framed.exam.evaluate("sessionStorage.circle = '1'")
    framed.page.context.add_init_script(
        "if (sessionStorage.circle && location.pathname.endsWith('/three') && top !== self) top.location.href = 'two?n=' + Math.random();"
        "if (sessionStorage.circle && location.pathname.endsWith('/two') && top !== self) top.location.href = 'three?n=' + Math.random()"
    )
    framed.go("two")
    framed.until(lambda: framed.frame is None, "no frame")
    framed.running()
