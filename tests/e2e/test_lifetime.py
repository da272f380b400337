"""What happens to a browser in an exam, and what the ledger says of it afterwards: runs, gaps and their causes."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Playwright

from tests.stacks.harness import only_session, pieces, wait_finalised

from .browser import Candidate, chromium
from .installation import installation, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.system]

# Between the last slice and the answer of "stop".
TAIL_MS = 2000


def gaps(details: dict[str, Any], track: str = "camera") -> list[tuple[str, int]]:
    """(cause, length) of what is missing between the first and the last recorded moment."""
    rows = [row for row in details["ledger"] if row["track"] == track]
    recorded = [row for row in rows if row["outcome"] == "recorded"]
    inside = [
        r for r in rows if r["outcome"] == "gap" and recorded[0]["to_ms"] <= r["from_ms"] < recorded[-1]["from_ms"]
    ]
    return [(row["cause"], row["to_ms"] - row["from_ms"]) for row in inside]


def recorded_to(details: dict[str, Any]) -> int:
    """Epoch ms of the last recorded moment of the camera."""
    ends = [row["to_ms"] for row in details["ledger"] if row["track"] == "camera" and row["outcome"] == "recorded"]
    return int(details["started_at"] + max(ends))


def test_a_crashed_tab_goes_on_and_the_ledger_says_what_is_missing(playwright: Playwright, tmp_path: Path) -> None:
    with installation(tmp_path, site="php") as running, chromium(playwright, tmp_path / "profile") as browser:
        candidate = Candidate.seated(browser, running.url)
        uuid = only_session(running)
        wait_until(lambda: len(pieces(running, uuid)) >= 3, what="recording")
        address = candidate.page.url
        crashed_at = time.time() * 1000
        crash(candidate.page)
        page = browser.new_page()
        page.goto(address)
        again = Candidate(page, running.url)
        again.attempt = candidate.attempt
        again.wait_running()
        back_at = time.time() * 1000
        count = len(pieces(running, uuid))
        wait_until(lambda: len(pieces(running, uuid)) >= count + 3, what="recording after the crash")
        again.stop()
        details = wait_finalised(running, uuid)
        assert only_session(running) == uuid
        assert len({run for run, _ in pieces(running, uuid)}) == 2
        (gap,) = gaps(details)
        print(f"tab crashed: {gap}, {back_at - crashed_at:.0f} ms until it ran again")
        assert gap[1] <= back_at - crashed_at + 1500


def crash(page: Page) -> None:
    with contextlib.suppress(Error), page.expect_event("crash", timeout=10_000):
        page.goto("chrome://crash", timeout=3000)


def test_pause_device_and_screen_leave_their_gaps_with_their_causes(playwright: Playwright, tmp_path: Path) -> None:
    hook = (
        "for (const name of ['getUserMedia', 'getDisplayMedia']) { const open = navigator.mediaDevices[name].bind(navigator.mediaDevices);"
        " navigator.mediaDevices[name] = async (c) => { if (window.unplugged && name === 'getUserMedia') throw new DOMException('', 'NotFoundError');"
        " const s = await open(c); (window.opened ??= {})[name] = s; return s } }"
    )
    with installation(tmp_path, site="php", account={"session_type": "record_and_review"}) as running:
        with chromium(playwright, tmp_path / "profile") as browser:
            browser.add_init_script(hook)
            candidate = Candidate.seated(browser, running.url, screen=True)
            page, uuid = candidate.page, only_session(running)
            end = "(s, kind) => s.getTracks().filter(t => t.kind === kind).forEach(t => { t.stop(); t.dispatchEvent(new Event('ended')) })"

            def recorded(more: int = 4) -> None:
                count = len(pieces(running, uuid))
                wait_until(lambda: len(pieces(running, uuid)) >= count + more, 20, "recording")

            recorded()
            page.evaluate("new Promise(resolve => ProctorClient3.pause(resolve))")
            page.wait_for_timeout(1200)
            page.evaluate("new Promise(resolve => ProctorClient3.resume(resolve))")
            recorded()
            # The camera is pulled out, and another one is there after a while.
            page.evaluate(f"window.unplugged = true; ({end})(opened.getUserMedia, 'video')")
            page.wait_for_timeout(1200)
            page.evaluate("window.unplugged = false; navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
            recorded()
            page.evaluate(f"({end})(opened.getDisplayMedia, 'video')")
            page.wait_for_timeout(1200)
            page.get_by_role("button", name="Share again").click()
            recorded()
            candidate.answer(1)
            recorded()
            candidate.stop()
        details = wait_finalised(running, uuid)
        camera, screen = gaps(details), gaps(details, "screen")
        print(camera, screen)
        assert [cause for cause, length in camera if length > 300] == ["paused", "device"]
        assert [cause for cause, length in screen if length > 300] == ["paused", "permission"]
        for track in ("camera", "screen"):
            rows = [row for row in details["ledger"] if row["track"] == track]
            assert sum(row["to_ms"] - row["from_ms"] for row in rows) == details["duration_ms"]
        assert all(length > 900 for _, length in [*camera, *screen] if length > 300)
