"""ASP.NET WebForms on Mono behind nginx: postbacks, view state, cookieless sessions, flushed pages, partial postbacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from .aspnet import AspNet, AspNetCandidate
from .harness import MODES, started, take_exam_behind_proxy

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


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_the_exam_is_proctored_from_login_to_the_done_page(
    playwright: Playwright, tmp_path: Path, site: str, mode: str
) -> None:
    take_exam_behind_proxy(playwright, tmp_path, site, mode, candidate=AspNetCandidate, saved=None, route=ROUTE)
