"""An exam longer than a session: the real service, frame mode, and what the console shows of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, Route, expect
from sqlalchemy import select

from flask_proview.sessions.models import Session

from .browser import Candidate, chromium, log_in_to_console
from .installation import PASSWORD, Installation, installation, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.system]


def sessions(running: Installation) -> list[Session]:
    with running.database() as database, database.read() as db:
        return list(db.scalars(select(Session).order_by(Session.id)))


def shorten(route: Route) -> None:
    """The configuration knows minutes only: the browser is told of a limit of seconds."""
    answer = route.fetch()
    told = answer.json()
    told["policy"]["session_minutes"] = 0.2
    route.fulfill(response=answer, json=told)


def test_a_sitting_of_two_sessions_misses_nothing_and_is_shown_as_one(playwright: Playwright, tmp_path: Path) -> None:
    with installation(tmp_path, site="php") as running, chromium(playwright, tmp_path / "profile") as browser:
        page = browser.new_page()
        candidate = Candidate(page, running.url)
        page.route("**/v1/sessions", shorten, times=1)
        candidate.log_in()
        candidate.start_exam()
        candidate.pass_checks()
        candidate.begin()
        wait_until(lambda: len(sessions(running)) == 2, 25, "the other session")
        candidate.answer(1)
        wait_until(lambda: sessions(running)[0].state == "stopped", 20, "the end of the first")
        candidate.answer(2)
        wait_until(lambda: sessions(running)[1].bytes_stored > 100_000, 20, "the recording of the second")
        candidate.stop()
        first, second = wait_until(
            lambda: all(row.finalised_at for row in sessions(running)) and sessions(running), 30, "both recordings"
        )
        assert (first.end_reason, second.end_reason, second.sitting) == ("limit", "api", first.uuid)
        one, two = running.details(first.uuid), running.details(second.uuid)
        assert (one["next"], two["previous"]) == (second.uuid, first.uuid)
        assert one["sitting"] == two["sitting"]
        ledger = one["sitting"]["ledger"]
        rows = [(row["outcome"], row["cause"]) for row in ledger]
        # Before: the candidate agreed. After: from the last slice to the answer of "stop".
        assert rows[:2] == [("gap", "setup"), ("recorded", None)], ledger
        assert all(row["from_ms"] > ledger[-1]["to_ms"] - 2000 for row in ledger[2:]), ledger
        assert ledger[-1]["to_ms"] == one["sitting"]["duration_ms"] == second.ended_at - first.started_at
        assert [row for row in one["ledger"][2:] if row["to_ms"] - row["from_ms"] > 250] == [], "the first, by itself"
        beginning = two["ledger"][0]
        assert beginning["outcome"] == "recorded" or beginning["to_ms"] < 1500, "made just before it was needed"
        show(playwright, running, tmp_path, second)


def show(playwright: Playwright, running: Installation, tmp_path: Path, second: Session) -> None:
    with chromium(playwright, tmp_path / "console") as reviewer:
        page = reviewer.new_page()
        log_in_to_console(page, running.console, PASSWORD)
        expect(page.locator("tbody tr")).to_have_count(1)
        page.goto(f"{running.console}sessions/{second.uuid}")
        page.wait_for_function("() => document.querySelectorAll('video').length === 2")
        page.wait_for_function("() => document.querySelector('video').readyState >= 2")
        page.keyboard.press("6")
        expect(page.locator(".lane[data-track=camera] .part[data-outcome=recorded]")).to_have_count(1)
        page.screenshot(path=tmp_path / "sitting.png", full_page=True)
        assert re.search(r"Part 2", page.content())
