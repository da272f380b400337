"""Photos, a microphone that has to be heard, and the wait for a proctor: asked once, kept through outages and reloads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from flask_proview.recordings.jpeg import jpeg_size

from .conftest import TAG, TAG_PAGE, agree, eventually, is_running, pieces_reach, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

SILENT = (
    "const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
    "navigator.mediaDevices.getUserMedia = async (c) => { const s = await open(c);"
    " s.getAudioTracks().forEach((t) => { t.enabled = false; }); return s; }"
)


def asks(service: FakeService, *checks: str) -> None:
    service.policy["checks"] = {name: name in checks for name in ("id", "face", "audio", "approval")}


@pytest.fixture
def wide(chromium_with_screen: Browser) -> Iterator[BrowserContext]:
    fresh = chromium_with_screen.new_context(permissions=["camera", "microphone"])
    yield fresh
    fresh.close()


def open_exam(service: FakeService, page: Page, tag: str = TAG) -> None:
    service.page("/exam", tag=tag)
    page.goto(service.url + "/exam")


def through_check(page: Page) -> None:
    agree(page)
    page.get_by_role("button", name="Continue", exact=True).click()


def photograph(page: Page, what: str) -> None:
    page.get_by_role("heading", name=f"Take a photo of your {what}").wait_for()
    page.get_by_role("button", name="Take photo").click()
    page.get_by_role("button", name="Use this photo").click()


def test_photos_are_taken_once_and_the_exam_begins(service: FakeService, page: Page) -> None:
    asks(service, "id", "face")
    open_exam(service, page)
    agree(page)
    expect(page.get_by_text("Step 2 of 4")).to_be_visible()
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("heading", name="Take a photo of your ID").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # everything by keyboard: take, take again, take, use
    page.get_by_role("button", name="Take it again").press("Enter")
    page.get_by_role("button", name="Take photo").press("Enter")
    page.get_by_role("button", name="Use this photo").press("Enter")
    assert service.session.pieces == {}
    photograph(page, "face")
    is_running(page)
    eventually(lambda: len(service.session.photos) == 2, "photos", page=page)
    assert [kind for kind, _, _ in service.session.photos] == ["id", "face"]
    for _, body, _ in service.session.photos:
        assert jpeg_size(body)[0] >= 640 and len(body) < 1 << 20
    events = {event["name"]: event for event in service.session.events.values()}
    eventually(lambda: "Face capture" in service.session.event_names(), "event", page=page)
    events = {event["name"]: event for event in service.session.events.values()}
    for name, (_, _, at) in zip(("Photo ID capture", "Face capture"), service.session.photos, strict=True):
        assert events[name]["at"] == at
        assert len(events[name]["data"]["sha256"]) == 64
    # A reload asks nothing again, and goes on recording at the size that the policy says.
    page.reload()
    is_running(page)
    assert len(service.session.photos) == 2
    pieces_reach(service, page, 3)
    stop(page)


def test_photos_are_kept_while_the_service_is_away_and_sent_later(service: FakeService, page: Page) -> None:
    asks(service, "face")
    service.refuse_photo = (503, "busy")
    open_exam(service, page)
    through_check(page)
    photograph(page, "face")
    is_running(page)  # nobody is kept from the exam by an upload
    eventually(lambda: any("photos/face" in path for _, path in service.requests), "a try", page=page)
    page.reload()
    is_running(page)
    assert service.session.photos == []
    service.refuse_photo = None
    eventually(lambda: len(service.session.photos) == 1, "the photo", page=page)
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 1
    stop(page)


def test_a_photo_refused_for_good_is_on_record(service: FakeService, page: Page) -> None:
    asks(service, "face")
    service.refuse_photo = (422, "photo_invalid")
    open_exam(service, page)
    through_check(page)
    photograph(page, "face")
    is_running(page)
    eventually(lambda: "Photo Refused" in service.session.event_names(), "event", page=page)
    stop(page)


def test_a_page_cannot_skip_what_the_policy_asks_but_can_ask_for_nothing_less(service: FakeService, page: Page) -> None:
    asks(service, "id", "audio")
    open_exam(service, page, TAG_PAGE)
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate(
        "tv('init', 't', {session: 'a', skipHardwareTest: true, isIDRequired: false, initCallback: (...all) => { window.called = all }})"
    )
    agree(page)
    page.get_by_role("heading", name="Check your camera and microphone").wait_for()
    page.get_by_role("button", name="Continue", exact=True).click()  # opens when the fake microphone beeps
    assert page.evaluate("window.called") is None
    photograph(page, "ID")
    page.wait_for_function("window.called")
    assert page.evaluate("window.called.slice(0, 2)") == [None, service.session.uuid]
    eventually(lambda: "Audio Test Passed" in service.session.event_names(), "event", page=page)
    stop(page)


def test_silence_has_a_way_around_that_is_written_down(service: FakeService, page: Page) -> None:
    asks(service, "audio")
    page.clock.install()
    page.add_init_script(SILENT)
    open_exam(service, page)
    agree(page)
    onward = page.get_by_role("button", name="Continue", exact=True)
    expect(onward).to_be_disabled()
    page.clock.run_for(14_000)
    expect(page.get_by_role("button", name="Continue without sound")).to_have_count(0)
    page.clock.run_for(2_000)
    page.get_by_text("We still cannot hear you").wait_for()
    page.get_by_role("button", name="Continue without sound").click()
    page.clock.resume()
    is_running(page)
    eventually(lambda: "Audio Test Skipped" in service.session.event_names(), "event", page=page)
    assert "Audio Test Passed" not in service.session.event_names()


@pytest.mark.parametrize("socket", [True, False], ids=["socket", "polls"])
def test_a_candidate_waits_is_rejected_tries_again_and_is_let_in(service: FakeService, wide: BrowserContext, socket: bool) -> None:  # fmt: skip
    page = wide.new_page()
    asks(service, "face", "approval")
    service.policy["live"] = "always"
    service.no_socket_url = not socket
    service.somebody = False
    open_exam(service, page, TAG_PAGE)
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate("tv('init', 't', {session: 'a', initCallback: (...all) => (window.calls ??= []).push(all)})")
    through_check(page)
    photograph(page, "face")
    page.get_by_role("heading", name="Waiting for your proctor").wait_for()
    page.get_by_text("No proctor is here at the moment").wait_for()
    pieces_reach(service, page, 2)  # what happens while they wait is recorded, and shown live
    eventually(lambda: any(len(offer["tracks"]) == 2 for offer in service.session.offers), "live", page=page)
    assert page.evaluate("window.calls") is None and page.get_by_role("dialog").is_visible()
    service.somebody = True
    service.decide(service.session, "rejected", "Turn the light on.")
    page.get_by_text("Turn the light on.").wait_for()
    page.reload()  # the word stands, and nothing but the light has to change
    page.wait_for_function("window.tv && window.tv.proview")
    page.evaluate("tv('init', 't', {session: 'a', initCallback: (...all) => (window.calls ??= []).push(all)})")
    page.get_by_text("Turn the light on.").wait_for()
    page.get_by_role("button", name="Try again").click()
    photograph(page, "face")
    page.get_by_text("You are in the queue").wait_for()
    assert service.session.approval == "waiting" and len(service.session.photos) == 2
    service.decide(service.session, "approved")
    page.wait_for_function("window.calls", timeout=5_000)
    assert page.evaluate("window.calls.map((call) => call.slice(0, 2))") == [[None, service.session.uuid]]
    assert page.get_by_role("dialog").count() == 0
    stop(page)


def test_whoever_is_terminated_while_waiting_does_not_get_in(service: FakeService, page: Page) -> None:
    asks(service, "approval")
    open_exam(service, page)
    through_check(page)
    page.get_by_role("heading", name="Waiting for your proctor").wait_for()
    service.session.state = "terminated"
    service.say(service.session, {"type": "state", "state": "terminated", "reason": "proctor"})
    page.get_by_role("heading", name="You cannot begin yet").wait_for()
    assert page.get_by_role("dialog").is_visible()
    service.decide(service.session, "approved")
    page.wait_for_timeout(300)
    assert page.get_by_role("dialog").is_visible()


def test_an_outage_while_waiting_is_explained_and_over_by_itself(service: FakeService, page: Page) -> None:
    asks(service, "face", "approval")
    service.refuse_photo = (507, "storage_full")
    open_exam(service, page)
    through_check(page)
    photograph(page, "face")
    page.get_by_text("No connection to the proctor").wait_for()
    assert service.session.approval is None
    service.refuse_photo = None
    page.get_by_text("You are in the queue").wait_for()
    service.decide(service.session, "approved")
    is_running(page)
    stop(page)
