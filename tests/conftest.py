"""What all tests share: one Playwright for the whole process (two cannot run side by side in one thread), one PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Playwright, sync_playwright
from sqlalchemy.engine import make_url

from flask_proview.service import loader
from flask_proview.service.loader import STATIC
from flask_proview.sessions import users
from flask_proview.sessions.database import alembic_config

from . import postgresql
from .chromium import AUTOPLAY, CHROMIUM, FAKE_CONSENT, FAKE_DEVICES, FLAGS

# Their assertions tell what they compared, as those of test files do.
pytest.register_assert_rewrite("tests.stacks.harness", "tests.frame.driver")


@pytest.fixture(scope="session", autouse=True)
def cheap_repetitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Thousands of tests log in, want a new database and an application: the real algorithm without its price, copies of what the
    real migrations made, static files compressed once. Processes that tests start, and tests of these things, have the real ones."""
    pattern = tmp_path_factory.mktemp("pattern") / "new.db"
    upgrade = command.upgrade

    def upgrade_or_copy(config: Config, revision: str) -> None:
        url = make_url(config.attributes["url"])
        path = Path(url.database or "")
        if url.get_backend_name() != "sqlite" or revision != "head" or not is_empty(path):
            return upgrade(config, revision)
        if not pattern.exists():
            upgrade(alembic_config(f"sqlite:///{pattern}"), revision)
        with closing(sqlite3.connect(pattern)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)

    own = list(loader.read_static(STATIC))
    real = loader.read_static

    def read_static(folder: Path) -> Iterator[tuple[str, loader.StaticFile]]:
        return iter(own) if folder == STATIC else real(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "PasswordHasher", partial(PasswordHasher, time_cost=1, memory_cost=64, parallelism=1))
        patch.setattr(command, "upgrade", upgrade_or_copy)
        patch.setattr(loader, "read_static", read_static)
        yield


def is_empty(database: Path) -> bool:
    """Whether a SQLite file has no tables, or is not there; who looks into one makes it."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


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
