"""JSP on Tomcat: the exam proctored without a line of change to the site, with the session in a cookie or in the address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from demo_app import tomcat
from tests.demo.browser import Site, Visitor
from tests.e2e.browser import Candidate, somebodys
from tests.e2e.installation import Installation, in_front_of
from tests.frame.driver import sit_through_loads

from .harness import MODES, sessions_kept_over_two_logins, started, take_exam, two_sources
from .snippets import snippet
from .tomcat import Tomcat

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(Tomcat(), tmp_path_factory) as url:
        yield url


class CandidateWithAddress(Candidate):
    """Somebody whose login lies in the addresses: only links of the site's own keep it."""

    def address(self, name: str) -> str:
        suffix = self.exam.evaluate("location.pathname.match(/;jsessionid=\\w+/)[0]")
        return f"{super().address(name)}{suffix}"


@pytest.fixture(scope="module")
def proxied(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with in_front_of(site, tmp_path_factory.mktemp("proxied"), route={"mode": "inline"}) as installed:
        yield installed


@pytest.mark.browser
def test_the_exam_is_proctored_from_login_to_the_done_page_inline(
    shared_chromium: Browser, proxied: Installation
) -> None:
    take_exam(shared_chromium, proxied, "inline")


@pytest.mark.browser
def test_forty_page_loads_leave_no_gap_and_ask_nothing_twice(shared_chromium: Browser, proxied: Installation) -> None:
    """Frame mode, from log-in to the done page, too."""
    with somebodys(shared_chromium) as context:
        sit_through_loads(context, proxied)


@pytest.fixture(scope="module")
def rewriting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with (
        started(Tomcat(cookies=False), tmp_path_factory) as url,
        in_front_of(url, tmp_path_factory.mktemp("rewriting")) as installed,
    ):
        yield installed


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_sessions_written_into_the_addresses_change_nothing(
    shared_chromium: Browser, rewriting: Installation, mode: str
) -> None:
    take_exam(shared_chromium, rewriting, mode, candidate=CandidateWithAddress)


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
