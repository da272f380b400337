"""PHP behind php-fpm with nginx and with Apache: the exam proctored without a line of change to the site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from tests.demo.browser import Site, Visitor
from tests.e2e.installation import Installation, in_front_of, wait_until

from .harness import MODES, sessions_kept_over_two_logins, started, take_exam, two_sources
from .php_fpm import PhpFpm

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", params=["nginx", "apache"])
def stack(request: pytest.FixtureRequest) -> PhpFpm:
    return PhpFpm(request.param)


@pytest.fixture(scope="module")
def site(stack: PhpFpm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(stack, tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module")
def proxied(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with in_front_of(site, tmp_path_factory.mktemp("proxied")) as installed:
        yield installed


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_the_exam_is_proctored_from_login_to_the_done_page(
    shared_chromium: Browser, proxied: Installation, mode: str
) -> None:
    take_exam(shared_chromium, proxied, mode)


@pytest.fixture(scope="module")
def running(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """What tests without a browser need only one of."""
    with in_front_of(site, tmp_path_factory.mktemp("proxy"), **two_sources("PHPSESSID")) as installed:
        yield installed


def test_a_login_changes_the_id_of_the_cookie_but_not_the_attempt(tmp_path: Path, running: Installation) -> None:
    visitor = Visitor(Site("php", running.url, tmp_path))
    assert sessions_kept_over_two_logins(running, visitor) == {"attempt": True, "cookie": False}


def test_the_upload_limit_of_user_ini_holds_behind_the_proxy(tmp_path: Path, site: str, running: Installation) -> None:
    largest, larger = bytes(20 << 20), bytes((20 << 20) + 1)
    for way in (running.url, site):
        visitor = Visitor(Site("php", way, tmp_path))
        visitor.log_in()
        base = visitor.start()
        assert "at most 20 MB" in visitor.get(f"{base}/upload").text
        assert visitor.upload(base, "working.bin", largest).status_code == 303
        refused = visitor.upload(base, "working.bin", larger)
        assert refused.status_code == 413
        assert "larger than 20 MB" in refused.text
        assert visitor.answers(base)["upload"]["size"] == len(largest)


def test_no_file_of_the_site_is_handed_out_as_it_lies_there(site: str) -> None:
    for path in ("/include/session.php", "/.user.ini", "/.htaccess", "/router.php"):
        answer = requests.get(site + path, timeout=10)
        assert answer.status_code == 404
        assert "There is no page at this address." in answer.text


def test_the_site_sees_the_address_and_the_scheme_of_the_candidate(stack: PhpFpm, site: str) -> None:
    asked = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert requests.get(f"{site}/handbook", headers=asked, timeout=10).status_code == 200
    wait_until(lambda: '203.0.113.9 "on" /handbook' in stack.access_log.read_text(), what="the line in the log")
