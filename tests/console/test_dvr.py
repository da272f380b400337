"""A running session from its beginning, in a real browser: pixels, growth, the live edge, gaps, other codecs, the end."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flask_proview.sessions.models import Session
from flask_proview.sessions.sittings import join

from .conftest import Watched
from .world import World

pytestmark = [pytest.mark.browser, pytest.mark.media]

# The test picture's square stands at 4 pixels × the number of its frame, of 160: where it is says when it was.
SQUARE = """track => { const v = document.querySelector(`video[data-track=${track}]`);
    if (!v || v.readyState < 2 || v.seeking) return null;
    const c = document.createElement('canvas'); c.width = 160; c.height = 120; const g = c.getContext('2d');
    g.drawImage(v, 0, 0, 160, 120); const row = g.getImageData(0, 50, 160, 1).data; let first = -1;
    for (let x = 0; x < 160 && first < 0; x++) if (row[x * 4] > 180) first = x;
    return [v.currentTime, first] }"""


def position(page: Page) -> int:
    return int(page.locator(".seek").get_attribute("aria-valuenow") or -1)


def length(page: Page) -> int:
    return int(page.locator(".seek").get_attribute("aria-valuemax") or -1)


def shows_its_moment(page: Page, track: str, run_start_s: float = 0.0) -> bool:
    """Whether the picture is the one that was recorded at the element's time."""
    seen: Any = page.evaluate(SQUARE, track)
    if seen is None:
        return False
    frame = (seen[0] - run_start_s) * 15
    return any(abs(int(frame + slack) * 4 % 140 - seen[1]) <= 3 for slack in (-1, 0, 1))


def wait_for_moment(page: Page, track: str, run_start_s: float = 0.0) -> None:
    page.wait_for_function(f"track => ({SQUARE})(track) !== null", arg=track)
    assert shows_its_moment(page, track, run_start_s), page.evaluate(SQUARE, track)


def seek(page: Page, share: float) -> None:
    box = page.locator(".seek").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def running(world: World, **values: Any) -> Session:
    return world.add_session(state="running", length_ms=120_000, ago_ms=0, **values)


def test_a_running_session_is_watched_from_its_start_while_it_grows_and_into_its_recording(
    watched: Watched, world: World
) -> None:
    row = running(world)
    world.add_run(row, "camera", 0, 30)
    world.add_run(row, "screen", 2000, 28)
    page = watched.page
    watched.log_in("rita")  # a reviewer has no live view: the recording so far is what is shown
    watched.open(f"/sessions/{row.uuid}")
    page.wait_for_selector(".player video")
    wait_for_moment(page, "camera")
    assert (position(page), length(page)) == (0, 31)

    seek(page, 15 / 31)
    page.wait_for_function("() => Math.abs(document.querySelector('video[data-track=camera]').currentTime - 15) < 0.6")
    wait_for_moment(page, "camera")
    wait_for_moment(page, "screen", 2.0)
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime > 17")
    assert shows_its_moment(page, "camera") or shows_its_moment(page, "camera")

    world.add_run(row, "camera", 34_000, 10)
    world.add_event(row, 30_000, 10007)
    world.add_event(row, 34_000, 10008)
    page.wait_for_function("() => document.querySelector('.seek').ariaValueMax === '45'")
    expect(page.locator(".lane[data-track=camera] .part[data-cause=network]")).to_have_count(1)
    live = page.get_by_role("button", name="Live")
    live.click()
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime > 40")
    expect(live).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Pause (space)").click()
    wait_for_moment(page, "camera", 34.0)
    page.keyboard.press("0")
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime < 1")
    wait_for_moment(page, "camera")

    world.end(row)
    page.wait_for_function("() => !document.querySelector('video[data-track=camera]').src.startsWith('blob:')")
    assert position(page) == 0
    expect(live).to_be_hidden()


def test_a_sitting_whose_first_part_is_finished_is_watched_across_the_seam_while_the_second_grows(
    watched: Watched, world: World
) -> None:
    first = world.add_session(length_ms=10_400, ago_ms=30_000, end_reason="limit")
    second = running(world, continues=first.uuid, started_at=first.started_at + 10_000)
    with world.runtime.db.write() as db:
        join(db.merge(first), db.merge(second))
    world.add_run(first, "camera", 0, 10.4)
    world.finalise(first)
    world.add_run(second, "camera", 0, 8)
    page = watched.page
    watched.log_in("rita")
    watched.open(f"/sessions/{second.uuid}")
    # Both are there: the recording of the first, and behind it what has come of the second.
    expect(page.locator("video[data-track=camera]")).to_have_count(1)
    page.wait_for_function("() => document.querySelector('.seek').ariaValueMax === '19'")
    expect(page.locator("video[data-track=camera-2]")).to_have_count(1)
    wait_for_moment(page, "camera")
    seek(page, 15 / 19)
    wait_for_moment(page, "camera-2")
    seek(page, 8 / 19)
    page.wait_for_function("() => Math.abs(document.querySelector('video[data-track=camera]').currentTime - 8) < 0.6")
    page.keyboard.press("Space")
    # It goes on by itself into the part that grows.
    page.wait_for_function("() => Number(document.querySelector('.seek').ariaValueNow) >= 12")
    page.keyboard.press("Space")
    wait_for_moment(page, "camera-2")
    assert 1.5 < page.evaluate("document.querySelector('video[data-track=camera-2]').currentTime") < 5
    world.add_run(second, "camera", 8000, 4)
    page.wait_for_function("() => document.querySelector('.seek').ariaValueMax === '23'")

    world.end(second)
    page.wait_for_function("() => !document.querySelector('video[data-track=camera-2]').src.startsWith('blob:')")


def test_a_run_in_another_codec_and_without_sound_plays_in_its_turn(watched: Watched, world: World) -> None:
    row = running(world)
    world.add_run(row, "camera", 0, 6)
    world.add_run(row, "camera", 6000, 8, audio=False, codec="libvpx-vp9", mime="video/webm;codecs=vp9")
    page = watched.page
    watched.log_in("rita")
    watched.open(f"/sessions/{row.uuid}")
    page.wait_for_selector(".player video")
    seek(page, 0.7)
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime > 9")
    wait_for_moment(page, "camera", 6.0)
    seek(page, 0.2)
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime < 4")
    wait_for_moment(page, "camera")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video[data-track=camera]').currentTime > 7")


def test_a_session_without_anything_yet_says_so_and_opens_by_itself(watched: Watched, world: World) -> None:
    row = running(world)
    page = watched.page
    watched.log_in("rita")
    watched.open(f"/sessions/{row.uuid}")
    expect(page.locator(".waiting")).to_contain_text("nothing was recorded so far")
    world.add_run(row, "camera", 0, 4)
    wait_for_moment(page, "camera")
