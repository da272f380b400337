"""JSP on Tomcat: the exam proctored without a line of change to the site, with the session in a cookie or in the address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Playwright

from demo_app import tomcat
from tests.demo.browser import Site, Visitor
from tests.e2e.browser import Candidate, chromium
from tests.e2e.installation import in_front_of
from tests.frame.driver import Prompts, drive, five_questions

from .harness import (
    MODES,
    check_ledger,
    only_session,
    pieces,
    sessions_kept_over_two_logins,
    started,
    take_exam_behind_proxy,
    two_sources,
    wait_finalised,
)
from .snippets import snippet
from .tomcat import Tomcat

pytestmark = pytest.mark.system
LOADS = 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(Tomcat(), tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module")
def rewriting_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(Tomcat(cookies=False), tmp_path_factory) as url:
        yield url


class CandidateWithAddress(Candidate):
    """Somebody whose login lies in the addresses: only links of the site's own keep it."""

    def address(self, name: str) -> str:
        suffix = self.exam.evaluate("location.pathname.match(/;jsessionid=\\w+/)[0]")
        return f"{super().address(name)}{suffix}"


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_the_exam_is_proctored_from_login_to_the_done_page(
    playwright: Playwright, tmp_path: Path, site: str, mode: str
) -> None:
    take_exam_behind_proxy(playwright, tmp_path, site, mode)


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_sessions_written_into_the_addresses_change_nothing(
    playwright: Playwright, tmp_path: Path, rewriting_site: str, mode: str
) -> None:
    take_exam_behind_proxy(playwright, tmp_path, rewriting_site, mode, candidate=CandidateWithAddress)


@pytest.mark.browser
def test_forty_page_loads_leave_no_gap_and_ask_nothing_twice(playwright: Playwright, tmp_path: Path, site: str) -> None:
    with (
        in_front_of(site, tmp_path, account={"session_type": "record_and_review"}) as running,
        chromium(playwright, tmp_path / "profile") as browser,
    ):
        prompts = Prompts(browser)
        candidate = Candidate.seated(browser, running.url, screen=True)
        drive(five_questions(candidate), LOADS)
        uuid = only_session(running)
        candidate.hand_in()
        details = wait_finalised(running, uuid)
    loaded = [event for event in details["events"] if event["name"] == "Page Loaded"]
    assert len(loaded) >= LOADS
    assert prompts.asked == ["getUserMedia", "getDisplayMedia"]
    for track in ("camera", "screen"):
        assert len({run for run, _ in pieces(running, uuid, track)}) == 1
        check_ledger(details, {"setup"}, track)


def test_a_login_changes_the_id_of_the_cookie_but_not_the_attempt(tmp_path: Path, site: str) -> None:
    with in_front_of(site, tmp_path, **two_sources("JSESSIONID")) as running:
        visitor = Visitor(Site("jsp", running.url, tmp_path))
        assert sessions_kept_over_two_logins(running, visitor) == {"attempt": True, "cookie": False}


def test_a_site_that_browsers_reach_by_https_knows_it(site: str) -> None:
    assert snippet("jsp.md", "Tomcat behind a proxy", "xml", {}) in tomcat.SERVER
    told = requests.get(
        f"{site}/login", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}, timeout=30
    )
    assert "Secure" in told.headers["Set-Cookie"]
    assert "Secure" not in requests.get(f"{site}/login", timeout=30).headers["Set-Cookie"]
