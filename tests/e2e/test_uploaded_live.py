"""The live view without WebRTC: a proctor's page falls to the uploaded slices and back by itself; real candidate, real media process."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect
from sqlalchemy import select

from flask_proview.sessions.models import Event

from .browser import Candidate, chromium, log_in_to_console, picture_changes
from .installation import PASSWORD, Installation, installation, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.system]

UPLOADED = "video[data-uploaded=camera]"
LIVE = "[data-track=camera] video:not(.uploaded)"
# How far the picture is behind the newest slice that is buffered, and how much is kept.
BUFFER = """selector => { const v = document.querySelector(selector); const b = v.buffered;
    return [b.end(b.length - 1) - v.currentTime, b.end(b.length - 1) - b.start(0)] }"""


def open_session(console: Page, running: Installation, name: str) -> None:
    log_in_to_console(console, running.console, PASSWORD, name)
    console.locator("tbody tr").first.get_by_role("link").click()


def says(page: Page, text: str) -> None:
    expect(page.locator(".live-status")).to_contain_text(text, timeout=30_000)


def watched_by(running: Installation, name: str) -> list[int]:
    """The events that a person's watching left, without those of the live picture."""
    with running.database() as database, database.read() as db:
        events = db.scalars(select(Event).where(Event.event_type_id.in_((10028, 10029))).order_by(Event.id))
        return [one.event_type_id for one in events if one.data == {"viewer": name, "source": "uploads"}]


def test_a_proctors_view_falls_to_uploaded_slices_when_media_is_gone_and_comes_back(playwright: Playwright, tmp_path: Path) -> None:  # fmt: skip
    with (
        installation(tmp_path, site="wsgi", route={"session_type": "ai_proctor"}) as running,
        chromium(playwright, tmp_path / "candidate") as browser,
        chromium(playwright, tmp_path / "proctor") as second,
    ):
        Candidate.seated(browser, running.url)
        console = second.new_page()
        open_session(console, running, "proctor")
        says(console, "Live")
        assert picture_changes(console, LIVE)
        expect(console.locator(UPLOADED)).to_have_count(0)

        # Stopped, not killed: the supervisor would have it back before anybody noticed.
        media = running.child_pid("media")
        os.kill(media, signal.SIGSTOP)
        try:
            says(console, "A few seconds behind, from the recording. Trying to get the live picture")
            assert picture_changes(console, UPLOADED)
            console.wait_for_function(f"selector => ({BUFFER})(selector)[1] > 12", arg=UPLOADED)
            behind, kept = console.evaluate(BUFFER, UPLOADED)
            assert behind < 8 and kept < 30
            console.wait_for_function("() => document.querySelector('[aria-label=\"Live screen\"]').videoWidth === 2")
            expect(console.locator(".pane[data-track=screen]")).to_have_class("pane missing")
            console.screenshot(path=tmp_path / "uploaded.png", full_page=True)
        finally:
            running.kill_child("media")
        expect(console.locator(".live-status")).to_have_text("Live", timeout=60_000)
        expect(console.locator(UPLOADED)).to_have_count(0, timeout=10_000)
        assert picture_changes(console, LIVE)
        wait_until(lambda: watched_by(running, "proctor") == [10028, 10029], 10, "both events")
        recording = re.sub(r"/console/sessions/", "/v1/playback/", console.url)
        assert console.request.get(recording).status == 401, "what lies further back is not a proctor's"
        assert "Traceback" not in running.log()


def test_live_switched_off_shows_the_uploaded_slices_and_a_refusal_ends_them(playwright: Playwright, tmp_path: Path) -> None:  # fmt: skip
    with (
        installation(tmp_path, site="wsgi", media={"live": "off"}) as running,
        chromium(playwright, tmp_path / "candidate") as browser,
        chromium(playwright, tmp_path / "proctor") as second,
    ):
        Candidate.seated(browser, running.url, screen=False)
        console = second.new_page()
        asked: list[str] = []
        console.on("request", lambda request: asked.append(request.url))
        open_session(console, running, "admin")
        expect(console.locator(".live-status")).to_have_text(
            "A few seconds behind, from the recording.", timeout=30_000
        )
        assert picture_changes(console, UPLOADED)
        assert not [url for url in asked if url.endswith("/live")]

        console.get_by_role("button", name="From the start").click()
        expect(console.locator(UPLOADED)).to_have_count(0)
        console.get_by_role("button", name="Live").first.click()
        says(console, "A few seconds behind")

        second.clear_cookies()
        expect(console.locator(UPLOADED)).to_have_count(0)
        answer: Any = console.request.get(f"{console.url}/edge")
        assert answer.status == 401
