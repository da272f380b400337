"""One gallery page for all tests of a module: starting one costs more than showing a card."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.chromium import FAKE_DEVICES
from tests.sdk.conftest import launch
from tests.sdk.fake_service import FakeService

from .gallery import open_gallery


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = launch(playwright, FAKE_DEVICES)
    yield started
    started.close()


@pytest.fixture(scope="module")
def gallery(browser: Browser) -> Iterator[Page]:
    with FakeService() as service, browser.new_context() as context:
        page = context.new_page()
        open_gallery(service, page)
        yield page
