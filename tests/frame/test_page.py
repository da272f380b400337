"""What a page in the frame notices of its window, and the window of the page: as without us."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Dialog

from .conftest import Site, Window

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_title_icons_colour_and_viewport(window: Window) -> None:
    window.seat()
    assert window.page.title() == "7 one"
    window.go("icons")
    window.at("icons")
    window.until(lambda: window.page.title() == "7 icons", "title")
    icon = "[...document.querySelectorAll('link[rel=icon]')].map(l => l.href)"
    assert window.page.evaluate(icon) == [window.site.url + "/icon-a.svg"]
    assert window.page.evaluate("document.querySelector('meta[name=theme-color]').content") == "#123456"
    assert window.page.evaluate("document.querySelector('meta[name=viewport]').content") == "width=600"
    window.exam.evaluate("document.title = '3 minutes left'")
    window.until(lambda: window.page.title() == "3 minutes left", "later title")
    window.exam.evaluate("document.querySelector('link[rel=icon]').href = '/icon-b.svg'")
    window.until(lambda: window.page.evaluate(icon) == [window.site.url + "/icon-b.svg"], "later icon")
    window.go("three")
    window.at("three")
    window.until(lambda: window.page.title() == "7 three", "next title")
    assert window.page.evaluate(icon) == []
    assert window.page.evaluate("document.querySelector('meta[name=viewport]')") is None


def test_frame_is_named_after_the_page_in_its_language(framed: Window) -> None:
    framed.seat()
    framed.until(
        lambda: (
            framed.page.evaluate(
                "[document.getElementById('proview-frame').title, document.getElementById('proview-frame').lang]"
            )
            == ["7 one", "en"]
        ),
        "title and language of the frame",
    )


def test_window_properties(window: Window) -> None:
    window.seat()
    facts = "[parent === window, frameElement, opener, name, closed, document.hasFocus()]"
    assert window.exam.evaluate(facts) == [True, None, None, "", False, True]


def test_referrer_of_the_first_page_is_who_led_there(window: Window) -> None:
    window.page.goto(window.site.url + "/help")
    window.page.click("#next")
    window.seat("/exam/7/two", by="link")
    assert window.facts()["referer"] == window.site.url + "/help"
    assert window.exam.evaluate("document.referrer") == window.site.url + "/help"
    window.shows("/exam/7/two")
    window.exam.click("#next")
    window.at("three")
    assert window.facts()["referer"] == window.site.url + "/exam/7/two"


def test_referrer_of_a_typed_address_is_empty(window: Window) -> None:
    window.seat()
    assert window.facts()["referer"] == ""
    assert window.exam.evaluate("document.referrer") == ""


def test_popup_of_the_site_has_its_opener_and_closes(
    sites: dict[str, Site], window: Window, context: BrowserContext
) -> None:
    window.page.goto(window.site.url + "/opener")
    with context.expect_page() as opened:
        window.page.evaluate("window.open('/exam/7/one', 'exam', 'width=800,height=600')")
    popup = Window(opened.value, window.site).seat(by="popup")
    assert popup.exam.evaluate("[name, !!opener, opener.location.pathname]") == ["exam", True, "/opener"]
    popup.exam.click("#next")
    popup.at("two")
    popup.exam.evaluate("opener.told = 'answered'")
    assert window.page.evaluate("window.told") == "answered"
    with popup.page.expect_event("close"):
        popup.exam.evaluate("void setTimeout(() => window.close())")


def test_new_windows_open_with_their_opener(window: Window, context: BrowserContext) -> None:
    window.seat()
    with context.expect_page() as opened:
        window.exam.evaluate("void (window.child = open('/help', 'help'))")
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("opener.document.querySelector('h1').textContent") == "one"
    with context.expect_page() as blank:
        window.exam.click("#blank")
    blank.value.wait_for_load_state()
    assert blank.value.url == window.site.url + "/exam/7/two"


def test_storage_cookies_and_dialogs(window: Window) -> None:
    window.seat()
    window.exam.evaluate(
        "sessionStorage.a = 1; localStorage.b = 2; document.cookie = 'strict=1; SameSite=Strict; Path=/'"
    )
    said: list[str] = []

    def answer(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.accept("typed")

    window.page.on("dialog", answer)
    assert window.exam.evaluate("[alert('a'), confirm('c'), prompt('p')]") == [None, True, "typed"]
    assert said == ["a", "c", "p"]
    window.exam.click("#next")
    window.at("two")
    assert window.exam.evaluate("[sessionStorage.a, localStorage.b, document.cookie.includes('strict=1')]") == [
        "1",
        "2",
        True,
    ]


def test_unsaved_answers_are_asked_for_when_the_tab_is_closed(window: Window) -> None:
    window.seat("/exam/7/guarded")
    window.exam.fill("#t", "unsaved")
    window.exam.click("#t")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    window.page.on("dialog", stay)
    window.page.close(run_before_unload=True)
    window.until(lambda: asked == ["beforeunload"], "asked")
    assert window.exam.evaluate("document.getElementById('t').value") == "unsaved"


def test_without_unsaved_answers_nothing_is_asked(window: Window) -> None:
    window.seat()
    window.exam.click("h1")
    asked: list[str] = []
    window.page.on("dialog", lambda dialog: asked.append(dialog.type))
    window.page.close(run_before_unload=True)
    window.page.context.new_page().wait_for_timeout(300)
    assert asked == [] and window.page.is_closed()


def test_keyboard_focus_is_in_the_page(window: Window) -> None:
    window.seat("/exam/7/focus")
    window.until(lambda: window.exam.evaluate("document.activeElement.id") == "first", "autofocus")
    window.page.keyboard.type("abc")
    window.page.keyboard.press("Tab")
    window.page.keyboard.type("def")
    values = "[document.getElementById('first').value, document.getElementById('second').value]"
    assert window.exam.evaluate(values) == ["abc", "def"]
    window.exam.evaluate("location.href = 'focus?again'")
    window.until(lambda: window.exam.evaluate("location.search") == "?again", "next page")
    window.until(lambda: window.exam.evaluate("document.activeElement.id") == "first", "autofocus on the next page")
    window.page.keyboard.type("x")
    assert window.exam.evaluate("document.getElementById('first').value") == "x"


def test_full_screen_of_the_page(window: Window) -> None:
    window.seat()
    window.exam.evaluate("document.querySelector('h1').onclick = () => document.documentElement.requestFullscreen()")
    window.exam.click("h1")
    window.until(lambda: window.exam.evaluate("document.fullscreenElement === document.documentElement"), "full screen")


def test_print_key_prints_the_page_and_not_the_window(framed: Window) -> None:
    framed.seat()
    framed.exam.evaluate("void (window.print = () => { window.printed = (window.printed || 0) + 1 })")
    framed.exam.click("h1")
    framed.page.keyboard.press("Control+p")
    assert framed.exam.evaluate("window.printed") == 1


def test_print_command_prints_the_whole_page(window: Window) -> None:
    window.seat()
    pdf = base64.b64decode(
        window.page.context.new_cdp_session(window.page).send("Page.printToPDF", {"printBackground": True})["data"]
    )
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 3, "three thousand pixels are several sheets"


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_nothing_scrolls_but_the_page(framed: Window, tmp_path: Path, width: int) -> None:
    framed.page.set_viewport_size({"width": width, "height": 640})
    framed.seat()
    outer = "[document.documentElement, document.body].map((e) => [e.scrollHeight <= innerHeight, e.scrollWidth <= innerWidth])"
    assert framed.page.evaluate(outer) == [[True, True], [True, True]]
    assert framed.page.evaluate("getComputedStyle(document.documentElement).overflow") == "hidden"
    inner = framed.exam.evaluate("[innerWidth, innerHeight, document.documentElement.scrollHeight > 2000]")
    assert inner == [width, 640, True]
    framed.page.screenshot(path=str(tmp_path / f"shell-{width}.png"))
    assert io.BytesIO((tmp_path / f"shell-{width}.png").read_bytes()).read(4) == b"\x89PNG"


def test_preview_lets_the_eye_through_where_the_candidate_works(framed: Window) -> None:
    framed.seat("/exam/7/focus")
    framed.page.wait_for_function("() => document.getElementById('proview_root')?.shadowRoot.querySelector('.preview')")
    opacity = "getComputedStyle(document.getElementById('proview_root').shadowRoot.querySelector('.preview')).opacity"
    assert framed.page.evaluate(opacity) == "1"
    framed.exam.evaluate(
        "Object.assign(document.getElementById('second').style, {position: 'fixed', right: '40px', bottom: '40px'})"
    )
    framed.exam.focus("#second")
    assert float(framed.page.evaluate(opacity)) < 0.5
    framed.exam.focus("#first")
    assert framed.page.evaluate(opacity) == "1"
    framed.exam.click("#second")
    assert framed.exam.evaluate("document.activeElement.id") == "second", "clicks reach the page"
    framed.page.mouse.move(10, 10)
    assert framed.page.evaluate(opacity) == "1"


def test_frames_of_the_page_itself(window: Window) -> None:
    window.seat("/exam/7/inner-frames")
    window.until(lambda: window.page.frame("own"), "the inner frame")
    own = window.page.frame("own")
    assert own is not None
    window.until(lambda: "7 inner-frames|true" in own.evaluate("document.body.textContent"), "the page is its parent")
    own.click("#next")
    window.until(lambda: own.evaluate("location.pathname") == "/exam/7/child-next", "only the frame goes on")
    window.at("inner-frames")
    window.shows("/exam/7/inner-frames")
    assert window.exam.evaluate("document.getElementById('doc').contentDocument.body.textContent") == "srcdoc"
    if window.site.framed:
        assert window.page.evaluate("ProctorClient3.state") == "running"
        assert window.page.locator("#proview_root").count() == 1
