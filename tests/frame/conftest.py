"""The same site behind us in frame mode and bare, and a window that knows where the page is in each."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Error, Frame, Page, Playwright
from sqlalchemy import select

from flask_proview.config import load_config
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Event, Session
from tests.chromium import AUTOPLAY, CHROMIUM, FAKE_DEVICES, FLAGS
from tests.e2e.installation import wait_until

ROOT = Path(__file__).resolve().parents[2]
WAYS = ("bare", "framed")


def configuration(folder: Path, url: str) -> dict[str, Any]:
    return {
        "secrets": {"keys": ["frame-q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"]},
        "storage": {
            "database": f"sqlite:///{folder}/proview.db",
            "recordings": str(folder / "recordings"),
            "min_free_mb": 1,
        },
        "media": {"live": "off"},
        "accounts": [{"name": "main", "token": "11111111-2222-4333-8444-555555555555", "domains": [url]}],
        "routes": [
            {
                "name": "exam",
                "path": "/exam/<attempt>/<path:page>",
                "mode": "frame",
                "session": "path:attempt",
                "profile": "cookie:uid",
                "stop_paths": ["/exam/<attempt>/done"],
            }
        ],
    }


class Site:
    """A running server; ``framed``: behind us."""

    def __init__(self, url: str, database: Database | None) -> None:
        self.url = url
        self.database = database

    @property
    def framed(self) -> bool:
        return self.database is not None

    def sessions(self) -> list[tuple[str, str, str]]:
        """(session id, profile id, state), oldest first."""
        assert self.database is not None
        with self.database.read() as db:
            rows = db.execute(select(Session.external_id, Session.profile_id, Session.state).order_by(Session.id))
            return [(row[0], row[1], str(getattr(row[2], "value", row[2]))) for row in rows]

    def events(self) -> list[str]:
        assert self.database is not None
        with self.database.read() as db:
            return list(db.scalars(select(Event.name).order_by(Event.id)))


@contextlib.contextmanager
def serving(folder: Path, *, framed: bool) -> Iterator[Site]:
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = configuration(folder, url)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("PROVIEW_")}
        if framed:
            environ["PROVIEW_TEST_CONFIG"] = json.dumps(config)
        fd = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "--bind", f"fd://{fd}"]
        command += ["--no-control-socket", "--graceful-timeout", "1", "tests.frame.legacy:application()"]
        with (folder / "server.log").open("ab") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environ, pass_fds=[fd], stdout=output, stderr=output, start_new_session=True
            )
        database = Database(load_config(config, {}).storage.database) if framed else None
        try:
            wait_until(lambda: _answers(url + ("/proview/readyz" if framed else "/help")), 30, "the server")
            yield Site(url, database)
        finally:
            if database is not None:
                database.dispose()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=30).status_code == 200
    return False


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    folder = tmp_path_factory.mktemp("frame")
    with serving(folder / "bare", framed=False) as bare, serving(folder / "framed", framed=True) as framed:
        yield {"bare": bare, "framed": framed}


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, AUTOPLAY, FAKE_DEVICES])
    yield launched
    launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    fresh = browser.new_context(permissions=["camera", "microphone"])
    fresh.set_default_timeout(15_000)
    yield fresh
    fresh.close()


@dataclass
class Window:
    """One tab at the site."""

    page: Page
    site: Site

    def seat(self, path: str = "/exam/7/one", *, by: str = "goto") -> Window:
        """Opens a protected page; behind us, goes through consent and check."""
        if by == "goto":
            self.page.goto(self.site.url + path)
        if self.site.framed:
            self.agree()
        self.at(path.partition("?")[0].rpartition("/")[2].partition("#")[0])
        return self

    def agree(self) -> None:
        self.page.get_by_role("button", name="Agree and continue").click()
        self.page.get_by_role("button", name="Start", exact=True).click()
        self.running()

    def running(self) -> None:
        self.page.wait_for_function("() => window.ProctorClient3 && window.ProctorClient3.state === 'running'")

    def go(self, path: str) -> None:
        """As a script of the page would."""
        self.exam.evaluate("path => { location.href = path }", path)

    @property
    def exam(self) -> Frame:
        return self.frame or self.page.main_frame

    @property
    def frame(self) -> Frame | None:
        """The shell's frame, whatever the page in it calls its window."""
        for frame in self.page.main_frame.child_frames:
            with contextlib.suppress(Error):
                if frame.frame_element().get_attribute("id") == "proview-frame":
                    return frame
        return None

    def at(self, name: str) -> None:
        """Waits until the page ``name`` is shown."""
        self.until(lambda: self.exam.evaluate("document.querySelector('h1')?.textContent") == name, f"page {name}")

    def until(self, condition: Any, what: str) -> None:
        def ask() -> Any:
            self.page.wait_for_timeout(30)
            # A page that is just being replaced cannot be asked.
            with contextlib.suppress(Error):
                return condition()
            return False

        wait_until(ask, 15, what)

    def address(self) -> str:
        return self.page.url.removeprefix(self.site.url)

    def shows(self, address: str) -> None:
        self.until(lambda: self.address() == address, f"{address} in the address bar, which has {self.address()}")

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.exam.evaluate("document.getElementById('facts').textContent"))
        return facts


@pytest.fixture(params=WAYS)
def window(request: pytest.FixtureRequest, sites: dict[str, Site], context: BrowserContext) -> Window:
    """The same expectations on both: that is what "as without us" means."""
    return Window(context.new_page(), sites[request.param])


@pytest.fixture
def framed(sites: dict[str, Site], context: BrowserContext) -> Window:
    return Window(context.new_page(), sites["framed"])
