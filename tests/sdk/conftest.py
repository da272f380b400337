"""A real Chromium with fake devices, and the fake service."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import av
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.chromium import CHROMIUM, FAKE_DEVICES, FLAGS

from .fake_service import FakeService

TAG = 'data-proview-role="page" data-proview-start="auto" data-proview-cover="1"'
TAG_PAGE = 'data-proview-role="page" data-proview-start="page" data-proview-cover="0"'


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as running:
        yield running


def launch(driver: Playwright, *flags: str) -> Browser:
    return driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Fake camera and microphone; permissions are granted per context."""
    browser = launch(playwright, FAKE_DEVICES)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def chromium_with_screen(playwright: Playwright) -> Iterator[Browser]:
    """Accepts every prompt and has a synthetic screen, too."""
    browser = launch(playwright, FAKE_DEVICES, "--use-fake-ui-for-media-stream")
    yield browser
    browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    fresh = chromium.new_context(permissions=["camera", "microphone"])
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def eventually(condition: Callable[[], object], what: str, *, page: Page | None = None, within: float = 15) -> None:
    """Waits until ``condition()`` is truthy; lets the page's events through meanwhile."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        if page is None:
            time.sleep(0.03)
        else:
            page.wait_for_timeout(30)


def agree(page: Page) -> None:
    page.get_by_role("button", name="Agree and continue").click()


def start(page: Page) -> None:
    """Through consent and check, as a candidate does."""
    agree(page)
    page.get_by_role("button", name="Start", exact=True).click()
    is_running(page)


def is_running(page: Page) -> None:
    """Needs no eval in the page, which its CSP may forbid."""
    eventually(
        lambda: page.evaluate("window.ProctorClient3 ? ProctorClient3.state : ''") == "running", "running", page=page
    )


def reported(service: FakeService, name: str) -> list[dict[str, Any]]:
    """The data of all events of this name that reached the service, oldest first."""
    return [event["data"] for _, event in sorted(service.session.events.items()) if event["name"] == name]


def is_reported(service: FakeService, page: Page, *names: str) -> None:
    eventually(lambda: set(names) <= set(service.session.event_names()), " and ".join(names), page=page)


def pieces_reach(service: FakeService, page: Page, count: int, *, track: str = "camera") -> None:
    eventually(
        lambda: service.sessions and sum(key[0] == track for key in service.session.pieces) >= count,
        f"{count} pieces",
        page=page,
    )


def stop(page: Page) -> None:
    page.evaluate("new Promise((resolve) => ProctorClient3.stop(resolve))")


def assert_contiguous(service: FakeService, track: str = "camera") -> None:
    session = service.session
    assert session.conflicts == []
    for run in session.runs(track):
        seqs = session.seqs(run, track)
        assert seqs == list(range(len(seqs))), f"run {run}"


def decode(data: bytes) -> tuple[int, float, int]:
    """Frames, seconds of video, packets of audio of one run; raises on damage."""
    with av.open(io.BytesIO(data), mode="r") as container:
        frames, last = 0, 0.0
        for frame in container.decode(video=0):
            frames += 1
            last = frame.time or last
    audio = 0
    with av.open(io.BytesIO(data), mode="r") as container:
        if container.streams.audio:
            audio = len([packet for packet in container.demux(audio=0) if packet.size])
    return frames, last, audio
