"""The recorders themselves, in Chromium: another quality is another run, and between two runs nothing is missing."""

from __future__ import annotations

import base64
from collections import defaultdict
from typing import Any

import pytest
from playwright.sync_api import Browser

from .conftest import decode
from .fake_service import POLICY, FakeService

pytestmark = pytest.mark.browser

# As long as it takes for each of a level's runs to have some slices.
STAY_MS = 1200
LEVELS = [1, 2, 3, 2, 1, 0]
STEPS = """async ([policy, levels, stay]) => {
    const { Capture } = await import('/proview/static/sdk/capture.js');
    const pieces = [];
    const clock = { now: () => Math.round(performance.now()) };
    const wait = () => new Promise((resolve) => setTimeout(resolve, stay));
    const onPiece = async ({ data, ...piece }) => { pieces.push({ ...piece, body: btoa(String.fromCharCode(...new Uint8Array(data))) }); };
    const capture = new Capture(() => {}, { onPiece, onLost: () => {}, onBack: () => {} });
    const { camera, screen } = policy.capture;
    capture.adopt('camera', await navigator.mediaDevices.getUserMedia({ audio: true, video: camera }));
    capture.adopt('screen', await navigator.mediaDevices.getDisplayMedia({ video: screen }));
    await capture.start({ clock, session: 's', policy });
    await wait();
    for (const level of levels) { await capture.setQuality(level); await wait(); }
    const changing = capture.handOver({ clock, session: 's', policy });
    await capture.stop();
    const handed = pieces.length;
    await changing;
    return { pieces, handed } }"""


def test_each_step_of_the_ladder_down_and_up_leaves_nothing_missing(
    chromium_with_screen: Browser, service: FakeService
) -> None:
    policy = {
        **POLICY,
        "capture": {**POLICY["capture"], "camera": {"width": 640, "height": 480, "fps": 15, "kbps": 300}},
    }
    context = chromium_with_screen.new_context()
    page = context.new_page()
    service.page("/exam")
    page.goto(service.url + "/exam")
    made: Any = page.evaluate(STEPS, [policy, LEVELS, STAY_MS])
    context.close()
    assert made["handed"] == len(made["pieces"]), (
        "whoever stops in the middle of a step has everything when it is answered"
    )
    for track in ("camera", "screen"):
        runs: dict[int, list[Any]] = defaultdict(list)
        for piece in made["pieces"]:
            if piece["track"] == track:
                runs[piece["run"]].append(piece)
        assert len(runs) >= len(LEVELS) + 1
        ordered = [sorted(runs[run], key=lambda piece: int(piece["seq"])) for run in sorted(runs)]
        for run in ordered:
            assert [piece["seq"] for piece in run] == list(range(len(run)))
            assert [piece["last"] for piece in run] == [False] * (len(run) - 1) + [True]
        for run in ordered[: len(LEVELS) + 1]:
            frames, _, sounds = decode(b"".join(base64.b64decode(piece["body"]) for piece in run))
            assert frames > 0 and (sounds > 0) == (track == "camera"), "stills, too"
        ends = [run[-1]["start"] + run[-1]["duration"] for run in ordered]
        begins = [run[0]["start"] for run in ordered]
        holes = [begin - end for end, begin in zip(ends, begins[1:], strict=False)]
        assert max(holes) <= 0, holes
        assert min(holes) > -1500, "and two recorders run for a moment only"
