"""PHP behind php-fpm with nginx and with Apache: the exam proctored without a line of change to the site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from .harness import MODES, started, take_exam_behind_proxy
from .php_fpm import PhpFpm

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", params=["nginx", "apache"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(PhpFpm(request.param), tmp_path_factory) as url:
        yield url


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_the_exam_is_proctored_from_login_to_the_done_page(
    playwright: Playwright, tmp_path: Path, site: str, mode: str
) -> None:
    take_exam_behind_proxy(playwright, tmp_path, site, mode)
