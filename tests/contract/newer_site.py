"""An exam site of its own origin that loads the newer SDK from a service elsewhere, and a candidate in real Chromium."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser, Page
from sqlalchemy import select

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import SessionStore
from tests.service.server import Server

TOKEN = "7d3f0c52-61aa-4f0e-9b1c-5a2f4e8d9c10"
DSN = f"{TOKEN}@proview.example/42"
WHO = {"attendee_identifier": "anna@example.edu", "workflow_identifier": "algebra-1"}
RUNNING_MS = 15_000


class Site:
    """Pages by path. ``{loader}`` in a page stands for the address of the loader."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.loader = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None: ...

            def do_GET(self) -> None:
                page = site.pages.get(self.path.partition("?")[0])
                body = (page or "").replace("{loader}", site.loader).encode()
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Site]:
        self._thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            self._thread.join(5)


def html(body: str = "<h1>Exam</h1>", before: str = "") -> str:
    """A page in the documented form: what waits for the SDK first, its script last."""
    script = '<script src="{loader}" async crossorigin="anonymous"></script>'
    return f'<!doctype html><html lang="en"><head><title>Exam</title></head><body>{body}<script>{before}</script>{script}</body></html>'


class Candidate:
    """A page with the SDK loaded. ``call`` gives what a call of it came to, as plain data."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.faults: list[str] = []
        page.add_init_script(PLAIN)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, url: str) -> Candidate:
        self.page.goto(url)
        self.page.wait_for_function("() => window.Proview")
        self.page.evaluate("() => { window.errors = []; Proview.onError((error) => errors.push(plain(error))); }")
        return self

    def js(self, code: str, arg: Any = None) -> Any:
        return self.page.evaluate(code, arg)

    def call(self, code: str, arg: Any = None) -> dict[str, Any]:
        """``{ok}`` or ``{error}`` of the promise that ``code`` makes."""
        answer: dict[str, Any] = self.page.evaluate(
            f"(arg) => Promise.resolve({code}).then((ok) => ({{ok}}), (error) => ({{error: plain(error)}}))", arg
        )
        return answer

    def init(self, **options: Any) -> dict[str, Any]:
        return self.call("Proview.init(arg)", {"dsn": DSN, **WHO, **options})

    def begin(self, code: str = "Proview.session.start()", arg: Any = None) -> Any:
        """Starts, and passes consent and check as the candidate; what the call came to."""
        self.js(f"(arg) => {{ window.outcome = Promise.resolve({code}).then((ok) => ({{ok}}), (error) => ({{error: plain(error)}})) }}", arg)  # fmt: skip
        self.agree()
        return self.js("() => outcome")

    def agree(self) -> None:
        self.page.get_by_role("button", name="Agree and continue").click()
        self.page.get_by_role("button", name="Start", exact=True).click()

    def rows(self) -> list[Session]:
        """All sessions as the service keeps them, newest first."""
        database = Database(self.server.config.storage.database)
        try:
            with database.read() as orm:
                return list(orm.scalars(select(Session).order_by(Session.id.desc())))
        finally:
            database.dispose()

    def terminate(self, uuid: str) -> None:
        """As a proctor's button does it; another process writes the row, and the next heartbeat tells."""
        database = Database(self.server.config.storage.database)
        try:
            SessionStore(database, self.server.config).end(uuid, State.TERMINATED, "proctor")
        finally:
            database.dispose()

    def row(self, uuid: str) -> Session:
        return next(row for row in self.rows() if row.uuid == uuid)


# Errors are told apart by what a page can read of them.
PLAIN = """
window.plain = (error) => ({code: error.code, message: error.message, type: error.type, validationErrors: error.validationErrors, isError: error instanceof Error});
"""


@contextmanager
def candidate(browser: Browser, server: Server, site: Site) -> Iterator[Candidate]:
    context = browser.new_context(permissions=["camera", "microphone"])
    context.set_default_timeout(RUNNING_MS)
    try:
        yield Candidate(context.new_page(), server)
    finally:
        context.close()
