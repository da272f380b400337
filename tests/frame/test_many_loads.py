"""Forty full page loads, nearly all of them posted forms that redirect: one recording, one question to the candidate."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.browser import Candidate, chromium
from tests.e2e.installation import installation

from .driver import Prompts, assert_uninterrupted, drive, finished, five_questions, only_uuid, pages_loaded

pytestmark = [pytest.mark.browser, pytest.mark.system]
LOADS = 40


@pytest.mark.parametrize("site", ["php", "wsgi"])
def test_forty_page_loads_leave_no_gap_and_ask_nothing_twice(playwright: Playwright, tmp_path: Path, site: str) -> None:
    with (
        installation(tmp_path, site=site, account={"session_type": "record_and_review"}) as running,
        chromium(playwright, tmp_path / "profile") as browser,
    ):
        prompts = Prompts(browser)
        candidate = Candidate.seated(browser, running.url, screen=True)
        before = browser.pages[-1].evaluate("performance.timeOrigin")
        drive(five_questions(candidate), LOADS)
        assert candidate.page.evaluate("performance.timeOrigin") == before, "the shell itself was never loaded again"
        uuid = only_uuid(running)
        candidate.stop()
        details = finished(running, uuid)
        assert pages_loaded(running) >= LOADS
        assert prompts.asked == ["getUserMedia", "getDisplayMedia"]
        assert_uninterrupted(running, details, "camera", "screen")
