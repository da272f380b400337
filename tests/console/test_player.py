"""The player in a real browser, on recordings made from real pieces."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from flask_proview.sessions.models import Session
from flask_proview.tokens import Kind

from .conftest import Watched
from .world import World, served

pytestmark = [pytest.mark.browser, pytest.mark.media]

PICTURE = """track => { const v = document.querySelector(`video[data-track=${track}]`);
    const c = document.createElement('canvas'); c.width = 80; c.height = 60; const g = c.getContext('2d');
    g.drawImage(v, 0, 0, 80, 60); return g.getImageData(0, 0, 80, 60).data.join() }"""


@pytest.fixture
def recorded(world: World) -> Session:
    return world.recorded_session()


def open_player(watched: Watched, row: Session) -> Page:
    watched.log_in("rita")
    watched.open(f"/sessions/{row.uuid}")
    wait_ready(watched.page)
    return watched.page


def wait_ready(page: Page | Frame) -> None:
    page.wait_for_selector(".player")
    page.wait_for_function("() => [...document.querySelectorAll('video')].every(v => v.readyState >= 2)")


def position(page: Page | Frame) -> int:
    return int(page.locator(".seek").get_attribute("aria-valuenow") or -1)


def wait_position(page: Page | Frame, low: float, high: float) -> None:
    page.wait_for_function(
        "([low, high]) => { const at = Number(document.querySelector('.seek').ariaValueNow); return at >= low && at <= high }",
        arg=[low, high],
    )


def test_the_picture_moves_while_it_plays_and_stands_when_paused(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    first = page.evaluate(PICTURE, "camera")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime > 1")
    assert page.evaluate(PICTURE, "camera") != first
    page.keyboard.press("Space")
    expect(page.locator(".player")).to_have_attribute("data-playing", "no")
    assert page.evaluate("() => [...document.querySelectorAll('video')].every(v => v.paused)")


def test_camera_and_screen_stay_on_one_clock(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    page.evaluate("() => document.querySelector('.seek').focus()")
    page.keyboard.press("3")
    page.keyboard.press("Space")
    wait_position(page, 7, 20)
    drift = page.evaluate(
        """() => { const at = v => v.currentTime * 1000 + Number(v.dataset.offsetMs);
            const [camera, screen] = ['camera', 'screen'].map(t => document.querySelector(`video[data-track=${t}]`));
            return Math.abs(at(camera) - at(screen)) }"""
    )
    assert drift < 150


def test_the_clock_goes_on_through_a_gap_of_the_camera_and_comes_back(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    page.keyboard.press("5")
    expect(page.locator(".pane[data-track=camera]")).to_have_class("pane missing")
    expect(page.locator(".pane[data-track=camera] .pane-note")).to_have_text("Camera not recorded: network")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime > 12.5")
    wait_position(page, 12, 20)
    expect(page.locator(".pane[data-track=camera]")).to_have_class("pane")


def test_a_click_on_an_event_goes_there(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    page.get_by_role("button", name="Face Not Detected").click()
    wait_position(page, 15, 15)
    assert abs(page.evaluate("() => document.querySelector('video[data-track=camera]').currentTime") - 15) < 0.2
    expect(page.locator(".event[aria-current=true]")).to_contain_text("Face Not Detected")
    page.locator(".marker[data-at='5000']").click()
    wait_position(page, 5, 5)


def test_a_click_on_the_bar_goes_there(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    box = page.locator(".seek").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    wait_position(page, 14, 15)


def test_the_coverage_strip_is_the_ledger(watched: Watched, recorded: Session, world: World) -> None:
    page = open_player(watched, recorded)
    ledger = page.evaluate(f"() => fetch('/proview/v1/playback/{recorded.uuid}').then(r => r.json())")
    length = ledger["session"]["duration_ms"]
    camera = [row for row in ledger["outcomes"] if row["track"] == "camera"]
    parts: list[dict[str, Any]] = page.evaluate(
        """() => [...document.querySelectorAll('.lane[data-track=camera] .part')].map(p => ({ outcome: p.dataset.outcome,
            cause: p.dataset.cause ?? null, left: parseFloat(p.style.left), width: parseFloat(p.style.width), title: p.title }))"""
    )
    assert [(p["outcome"], p["cause"]) for p in parts] == [(row["outcome"], row["cause"]) for row in camera]
    for part, row in zip(parts, camera, strict=True):
        assert part["left"] == pytest.approx(row["from_ms"] / length * 100, abs=0.1)
        assert part["width"] == pytest.approx((row["to_ms"] - row["from_ms"]) / length * 100, abs=0.1)
    gap = next(p for p in parts if p["cause"] == "network")
    assert gap["title"].startswith("Not recorded: network, 0:0")
    expect(page.locator(".legend")).to_contain_text("network")
    assert sum(p["width"] for p in parts) == pytest.approx(100, abs=0.5)


def test_a_stretch_without_any_picture_is_named_and_can_be_skipped(watched: Watched, world: World) -> None:
    row = world.add_session(length_ms=20_000)
    world.add_run(row, "camera", 0, 4)
    world.add_run(row, "camera", 16_000, 4)
    world.add_event(row, 4_000, 10007)
    world.add_event(row, 16_000, 10008)
    world.finalise(row)
    page = open_player(watched, row)
    page.keyboard.press("5")
    gap = page.locator(".gap")
    expect(gap).to_contain_text("Not recorded: network, 1")
    gap.get_by_role("button", name="Skip").click()
    wait_position(page, 15, 16)
    expect(gap).to_be_hidden()


def test_an_exam_that_was_rolled_over_plays_through_its_parts(watched: Watched, world: World) -> None:
    _, second = world.rolled_over_session()
    page = open_player(watched, second)
    assert page.locator(".pane").count() == 1
    assert page.locator(".seek").get_attribute("aria-valuemax") == "20"
    outcomes = page.evaluate("() => [...document.querySelectorAll('.part:not(.swatch)')].map(p => p.dataset.outcome)")
    assert outcomes == ["recorded", "gap", "recorded"], "one ledger: no gap where one took over from the other"
    page.keyboard.press("4")
    page.keyboard.press("Space")
    wait_position(page, 11, 13)
    videos = "() => [...document.querySelectorAll('video')].map(v => [v.dataset.track, v.hidden, v.paused])"
    assert page.evaluate(videos) == [["camera", True, True], ["camera-2", False, False]]
    page.keyboard.press("Space")
    page.keyboard.press("1")
    page.wait_for_function("() => !document.querySelector('video[data-track=camera]').hidden")


def test_the_keyboard_does_everything(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    page.keyboard.press("ArrowRight")
    wait_position(page, 5, 5)
    page.keyboard.press("l")
    wait_position(page, 15, 15)
    page.keyboard.press("j")
    page.keyboard.press("ArrowLeft")
    wait_position(page, 0, 0)
    page.keyboard.press(".")
    page.keyboard.press(".")
    wait_position(page, 5, 5)
    page.keyboard.press(",")
    wait_position(page, 0, 0)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Speed")).to_have_value("1.25")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("m")
    assert page.evaluate("() => document.querySelector('video[data-track=camera]').muted")
    large = page.locator(".pane.large").get_attribute("data-track")
    page.keyboard.press("s")
    assert page.locator(".pane.large").get_attribute("data-track") != large
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement === null")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    page.keyboard.press("9")
    wait_position(page, 18, 18)


def test_speed_is_applied_to_both_pictures(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    page.get_by_label("Speed").select_option("4")
    page.keyboard.press("2")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('video')].every(v => Math.abs(v.playbackRate - 4) < 0.5)"
    )


def test_typing_in_fields_is_not_a_shortcut(watched: Watched, recorded: Session) -> None:
    page = open_player(watched, recorded)
    page.get_by_label("Note").fill("")
    page.get_by_label("Note").press_sequentially("9 f m")
    assert page.get_by_label("Note").input_value() == "9 f m"
    assert position(page) == 0
    page.get_by_label("Filter events").fill("focus")
    expect(page.locator(".event")).to_have_count(2)
    page.get_by_label("Filter events").fill("")
    page.locator(".chip", has_text="Medium").click()
    expect(page.get_by_role("button", name="Window Focus-Out")).to_have_count(0)


def test_a_recording_without_a_screen_plays(watched: Watched, world: World) -> None:
    row = world.add_session(length_ms=4000)
    world.add_run(row, "camera", 0, 4)
    world.finalise(row)
    page = open_player(watched, row)
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.5")
    expect(page.locator(".pane")).to_have_count(1)
    wait_position(page, 4, 6)
    expect(page.locator(".player")).to_have_attribute("data-playing", "no")


def test_a_session_without_recordings_shows_its_events(watched: Watched, world: World) -> None:
    row = world.add_session()
    world.add_event(row, 1000, 5)
    world.finalise(row)
    watched.log_in()
    watched.open(f"/sessions/{row.uuid}")
    expect(watched.page.get_by_text("Nothing was recorded in this session")).to_be_visible()
    expect(watched.page.locator(".event-list").get_by_text("Window Focus-Out")).to_be_visible()


def test_the_player_comes_by_itself_when_the_recording_is_ready(watched: Watched, world: World) -> None:
    row = world.add_session(length_ms=4000)
    world.add_run(row, "camera", 0, 4)
    watched.log_in()
    watched.open(f"/sessions/{row.uuid}")
    # Until then its pieces are what plays.
    watched.page.wait_for_selector("video[src^='blob:']")
    world.finalise(row)
    watched.page.wait_for_selector("video:not([src^='blob:'])[src]")
    wait_ready(watched.page)


def test_a_proctor_is_told_why_there_is_no_recording(watched: Watched, recorded: Session) -> None:
    watched.log_in("pat")
    watched.open(f"/sessions/{recorded.uuid}")
    expect(watched.page.get_by_text("Recordings are shown to reviewers")).to_be_visible()
    answer = watched.page.evaluate(f"() => fetch('/proview/v1/playback/{recorded.uuid}').then(r => r.status)")
    assert answer in (401, 403)
    assert watched.page.evaluate(f"() => fetch('/proview/media/{recorded.uuid}/camera.webm').then(r => r.status)") in (
        401,
        403,
    )


@contextmanager
def host_page(frame_url: list[str]) -> Iterator[str]:
    """A customer's page, on an origin of its own, that frames the player."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<!doctype html><title>LMS</title><iframe src={json.dumps(frame_url[0])} width=1000 height=700 allow='fullscreen'></iframe>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_embedded_player_plays_on_the_accounts_site_and_nowhere_else(
    browser: Browser, tmp_path: Any, template: Any
) -> None:
    frame_url = [""]
    with host_page(frame_url) as lms, host_page(frame_url) as stranger:
        accounts = [{"name": "main", "token": "11111111-2222-4333-8444-555555555555", "domains": [lms]}]
        world = World(tmp_path, template, accounts=accounts, routes=[])
        context = browser.new_context()
        try:
            row = world.recorded_session()
            ticket = world.runtime.signer.issue(Kind.TICKET, {"sid": row.uuid, "account": "main"}, 300)
            with served(world) as url:
                frame_url[0] = f"{url}/proview/embedded/{row.uuid}?token={ticket}"
                watched = Watched(context.new_page(), url)
                page = watched.page
                page.goto(lms)
                frame = page.frame(url=lambda address: "/embedded/" in address)
                assert frame is not None
                wait_ready(frame)
                frame.get_by_role("button", name="Play").click()
                frame.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime > 0.5")
                frame.get_by_role("button", name="Face Not Detected").click()
                wait_position(frame, 15, 20)
                assert frame.locator(".bar").count() == 0
                assert watched.faults == []
                page.goto(stranger)
                page.wait_for_load_state()
                refused = page.frames[-1]
                assert refused.locator("#view").count() == 0
                assert any("frame-ancestors" in fault for fault in watched.faults)
                context.close()
        finally:
            world.close()
