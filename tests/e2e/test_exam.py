"""The main job: an unmodified legacy exam, taken in real Chromium through the proxy, recorded, watched."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, Playwright, expect

from flask_proview.recordings.layout import Layout
from tests.stacks.harness import only_session, pieces, wait_finalised

from .browser import REFUSED, Candidate, chromium, log_in_to_console, picture_changes
from .installation import PASSWORD, Installation, installation, wait_until
from .media import play, seek_and_decode

pytestmark = [pytest.mark.browser, pytest.mark.system]


def recorded_part_s(details: dict[str, Any]) -> float:
    """How long the session was from its first recorded moment on: before it lie consent and device check."""
    offset = next(r["offset_ms"] for r in details["recordings"] if r["track"] == "camera")
    return float(details["ended_at"] - details["started_at"] - offset) / 1000


def recording(running: Installation, uuid: str, track: str) -> Path:
    return Layout(Path(running.config.storage.recordings)).recording_file(uuid, track)


def test_a_multi_page_exam_is_recorded_without_interruption(playwright: Playwright, tmp_path: Path) -> None:
    """In frame mode; other stacks and inline mode: tests/stacks."""
    with (
        installation(tmp_path, site="php", account={"session_type": "record_and_review"}) as running,
        chromium(playwright, tmp_path / "profile") as browser,
    ):
        candidate = Candidate.seated(browser, running.url, screen=True)
        for number in (1, 2, 3):
            candidate.answer(number)
        uuid = only_session(running)
        assert candidate.page.url.endswith("/q/4"), "the address bar follows the frame"
        wait_until(lambda: len(pieces(running, uuid)) >= 6, what="some seconds of recording")
        candidate.stop()
        details = wait_finalised(running, uuid)

        camera = play(recording(running, uuid, "camera"))
        assert camera.audio_frames > 0
        assert camera.pictures > 5
        assert abs(camera.duration_s - recorded_part_s(details)) <= 1.0
        assert camera.longest_silence_s < 0.5, "four page loads left no gap"
        screen = play(recording(running, uuid, "screen"))
        assert screen.frames > 5
        middle = camera.duration_s / 2
        assert abs(seek_and_decode(recording(running, uuid, "camera"), middle) - middle) <= 2.5

        saved = requests.get(
            f"{running.url}/exam/{candidate.attempt}/answers.json",
            cookies={c["name"]: c["value"] for c in browser.cookies(running.url)},
            timeout=10,
        ).json()
        assert "answer 3" in str(saved)


def test_the_console_shows_the_session_live_and_afterwards(playwright: Playwright, tmp_path: Path) -> None:
    with (
        installation(tmp_path, site="php") as running,
        chromium(playwright, tmp_path / "profile") as browser,
        chromium(playwright, tmp_path / "proctor") as proctor,
    ):
        candidate = Candidate.seated(browser, running.url)
        uuid = only_session(running)

        page = proctor.new_page()
        log_in_to_console(page, running.console, PASSWORD)
        expect(page.get_by_text(candidate.attempt[:8]).first).to_be_visible()
        page.goto(f"{running.console}sessions/{uuid}")
        page.wait_for_function("() => [...document.querySelectorAll('video')].some(v => v.videoWidth > 0 && !v.paused)")
        assert picture_changes(page, "video")

        candidate.answer(1)
        candidate.stop()
        wait_finalised(running, uuid)
        page.goto(f"{running.console}sessions/{uuid}")
        video = page.locator("video").first
        expect(video).to_be_visible()
        page.keyboard.press("Space")
        page.wait_for_function("() => [...document.querySelectorAll('video')].some(v => v.currentTime > 0.3)")
        assert picture_changes(page, "video")


def test_a_stop_path_ends_the_session_and_everything_arrives(playwright: Playwright, tmp_path: Path) -> None:
    with installation(tmp_path, site="php") as running, chromium(playwright, tmp_path / "profile") as browser:
        candidate = Candidate.seated(browser, running.url)
        for number in (1, 2, 3, 4, 5):
            candidate.answer(number)
        candidate.finish()
        uuid = only_session(running)
        details = wait_finalised(running, uuid)
        assert details["status"] == "stopped"
        assert play(recording(running, uuid, "camera")).longest_silence_s < 0.5


def test_a_wrong_domain_passes_the_page_untouched_and_is_shown(playwright: Playwright, tmp_path: Path) -> None:
    with (
        installation(tmp_path, site="php", account={"domains": ["https://other.example"]}) as running,
        chromium(playwright, tmp_path / "profile") as browser,
    ):
        candidate = Candidate(browser.new_page(), running.url)
        candidate.log_in()
        candidate.start_exam()
        assert "proview" not in candidate.page.content()
        expect(candidate.page.get_by_role("button", name="Begin")).to_be_visible()
        page = browser.new_page()
        log_in_to_console(page, running.console, PASSWORD)
        wait_until(
            lambda: "domain" in requests_text(page, f"{running.console}problems"), 15, "the refusal in the console"
        )


def requests_text(page: Page, url: str) -> str:
    page.goto(url)
    return page.content()


def test_an_unknown_token_starts_nothing_and_says_so(playwright: Playwright, tmp_path: Path) -> None:
    with (
        installation(tmp_path, site="php", account={"require_launch": False}, route={"start": "page"}) as running,
        chromium(playwright, tmp_path / "profile") as browser,
    ):
        page = browser.new_page()
        page.goto(f"{running.url}/login")
        page.add_script_tag(url="/proview/init.js")
        error = page.evaluate(
            "() => new Promise(resolve => window.tv('init', 'unknown-token-1234', {session: 's', profileId: 'p',"
            " initCallback: (err, uuid) => resolve({code: err && err.code, message: String(err), uuid: uuid || null})}))"
        )
        assert error["code"], error
        assert error["uuid"] is None
        expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_a_refused_camera_is_explained_and_records_nothing(playwright: Playwright, tmp_path: Path) -> None:
    with installation(tmp_path, site="php") as running, chromium(playwright, tmp_path / "profile", *REFUSED) as browser:
        candidate = Candidate(browser.new_page(), running.url)
        candidate.log_in()
        candidate.start_exam()
        candidate.page.get_by_role("button", name="Agree and continue").click()
        expect(candidate.page.get_by_text(re.compile("is blocked", re.I)).first).to_be_visible()
        expect(candidate.page.get_by_role("button", name="Try again")).to_be_visible()
        assert running.details(only_session(running))["status"] == "created"


def test_a_closed_tab_and_a_reopened_browser_go_on_with_the_same_session(
    playwright: Playwright, tmp_path: Path
) -> None:
    with installation(tmp_path, site="php") as running:
        with chromium(playwright, tmp_path / "profile") as browser:
            candidate = Candidate.seated(browser, running.url)
            candidate.answer(1)
            uuid = only_session(running)
            wait_until(lambda: len(pieces(running, uuid)) >= 3, what="recording before the tab is closed")
            cookies = browser.cookies()
        with chromium(playwright, tmp_path / "profile") as browser:
            # Session cookies of the exam site end with the browser; a candidate would log in again.
            browser.add_cookies([{**c, "expires": -1} for c in cookies])  # type: ignore[typeddict-item]
            again = Candidate(browser.new_page(), running.url)
            again.attempt = candidate.attempt
            again.page.goto(f"{running.url}/exam/{candidate.attempt}/q/2")
            agree = again.page.get_by_role("button", name="Agree and continue")
            again.page.wait_for_function(
                "() => window.ProctorClient3 && (window.ProctorClient3.state === 'running' || document.getElementById('proview_root'))"
            )
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline and again.page.evaluate("() => window.ProctorClient3.state") != "running":
                if agree.is_visible():
                    again.pass_checks()
                time.sleep(0.1)
            again.wait_running()
            again.answer(2)
            before = len(pieces(running, uuid))
            wait_until(lambda: len(pieces(running, uuid)) >= before + 5, what="recording after the return")
            again.stop()
        assert only_session(running) == uuid
        wait_finalised(running, uuid)
        assert play(recording(running, uuid, "camera")).frames > 10
        assert len({run for run, _ in pieces(running, uuid)}) == 2


@pytest.mark.parametrize("victim", ["web", "media"])
def test_a_killed_process_costs_nothing_that_was_acknowledged(
    playwright: Playwright, tmp_path: Path, victim: str
) -> None:
    with installation(tmp_path, site="php") as running, chromium(playwright, tmp_path / "profile") as browser:
        candidate = Candidate.seated(browser, running.url)
        uuid = only_session(running)
        held = wait_until(lambda: pieces(running, uuid), what="the first pieces")
        running.kill_child(victim)
        candidate.answer(1)
        candidate.answer(2)
        wait_until(lambda: len(pieces(running, uuid)) > len(held) + 2, 30, "pieces after the restart")
        assert held <= pieces(running, uuid)
        candidate.stop()
        wait_finalised(running, uuid)
        assert play(recording(running, uuid, "camera")).longest_silence_s < 0.5


def test_a_server_down_for_ten_seconds_loses_nothing(playwright: Playwright, tmp_path: Path) -> None:
    with installation(tmp_path, site="php") as running, chromium(playwright, tmp_path / "profile") as browser:
        candidate = Candidate.seated(browser, running.url)
        uuid = only_session(running)
        wait_until(lambda: pieces(running, uuid), what="the first pieces")
        group = running.child_pid("web")
        # Stopped, not killed: the port stays open and nothing answers, as with a frozen machine.
        os.killpg(group, signal.SIGSTOP)
        time.sleep(10)
        os.killpg(group, signal.SIGCONT)
        before = len(pieces(running, uuid))
        wait_until(lambda: len(pieces(running, uuid)) >= before + 8, 40, "the backlog")
        candidate.stop()
        details = wait_finalised(running, uuid)
        played = play(recording(running, uuid, "camera"))
        assert played.longest_silence_s < 0.5
        assert details["status"] == "stopped"
