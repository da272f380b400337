"""Refused, missing, forbidden: a clear message, an error code, a way to try again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Playwright

from .conftest import TAG, TAG_PAGE, agree, eventually, launch, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

CALL = "tv('init', 't', {session: 'a', initCallback: (e, id) => { (window.calls ??= []).push(e ? [e.code, e instanceof Error, e.message] : id) }})"


def init(service: FakeService, page: Page, headers: dict[str, str] | None = None) -> None:
    service.page("/exam", tag=TAG_PAGE, headers=headers)
    page.goto(service.url + "/exam")
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate(CALL)
    agree(page)


def test_refused_camera_is_explained_and_reported(service: FakeService, chromium: Browser) -> None:
    with chromium.new_context(permissions=["microphone"]) as context:
        page = context.new_page()
        init(service, page)
        page.get_by_role("heading", name="Camera or microphone is blocked").wait_for()
        assert "allow camera, then try again" in page.get_by_role("alert").inner_text()
        page.wait_for_function("calls.length === 1")
        code, is_error, message = page.evaluate("calls[0]")
        assert (code, is_error) == ("device_refused", True) and message
        eventually(lambda: "Camera Test Failed" in service.session.event_names(), "event", page=page)


def test_refused_camera_keeps_an_automatic_page_covered_until_it_is_allowed(
    service: FakeService, chromium: Browser
) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        service.page("/exam", tag=TAG)
        page.goto(service.url + "/exam")
        agree(page)
        page.get_by_role("heading", name="Camera or microphone is blocked").wait_for()
        assert page.get_by_role("dialog").is_visible()
        context.grant_permissions(["camera", "microphone"])
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Start", exact=True).click()
        pieces_reach(service, page, 2)


def test_missing_camera_is_named(service: FakeService, playwright: Playwright) -> None:
    browser = launch(playwright, "--use-fake-device-for-media-stream=device-count=0")
    try:
        page = browser.new_context(permissions=["camera", "microphone"]).new_page()
        init(service, page)
        page.get_by_text("was found").first.wait_for()
        assert "camera" in page.locator("#title").inner_text()
        page.wait_for_function("calls.length === 1")
        assert page.evaluate("calls[0][0]") == "device_missing"
    finally:
        browser.close()


@pytest.mark.parametrize(("feature", "device"), [("camera", "camera"), ("microphone", "microphone")])
def test_permissions_policy_of_the_site_is_told_from_a_refusal(
    service: FakeService, page: Page, feature: str, device: str
) -> None:
    init(service, page, {"Permissions-Policy": f"{feature}=()"})
    page.get_by_role("heading", name=f"This site does not allow the {device}").wait_for()
    page.wait_for_function("calls.length === 1")
    assert page.evaluate("calls[0][0]") == "device_policy"


def test_declined_consent_records_nothing_and_can_be_changed(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    page.get_by_role("button", name="I do not agree").click()
    page.get_by_role("heading", name="You did not agree").wait_for()
    page.get_by_role("button", name="Back").click()
    start(page)
    pieces_reach(service, page, 1)


def test_revoked_permission_ends_the_run_and_the_camera_comes_back(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 3)
    page.context.clear_permissions()
    page.get_by_text("was disconnected").wait_for()
    page.context.grant_permissions(["camera", "microphone"])
    page.get_by_text("are back").wait_for(timeout=15_000)
    eventually(lambda: len(service.session.runs()) == 2, "second run", page=page)
    stop(page)
    names = service.session.event_names()
    assert ("Camera Lost" in names or "Microphone Lost" in names) and "Device Restored" in names


def test_pause_really_stops_the_capture_and_resume_starts_a_new_run(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.add_init_script(
        "const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); window.streams = [];"
        "navigator.mediaDevices.getUserMedia = async (c) => { const s = await open(c); streams.push(s); return s; }"
    )
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 3)
    page.evaluate("new Promise((resolve) => ProctorClient3.Pause(resolve))")
    assert service.session.state == "paused"
    assert page.evaluate("streams.every((s) => s.getTracks().every((t) => t.readyState === 'ended'))")
    assert page.evaluate("ProctorClient3.state") == "paused"
    count = len(service.session.pieces)
    page.wait_for_timeout(700)
    assert len(service.session.pieces) == count
    page.evaluate("new Promise((resolve) => ProctorClient3.resume(resolve))")
    eventually(lambda: len(service.session.runs()) == 2, "second run", page=page)
    assert service.session.state == "running"
    assert [piece.last for key, piece in sorted(service.session.pieces.items()) if key[1] == service.session.runs()[0]][
        -1
    ]
    stop(page)
    names = service.session.event_names()
    assert names.index("Session Paused") < names.index("Session Resumed")


def test_screen_is_asked_for_in_a_click_and_becomes_its_own_track(
    service: FakeService, chromium_with_screen: Browser
) -> None:
    service.policy["tracks"] = ["camera", "screen"]
    with chromium_with_screen.new_context() as context:
        page = context.new_page()
        service.page("/exam", tag=TAG)
        page.goto(service.url + "/exam")
        agree(page)
        page.get_by_role("button", name="Continue", exact=True).click()
        page.get_by_role("button", name="Share screen and start").click()
        pieces_reach(service, page, 3, track="screen")
        pieces_reach(service, page, 3)
        stop(page)
        (run,) = service.session.runs("screen")
        assert service.session.seqs(run, "screen") == list(range(len(service.session.seqs(run, "screen"))))


def test_screen_share_that_ended_is_asked_for_again(service: FakeService, chromium_with_screen: Browser) -> None:
    service.policy["tracks"] = ["camera", "screen"]
    with chromium_with_screen.new_context() as context:
        page = context.new_page()
        page.add_init_script(
            "const open = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);"
            "navigator.mediaDevices.getDisplayMedia = async (c) => { const s = await open(c); window.shared = s.getVideoTracks()[0]; return s; }"
        )
        service.page("/exam", tag=TAG)
        page.goto(service.url + "/exam")
        agree(page)
        page.get_by_role("button", name="Continue", exact=True).click()
        page.get_by_role("button", name="Share screen and start").click()
        pieces_reach(service, page, 2, track="screen")
        page.evaluate("shared.stop(); shared.dispatchEvent(new Event('ended'))")
        page.get_by_role("button", name="Share again").click()
        eventually(lambda: len(service.session.runs("screen")) == 2, "second run of the screen", page=page)
        eventually(lambda: "Screen-capture Stopped" in service.session.event_names(), "event", page=page)
