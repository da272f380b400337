"""Events on their way: through outages, reloads and a browser that dies, each arrives once and in order."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Playwright

from tests.chromium import CHROMIUM, FAKE_DEVICES, FLAGS

from .conftest import TAG, eventually, is_running, pieces_reach, reported, start
from .fake_service import FakeService

pytestmark = pytest.mark.browser

FIELD = "<input id=answer value=abcdefghijklmnopqrstuvwxyz>"


def opened(service: FakeService, page: Page) -> None:
    service.page("/exam", FIELD, tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)


def copy(page: Page, lengths: range) -> None:
    """Each act can be told from the others by its length."""
    for length in lengths:
        page.locator("#answer").evaluate("(field, end) => { field.focus(); field.setSelectionRange(0, end); }", length)
        page.keyboard.press("Control+C")


def copied(service: FakeService) -> list[int]:
    return [data["characters"] for data in reported(service, "Text Copied")]


def arrived_once_in_order(service: FakeService) -> bool:
    # A dict keeps the order of arrival; numbers are those of the browser.
    return list(service.session.events) == sorted(service.session.events)


def test_what_happened_offline_arrives_after_the_return_once_and_in_order(service: FakeService, page: Page) -> None:
    opened(service, page)
    page.context.set_offline(True)
    copy(page, range(1, 8))
    page.get_by_text("No connection. Go on").wait_for(timeout=15_000)
    copy(page, range(8, 12))
    assert copied(service) == []
    page.context.set_offline(False)
    eventually(lambda: len(copied(service)) == 11, "what happened offline", page=page, within=30)
    assert copied(service) == list(range(1, 12))
    assert arrived_once_in_order(service)


def test_pages_that_are_reloaded_before_anything_was_acknowledged_lose_nothing(
    service: FakeService, page: Page
) -> None:
    opened(service, page)
    service.holding_events = True
    for first in (1, 5, 9):
        copy(page, range(first, first + 4))
        page.reload()
        is_running(page)
    assert copied(service) == []
    service.holding_events = False
    eventually(lambda: len(copied(service)) == 12, "of all three pages", page=page, within=30)
    assert copied(service) == list(range(1, 13))
    numbers = list(service.session.events)
    assert len(numbers) == len(set(numbers))


def open_profile(driver: Playwright, profile: Path) -> BrowserContext:
    return driver.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=[*FLAGS, FAKE_DEVICES], permissions=["camera", "microphone"]
    )


def kill(context: BrowserContext, profile: Path) -> None:
    """The browser's main process, found by the folder that only it has."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = process.read_bytes().split(b"\0")
            if b"--user-data-dir=" + bytes(profile) in words and not any(w.startswith(b"--type=") for w in words):
                os.kill(int(process.parent.name), signal.SIGKILL)
    with suppress(Error):
        context.close()


def test_a_browser_that_dies_hands_in_its_events_when_it_comes_back(
    service: FakeService, playwright: Playwright, tmp_path: Path
) -> None:
    context = open_profile(playwright, tmp_path)
    page = context.new_page()
    opened(service, page)
    service.holding_events = True
    copy(page, range(1, 5))
    page.wait_for_timeout(500)  # written to the browser's disk by then
    kill(context, tmp_path)
    service.holding_events = False
    old = service.session
    before = dict(old.events)
    # Days later: the session is over, and so is its session token. What is left is handed in with the drain token.
    old.state = "expired"
    old.token_epoch += 1
    service.identity = ("exam-2", "student-1")
    context = open_profile(playwright, tmp_path)
    page = context.new_page()
    page.goto(service.url + "/exam")
    eventually(lambda: len(old.events) >= len(before) + 4, "left-over events", page=page, within=30)
    names = [
        event["data"].get("characters") for _, event in sorted(old.events.items()) if event["event_type_id"] == 10004
    ]
    assert names == [1, 2, 3, 4]
    assert old.duplicates == 0
    context.close()


def test_when_the_service_takes_no_more_events_the_recording_goes_on(service: FakeService, page: Page) -> None:
    opened(service, page)
    service.holding_events = True
    copy(page, range(1, 4))
    service.say(service.session, {"type": "error", "code": "event_quota", "message": "full"})
    page.wait_for_timeout(300)
    service.holding_events = False
    pieces_reach(service, page, len(service.session.pieces) + 5)
    page.evaluate("new Promise((resolve) => { ProctorClient3.on(10010, resolve); ProctorClient3.pause(); })")
    assert copied(service) == []
    assert "Session Paused" not in service.session.event_names()
