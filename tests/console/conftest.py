from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Playwright

from tests.chromium import AUTOPLAY, CHROMIUM, FLAGS

from .world import PASSWORD, Person, World, served


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and the three people."""
    folder = tmp_path_factory.mktemp("template")
    World(folder).close()
    with closing(sqlite3.connect(folder / "proview.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "proview.db"


@pytest.fixture
def world(tmp_path: Path, template: Path) -> Iterator[World]:
    world = World(tmp_path, template)
    yield world
    world.close()


@pytest.fixture
def person(world: World) -> Person:
    return Person(world)


@pytest.fixture
def admin(world: World) -> Person:
    person = Person(world)
    person.enter("admin")
    return person


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, AUTOPLAY])
    yield browser
    browser.close()


class Watched:
    """A page that remembers what must not happen: dialogs, errors, CSP violations."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.set_default_timeout(15_000)
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.faults.append(f"error {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))

    def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:
            self.faults.append(text)

    def log_in(self, name: str = "admin") -> None:
        self.page.goto(f"{self.url}/proview/console/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/console/")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}/proview/console{path}")


@pytest.fixture
def site(world: World) -> Iterator[str]:
    with served(world) as url:
        yield url


@pytest.fixture
def watched(browser: Browser, site: str) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    watched = Watched(context.new_page(), site)
    yield watched
    context.close()
    assert watched.faults == []
