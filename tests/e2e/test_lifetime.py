"""What happens to a browser in an exam, and what the ledger says of it afterwards: runs, gaps and their causes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Playwright

from tests.chromium import AUTOPLAY, CHROMIUM, FLAGS
from tests.stacks.harness import only_session, pieces, wait_finalised

from .browser import GRANTED, WAIT_MS, Candidate, chromium
from .installation import free_port, installation, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.system]

# Between the last slice and the answer of "stop".
TAIL_MS = 2000


@contextmanager
def killable(playwright: Playwright, profile: Path) -> Iterator[tuple[BrowserContext, int]]:
    """A browser that we start ourselves, so that it can be killed as a whole: its context and its process group."""
    port = free_port()
    argv = [
        CHROMIUM,
        *FLAGS,
        AUTOPLAY,
        *GRANTED,
        "--headless=new",
        f"--remote-debugging-port={port}",
        f"--user-data-dir={profile}",
    ]
    process = subprocess.Popen(
        [*argv, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        browser = wait_until(lambda: attach(playwright, port), 30, "the browser")
        context = browser.contexts[0]
        context.set_default_timeout(WAIT_MS)
        yield context, process.pid
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def attach(playwright: Playwright, port: int) -> Any:
    try:
        return playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
    except Exception:
        return None


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


def test_a_killed_browser_hands_in_what_it_kept_from_any_page_even_after_the_end(
    playwright: Playwright, tmp_path: Path
) -> None:
    limits = {"heartbeat_s": 1, "heartbeat_timeout_s": 4}
    profile = tmp_path / "profile"
    with installation(tmp_path, site="php", limits=limits) as running:
        with killable(playwright, profile) as (context, group):
            candidate = Candidate(context.new_page(), running.url)
            candidate.log_in()
            candidate.start_exam()
            candidate.pass_checks()
            candidate.begin()
            uuid = only_session(running)
            wait_until(lambda: len(pieces(running, uuid)) >= 3, what="recording")
            context.set_offline(True)
            time.sleep(3)  # recorded, and in the browser only
            held = len(pieces(running, uuid))
            killed_at = time.time() * 1000
            os.killpg(group, signal.SIGKILL)
        wait_until(lambda: running.details(uuid)["status"] == "expired", 30, "the end for its silence")
        print(held, "pieces held when it was killed")
        lost_before = killed_at - recorded_to(wait_finalised(running, uuid))
        with killable(playwright, profile) as (context, _):
            again = Candidate(context.new_page(), running.url)
            # Another exam of the same site, and nobody agrees to anything: what was left is handed in all the same.
            again.log_in()
            again.page.get_by_role("button", name="Start exam").last.click()
            again.page.wait_for_url(re.compile(r"/exam/[^/]+/"))
            # Three seconds are two or three whole slices; what is missing of them is judged below, by the ledger.
            wait_until(lambda: len(pieces(running, uuid)) > held, 30, "what the killed browser kept")
            details = wait_until(
                lambda: (d := running.details(uuid)) and killed_at - recorded_to(d) < 2000 and d, 30, "the new ledger"
            )
        missing = killed_at - recorded_to(details)
        print(f"browser killed: {missing:.0f} ms missing, {lost_before:.0f} ms without the buffer")
        assert missing <= 1500
        assert lost_before > 2500, "it was handed in by the second browser"
        assert gaps(details) == []


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
