"""What candidates do in a page is seen where it happens: in the page that records itself, and in the frame of frame mode."""

from __future__ import annotations

import pytest
from playwright.sync_api import CDPSession, Frame, Page

from .conftest import TAG, is_reported, pieces_reach, reported, start
from .fake_service import FakeService
from .test_shell import SHELL

pytestmark = pytest.mark.browser

BODY = """<p id=source draggable=true ondragstart="event.dataTransfer.setData('text/plain', 'a secret answer')">drag me</p>
<textarea id=field>a secret answer</textarea>
<div id=zone style="height:80px" ondragover="event.preventDefault()" ondrop="event.preventDefault()">drop here</div>
<p id=own oncontextmenu="return false">own menu</p>"""
CLEAN = "addEventListener('keydown', (e) => { if (e.key.toLowerCase() === 's') e.preventDefault(); })"


def act(page: Page, where: Page | Frame, cdp: CDPSession) -> None:
    """Everything once, by real input where headless Chromium has it."""
    where.locator("#field").select_text()
    for keys in ("Control+C", "Control+X", "Control+V"):
        page.keyboard.press(keys)
    where.locator("#own").click(button="right")
    where.locator("#field").click(button="right")
    page.keyboard.press("Escape")
    where.locator("#source").drag_to(where.locator("#zone"))
    box = where.locator("#zone").bounding_box()
    assert box is not None
    data = {"items": [{"mimeType": "text/plain", "data": "from elsewhere"}], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        cdp.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 9, "y": box["y"] + 9, "data": data})
    for keys in ("F12", "Control+Shift+I", "Control+U", "Control+S", "PrintScreen", "Shift+A"):
        page.keyboard.press(keys)
    where.evaluate(CLEAN)
    page.keyboard.press("Control+S")
    where.evaluate("window.print()")
    where.evaluate("history.pushState(null, '', '/question/2;jsessionid=0A1B?token=secret#x')")
    where.evaluate("history.replaceState(null, '', '?token=other')")


def is_all_reported(service: FakeService, page: Page) -> None:
    is_reported(service, page, "Page Address Changed", "Print Requested", "Content Dropped From Outside")
    assert reported(service, "Text Copied") == [{"target": "textarea", "characters": 15}]
    assert reported(service, "Text Cut") == [{"target": "textarea", "characters": 15}]
    assert reported(service, "Text Pasted") == [{"target": "textarea", "characters": 15}]
    assert reported(service, "Context Menu Opened") == [{"target": "textarea"}]
    # What a page puts into a drag of its own comes after us; selected text is there from the start.
    assert reported(service, "Drag Started") == [{"target": "p", "characters": 0, "files": 0}]
    assert reported(service, "Content Dropped") == [{"target": "div", "characters": 15, "files": 0}]
    assert reported(service, "Content Dropped From Outside") == [{"target": "div", "characters": 14, "files": 0}]
    actions = [(data["action"], data["prevented"]) for data in reported(service, "Shortcut Pressed")]
    assert actions == [(name, False) for name in ("developer tools", "developer tools", "page source", "save page")]
    assert len(reported(service, "Print Screen Clicked")) == 1
    assert len(reported(service, "Print Requested")) == 1
    assert reported(service, "Page Address Changed") == [{"path": "/question/2"}]
    assert "secret" not in str(service.session.events) and "elsewhere" not in str(service.session.events)


def test_what_is_done_in_a_page_is_reported_without_its_content(service: FakeService, page: Page) -> None:
    service.page("/exam", BODY, tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    act(page, page, page.context.new_cdp_session(page))
    is_all_reported(service, page)
    assert reported(service, "Page Loaded") == [{"path": "/exam"}]


@pytest.mark.parametrize("tag", [TAG, None], ids=["a protected page", "a page without a tag"])
def test_what_is_done_in_the_frame_is_reported_once(service: FakeService, page: Page, tag: str | None) -> None:
    service.pages["/exam"] = (SHELL.replace("{src}", "/q/1"), {})
    service.page("/q/1", '<a href="/q/2">next</a>', tag=TAG)
    service.page("/q/2", BODY, tag=tag)
    page.goto(service.url + "/exam")
    start(page)
    page.frame_locator("#proview-frame").get_by_role("link", name="next").click()
    frame = page.frame(name="proview-frame")
    assert frame is not None
    frame.locator("#zone").wait_for()
    page.wait_for_function("document.title === 'Exam /q/2'")
    if tag:
        frame.wait_for_function("window.tv?.proview")
    act(page, frame, page.context.new_cdp_session(page))
    is_all_reported(service, page)
    assert reported(service, "Page Loaded") == [{"path": "/q/1"}, {"path": "/q/2"}]


def test_a_page_cannot_flood_the_record_nor_invent_acts_of_the_candidate(service: FakeService, page: Page) -> None:
    service.pages["/exam"] = (SHELL.replace("{src}", "/q/1"), {})
    service.page("/q/1", "", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    frame = page.frame(name="proview-frame")
    assert frame is not None
    frame.wait_for_function("window.tv?.proview")
    frame.evaluate(
        """() => { for (let n = 0; n < 150; n += 1) history.replaceState(null, '', '/q/' + n);
        for (const [type, Kind] of [['paste', ClipboardEvent], ['contextmenu', MouseEvent], ['drop', DragEvent]])
          document.body.dispatchEvent(new Kind(type, {bubbles: true}));
        document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'F12', code: 'F12', bubbles: true})); }"""
    )
    before = len(service.session.pieces)
    pieces_reach(service, page, before + 3)
    page.evaluate("new Promise((resolve) => ProctorClient3.stop(resolve))")
    assert len(reported(service, "Page Address Changed")) == 20
    (left_out,) = reported(service, "Events Left Out")
    assert left_out == {"event": "Page Address Changed", "count": 130}
    acts = {"Text Pasted", "Context Menu Opened", "Content Dropped From Outside", "Shortcut Pressed"}
    assert not acts & set(service.session.event_names())
