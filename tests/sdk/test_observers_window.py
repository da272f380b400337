"""The window, its displays, its tabs and its connection. Real changes where headless Chromium has them; otherwise the browser's
own values are replaced at the seam, as each test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.chromium import FAKE_DEVICES

from .conftest import TAG, eventually, is_reported, is_running, launch, reported, start
from .fake_service import FakeService

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium_with_two_displays(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright, FAKE_DEVICES, "--screen-info={1600x1200}{1280x720}")
    yield browser
    browser.close()


def opened(service: FakeService, page: Page, script: str = "") -> None:
    if script:
        page.add_init_script(script)
    service.page("/exam", '<a href="/exam">again</a>', tag=TAG)
    page.goto(service.url + "/exam")
    start(page)


def test_a_second_display_is_reported_once_for_all_pages(
    service: FakeService, chromium_with_two_displays: Browser
) -> None:
    with chromium_with_two_displays.new_context(permissions=["camera", "microphone"], no_viewport=True) as context:
        page = context.new_page()
        opened(service, page)
        is_reported(service, page, "Second Display Detected")
        page.get_by_role("link", name="again").click()
        is_running(page)
        eventually(lambda: len(reported(service, "Page Loaded")) == 2, "second page", page=page)
        # The browser has no way to unplug a display: its answer is replaced.
        page.evaluate("Object.defineProperty(screen, 'isExtended', {value: false})")
        is_reported(service, page, "Second Display Removed")
        assert len(reported(service, "Second Display Detected")) == 1


def test_resizing_moving_and_zooming_the_window_are_told_apart(
    service: FakeService, chromium_with_two_displays: Browser
) -> None:
    with chromium_with_two_displays.new_context(permissions=["camera", "microphone"], no_viewport=True) as context:
        page = context.new_page()
        opened(service, page)
        cdp = context.new_cdp_session(page)
        window = cdp.send("Browser.getWindowForTarget")
        page.wait_for_timeout(2500)  # two looks, so that there is something to compare with
        for bounds, name in (({"width": 900, "height": 700}, "Window Resized"), ({"left": 300}, "Window Moved")):
            cdp.send("Browser.setWindowBounds", {"windowId": window["windowId"], "bounds": bounds})
            is_reported(service, page, name)
        # Headless Chromium has no zoom and no docked tools: their measures are put in place.
        page.evaluate("Object.defineProperty(window, 'innerWidth', {value: innerWidth - 400, configurable: true})")
        is_reported(service, page, "Developer Tools Suspected")
        page.evaluate("Object.defineProperty(window, 'innerWidth', {value: innerWidth + 400, configurable: true})")
        is_reported(service, page, "Developer Tools Gone")
        page.evaluate("Object.defineProperty(window, 'devicePixelRatio', {value: 2})")
        is_reported(service, page, "Page Zoomed")
        (resized,) = reported(service, "Window Resized")
        assert resized["to"] == "900×700"
        assert reported(service, "Developer Tools Suspected") == [{"where": "side", "pixels": 400}]
        assert [data["x"] for data in reported(service, "Window Moved")] == [300]
        assert reported(service, "Page Zoomed") == [{"from": 1, "to": 2}]


def test_full_screen_is_no_resize(service: FakeService, page: Page) -> None:
    opened(service, page)
    page.wait_for_timeout(2500)
    page.evaluate("document.documentElement.requestFullscreen()")
    is_reported(service, page, "Fullscreen Entered")
    page.wait_for_timeout(2500)
    page.evaluate("document.exitFullscreen()")
    is_reported(service, page, "Fullscreen Left")
    page.wait_for_timeout(2500)
    names = service.session.event_names()
    assert names.count("Fullscreen Entered") == names.count("Fullscreen Left") == 1
    assert not {"Window Resized", "Developer Tools Suspected"} & set(names)


def test_the_exam_in_a_second_tab_is_reported_and_going_to_the_next_page_is_not(
    service: FakeService, page: Page
) -> None:
    opened(service, page)
    page.get_by_role("link", name="again").click()
    is_running(page)
    eventually(lambda: len(reported(service, "Page Loaded")) == 2, "second page", page=page)
    assert "Exam Open In Another Tab" not in service.session.event_names()
    second = page.context.new_page()
    second.goto(service.url + "/exam")
    second.get_by_role("button", name="Continue here").click()
    is_running(second)
    is_reported(service, second, "Exam Open In Another Tab", "Session Opened Elsewhere")
    second.reload()
    is_running(second)
    eventually(lambda: len(reported(service, "Page Loaded")) == 4, "second tab again", page=second)
    assert "Exam Open In One Tab" not in service.session.event_names()
    page.close()
    is_reported(service, second, "Exam Open In One Tab")


def test_a_connection_that_the_browser_calls_slow_is_technical(service: FakeService, page: Page) -> None:
    # The emulation of networks has no type of its own; what NetworkInformation says is replaced.
    opened(
        service, page, "Object.defineProperty(navigator, 'connection', {value: {effectiveType: '2g', downlink: 0.1}})"
    )
    is_reported(service, page, "Connection Slow")
    (slow,) = reported(service, "Connection Slow")
    assert (slow["type"], slow["downlink_mbps"]) == ("2g", 0.1)
    assert 0 <= slow["rtt_ms"] < 60_000
    expect(page.get_by_role("dialog")).to_have_count(0)
