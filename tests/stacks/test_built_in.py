"""The exam on the smallest servers there are, behind the proxy: PHP's built-in one, and a plain WSGI application under wsgiref."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import somebodys
from tests.e2e.installation import Installation, installation
from tests.frame.driver import sit_through_loads

from .harness import MODES, take_exam

pytestmark = [pytest.mark.browser, pytest.mark.system]


@pytest.fixture(scope="module", params=["php", "wsgi"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp(request.param), site=request.param) as installed:
        yield installed


@pytest.mark.parametrize(
    ("running", "mode"), [("php", "inline"), *(("wsgi", mode) for mode in MODES)], indirect=["running"], scope="module"
)
def test_the_exam_is_proctored_from_login_to_the_done_page(
    shared_chromium: Browser, running: Installation, mode: str
) -> None:
    take_exam(shared_chromium, running, mode)


@pytest.mark.parametrize("running", ["php"], indirect=True, scope="module")
def test_forty_page_loads_leave_no_gap_and_ask_nothing_twice(shared_chromium: Browser, running: Installation) -> None:
    with somebodys(shared_chromium) as context:
        sit_through_loads(context, running)
