"""What all tests share: one Playwright for the whole process (two cannot run side by side in one thread)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed: run `make system`")
    with sync_playwright() as running:
        yield running
