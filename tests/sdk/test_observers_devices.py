"""Cameras, microphones, permissions and the shared screen, while the session runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from .conftest import TAG, agree, eventually, is_reported, is_running, pieces_reach, reported, start
from .fake_service import FakeService

pytestmark = pytest.mark.browser

# The microphone is one whose loudness the test can turn; everything behind getUserMedia is the browser's.
OWN_MICROPHONE = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  const context = new AudioContext();
  const tone = new OscillatorNode(context);
  window.loudness = new GainNode(context, {gain: 0});
  const end = context.createMediaStreamDestination();
  tone.connect(loudness).connect(end);
  tone.start();
  stream.getAudioTracks().forEach((track) => { stream.removeTrack(track); track.stop(); });
  stream.addTrack(end.stream.getAudioTracks()[0]);
  window.stream = stream;
  return stream;
};
"""


def opened(service: FakeService, page: Page, script: str = "") -> None:
    if script:
        page.add_init_script(script)
    service.page("/exam", '<a href="/exam">again</a>', tag=TAG)
    page.goto(service.url + "/exam")
    start(page)


def test_a_microphone_that_falls_silent_and_is_heard_again(service: FakeService, page: Page) -> None:
    service.policy["silence_ms"] = 2500
    opened(service, page, OWN_MICROPHONE)
    is_reported(service, page, "Microphone Silent")
    assert reported(service, "Microphone Silent") == [{"after_ms": 2500}]
    page.evaluate("loudness.gain.value = 0.3")
    is_reported(service, page, "Microphone Heard Again")
    (heard,) = reported(service, "Microphone Heard Again")
    assert heard["silent_ms"] >= 2500
    # A track that delivers nothing by itself is another matter. Headless Chromium mutes none: event and value are ours.
    page.evaluate(
        """() => { for (const track of stream.getTracks()) {
        Object.defineProperty(track, 'muted', {value: true, configurable: true}); track.dispatchEvent(new Event('mute'));
        Object.defineProperty(track, 'muted', {value: false, configurable: true}); track.dispatchEvent(new Event('unmute')); } }"""
    )
    is_reported(service, page, "Camera Muted", "Camera Unmuted", "Microphone Muted", "Microphone Unmuted")


def test_the_beeps_of_a_microphone_are_no_silence(service: FakeService, page: Page) -> None:
    service.policy["silence_ms"] = 1500
    opened(service, page)
    pieces_reach(service, page, 14)
    assert "Microphone Silent" not in service.session.event_names()


def test_a_camera_named_like_a_program_is_suspected_once(service: FakeService, page: Page) -> None:
    # The fake camera's name cannot be chosen: the getter is replaced.
    script = "Object.defineProperty(MediaStreamTrack.prototype, 'label', {get() { return 'OBS Virtual Camera'; }})"
    opened(service, page, script)
    is_reported(service, page, "Virtual Camera Suspected")
    page.get_by_role("link", name="again").click()
    is_running(page)
    eventually(lambda: len(reported(service, "Page Loaded")) == 2, "second page", page=page)
    assert reported(service, "Virtual Camera Suspected") == [{"product": "OBS", "label": "OBS Virtual Camera"}]


def test_a_withdrawn_permission_is_told_from_a_lost_device(service: FakeService, page: Page) -> None:
    opened(service, page)
    pieces_reach(service, page, 2)
    page.context.clear_permissions()
    is_reported(service, page, "Permission Revoked")
    page.context.grant_permissions(["camera", "microphone"])
    eventually(lambda: len(reported(service, "Permission Granted Again")) == 2, "granted again", page=page)
    assert {data["device"] for data in reported(service, "Permission Revoked")} == {"camera", "microphone"}


def test_devices_that_come_and_go_are_told_by_kind_and_mark(service: FakeService, page: Page) -> None:
    opened(service, page)
    # The number of fake devices is fixed; the list is replaced, and the browser's event is dispatched.
    page.evaluate(
        """async () => { const { mediaDevices } = navigator; const real = await mediaDevices.enumerateDevices();
        const phone = {kind: 'videoinput', deviceId: '0123456789abcdef', groupId: '', label: "Anna's iVCam"};
        window.list = [...real, phone]; mediaDevices.enumerateDevices = async () => window.list;
        mediaDevices.dispatchEvent(new Event('devicechange')); await new Promise((done) => setTimeout(done, 200));
        window.list = real; mediaDevices.dispatchEvent(new Event('devicechange')); }"""
    )
    is_reported(service, page, "Device Connected", "Device Removed")
    phone = [{"kind": "videoinput", "mark": "01234567", "virtual": "iVCam"}]
    assert reported(service, "Device Connected") == reported(service, "Device Removed") == phone
    assert "Anna" not in str(service.session.events)


def test_the_story_of_a_shared_screen_is_told(service: FakeService, chromium_with_screen: Browser) -> None:
    service.policy["tracks"] = ["camera", "screen"]
    with chromium_with_screen.new_context() as context:
        page = context.new_page()
        # A synthetic screen is always the whole one, and nobody is there to refuse or to end it.
        page.add_init_script(
            """const open = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices); window.refuse = 0;
            MediaStreamTrack.prototype.getSettings = function () { return {displaySurface: window.surface ?? 'monitor'}; };
            navigator.mediaDevices.getDisplayMedia = async (c) => {
              if (window.refuse-- > 0) throw new DOMException('', 'NotAllowedError');
              const s = await open(c); window.shared = s.getVideoTracks()[0]; return s; }"""
        )
        service.page("/exam", tag=TAG)
        page.goto(service.url + "/exam")
        agree(page)
        page.get_by_role("button", name="Continue", exact=True).click()
        page.evaluate("refuse = 1")
        page.get_by_role("button", name="Share screen and start").click()
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Share screen and start").click()
        is_running(page)
        page.evaluate("refuse = 1; surface = 'window'; shared.stop(); shared.dispatchEvent(new Event('ended'))")
        page.get_by_role("button", name="Share again").click()
        eventually(lambda: len(reported(service, "Screen Share Refused")) == 2, "refused", page=page)
        page.get_by_role("button", name="Share again").click()
        eventually(lambda: len(reported(service, "Screen-capture Started")) == 2, "shared again", page=page)
        names = [name for name in service.session.event_names() if name.startswith(("Screen", "Shared"))]
        assert names == [
            "Screen Share Asked For",
            "Screen Share Refused",
            "Screen-capture Started",
            "Screen-capture Stopped",
            "Screen Share Asked For",
            "Screen Share Refused",
            "Shared Surface Is Not A Monitor",
            "Screen-capture Started",
        ]
        refused = [{"code": "screen_refused"}, {"again": True, "code": "screen_refused"}]
        assert reported(service, "Screen Share Refused") == refused
