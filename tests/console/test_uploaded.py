"""The uploaded slices in place of the live picture, in a real browser: the edge, gaps, another codec, who may see them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Request, expect

from .conftest import Watched
from .test_dvr import SQUARE, running
from .world import World

pytestmark = [pytest.mark.browser, pytest.mark.media]

VIDEO = "video[data-uploaded=camera]"
PAST = f"s => document.querySelector('{VIDEO}').currentTime > s"


def test_the_edge_is_followed_over_gaps_and_into_another_codec_with_little_in_memory(
    watched: Watched, world: World
) -> None:
    row = running(world)
    world.add_run(row, "camera", 0, 40)
    page = watched.page
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/edge/camera" in request.url:
            asked.append(request.url)

    page.on("request", note)
    watched.log_in("admin")
    watched.open(f"/sessions/{row.uuid}")
    page.wait_for_function(f"() => document.querySelector('{VIDEO}')?.readyState >= 2")
    page.wait_for_function(PAST, arg=37)
    assert "&at=" in asked[0] and int(asked[0].rpartition("=")[2]) >= 36_000, "what lies behind is not loaded"

    world.add_run(row, "camera", 50_000, 8)
    page.wait_for_function(PAST, arg=52)
    world.add_run(row, "camera", 70_000, 6, audio=False, codec="libvpx-vp9", mime="video/webm;codecs=vp9")
    page.wait_for_function(PAST, arg=72)
    script = SQUARE.replace("video[data-track=${track}]", "video[data-uploaded=${track}]")
    page.wait_for_function(f"track => ({script})(track) !== null", arg="camera")
    at, square = page.evaluate(script, "camera")
    assert any(abs(int((at - 70) * 15 + slack) * 4 % 140 - square) <= 3 for slack in (-1, 0, 1)), (at, square)
    assert page.evaluate(f"() => document.querySelector('{VIDEO}').buffered.start(0)") > 55, "what was seen is let go"

    world.add_run(row, "screen", 74_000, 4)
    page.wait_for_function("() => document.querySelector('video[data-uploaded=screen]')?.readyState >= 2")
    expect(page.locator(".pane[data-track=screen]")).not_to_have_class("pane missing")
    status = page.locator(".live-status")
    expect(status).to_have_text("Nothing new was uploaded for some seconds; this is the last picture.", timeout=15_000)


def test_where_live_view_is_switched_off_a_proctor_is_told_and_asks_for_nothing(watched: Watched, world: World) -> None:
    row = running(world)
    world.add_run(row, "camera", 0, 6)
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url))
    watched.log_in("pat")
    watched.open(f"/sessions/{row.uuid}")
    with watched.page.expect_response("**/state?*"):
        pass
    with watched.page.expect_response("**/state?*"):
        pass
    expect(watched.page.locator(".notice").first).to_contain_text("Live view is switched off")
    assert watched.page.locator("video").count() == 0
    assert not [url for url in asked if "/v1/dvr/" in url or "/v1/playback/" in url or f"{row.uuid}/edge" in url]


def test_a_refusal_ends_it(watched: Watched, world: World) -> None:
    row = running(world)
    world.add_run(row, "camera", 0, 6)
    page = watched.page
    watched.log_in("admin")
    watched.open(f"/sessions/{row.uuid}")
    page.wait_for_function(f"() => document.querySelector('{VIDEO}')?.readyState >= 2")
    with page.expect_response(lambda response: "/edge?pass=" in response.url and response.status == 401):
        page.route("**/state?*", lambda route: route.abort())  # only the edge's own answer is to end it
        page.context.clear_cookies()
    expect(page.locator(VIDEO)).to_have_count(0)
    assert page.locator(".live-status").text_content() != "A few seconds behind, from the recording."
