"""ASP.NET WebForms on Mono behind nginx: postbacks, view state, cookieless sessions, flushed pages, partial postbacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.installation import Installation, in_front_of

from .aspnet import AspNet, AspNetCandidate
from .harness import MODES, started, take_exam

pytestmark = pytest.mark.system
ROUTE = {
    "path": "/Exam/<page>",
    "session": "query:attempt",
    "stop_paths": ["/Exam/Done.aspx"],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(AspNet(), tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module")
def proxied(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with in_front_of(site, tmp_path_factory.mktemp("proxied"), route=ROUTE) as installed:
        yield installed


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_the_exam_is_proctored_from_login_to_the_done_page(
    shared_chromium: Browser, proxied: Installation, mode: str
) -> None:
    take_exam(shared_chromium, proxied, mode, candidate=AspNetCandidate, saved=None)
