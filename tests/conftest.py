"""What all tests share: one Playwright for the whole process (two cannot run side by side in one thread), one PostgreSQL."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from . import postgresql
from .chromium import AUTOPLAY, CHROMIUM, FAKE_CONSENT, FAKE_DEVICES, FLAGS

# Their assertions tell what they compared, as those of test files do.
pytest.register_assert_rewrite("tests.stacks.harness", "tests.frame.driver")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed: run `make system`")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def shared_chromium(playwright: Playwright) -> Iterator[Browser]:
    """One for all who sit exams and need no profile on disk; each takes a context of their own."""
    launched = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, AUTOPLAY, f"{FAKE_DEVICES}=display-media-type=monitor", FAKE_CONSENT]
    )
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    reason = postgresql.why_not()
    if reason is not None:
        pytest.skip(reason)
    with postgresql.running_server() as directory:
        yield directory


@pytest.fixture
def postgres_url(postgres_server: Path) -> str:
    """A new database."""
    return postgresql.new_database(postgres_server, uuid.uuid4().hex)
