"""The service as clients of Proview reach it: below the mount, and under Proview's own host names (``compat.hosts``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from werkzeug.test import Client, TestResponse

from flask_proview import ProviewMiddleware
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import StartRequest
from tests.chromium import AUTOPLAY, CHROMIUM, FAKE_DEVICES, FLAGS
from tests.service.server import Server

from . import classic, newer_site
from .newer_site import Candidate, Site

PASSWORD = "correct horse battery"
TOKEN, OTHER_TOKEN = "0b1c2d3e-4f50-6g7h-8899-aabbccddeeff", "second-account-token"
API_KEY = "api-key-of-the-main-account-0123456789"
HOSTS = ["cdn.proview.io", "api.proview.io", "auth.talview.com", "proctoring.talview.com", "lms-connector.proview.io", "appv7.proview.io"]  # fmt: skip
MOODLE = "https://moodle.example.edu"


def _application(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"host"]


@dataclass
class Service:
    """``call("/auth", …)`` goes to the mount, ``call("/auth", host="lms-connector.proview.io", …)`` to that host's root."""

    application: ProviewMiddleware
    bearer: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def runtime(self) -> Runtime:
        return self.application.runtime

    def call(
        self, path: str, body: object = None, *, host: str | None = None, login: bool = True, **options: Any
    ) -> TestResponse:
        headers = {"Accept": "application/json", **options.pop("headers", {})}
        if login and self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        if body is not None:
            options.setdefault("data", json.dumps(body))
            options.setdefault("content_type", "application/json")
        base = f"https://{host}" if host else "https://exam.example.edu"
        target = path if host else f"/proview{path}"
        method = options.pop("method", "GET" if body is None else "POST")
        return Client(self.application).open(target, base_url=base, method=method, headers=headers, **options)

    def session(
        self, external: str, profile: str = "42", *, end: bool = True, account: str = "main", **values: Any
    ) -> Session:
        request = StartRequest(account, external, profile, None, "ai_proctor", "Algebra", MOODLE)
        row, _ = self.runtime.sessions.start(request)
        if end:
            self.runtime.sessions.end(row.uuid, State.STOPPED, "page")
        with self.runtime.db.write() as orm:
            stored = orm.get(Session, row.id)
            assert stored is not None
            for name, value in values.items():
                setattr(stored, name, value)
            return stored


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"public_url": "https://exam.example.edu"}


@pytest.fixture
def service(tmp_path: Path, server_settings: dict[str, Any]) -> Iterator[Service]:
    settings = {
        "secrets": {"keys": ["k" * 40]},
        "server": server_settings,
        "storage": {
            "database": f"sqlite:///{tmp_path}/proview.db", "recordings": str(tmp_path / "recordings"), "min_free_mb": 1,
        },
        "media": {"live": "off"},
        "compat": {"hosts": HOSTS},
        "accounts": [
            {
                "name": "main", "title": "Example University", "token": TOKEN, "require_launch": False, "api_key": API_KEY,
                "domains": ["moodle.example.edu", "https://lms.example.edu:8443"], "api_networks": ["10.7.0.0/16"],
            },
            {"name": "second", "token": OTHER_TOKEN, "domains": ["quiz.example.org"], "require_launch": False},
        ],
    }  # fmt: skip
    application = ProviewMiddleware(_application, settings)
    application.runtime.start()
    application.runtime.users.add("admin@example.edu", "admin", PASSWORD)
    service = Service(application)
    answer = service.call("/auth", {"username": "admin@example.edu", "password": PASSWORD})
    service.bearer = answer.get_json()["access_token"]
    yield service
    application.runtime.stop()


# -- the classic client: a customer's site, the service under Proview's names, Chromium (classic.py) ---------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return classic.make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def site(certificate: tuple[Path, Path]) -> Iterator[classic.Site]:
    with classic.Site(certificate) as running:
        yield running


@pytest.fixture(scope="session")
def proview(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[classic.Service]:
    with classic.running_service(tmp_path_factory.mktemp("proview"), certificate) as running:
        yield running


def open_browser(playwright: Playwright, service_port: int, site: classic.Site, *devices: str) -> Browser:
    """Chromium finds Proview's names at our service and the customer's at their site."""
    ours = ", ".join(f"MAP {name} 127.0.0.1:{service_port}" for name in (classic.CDN, classic.SDK_HOST))
    theirs = ", ".join(f"MAP {name} 127.0.0.1:{site.port}" for name in (classic.PAGE_HOST, classic.PARTNER_HOST))
    rules = [f"--host-resolver-rules={ours}, {theirs}", "--ignore-certificate-errors"]
    fakes = devices or ("--use-fake-device-for-media-stream",)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *rules, *fakes])


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, proview: classic.Service, site: classic.Site) -> Iterator[Browser]:
    """Fake camera and microphone; permissions are granted per context."""
    browser = open_browser(playwright, proview.port, site)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def chromium_with_screen(playwright: Playwright, proview: classic.Service, site: classic.Site) -> Iterator[Browser]:
    """Accepts every prompt and has a screen, too."""
    screen = "--use-fake-device-for-media-stream=display-media-type=monitor"
    browser = open_browser(playwright, proview.port, site, screen, "--use-fake-ui-for-media-stream")
    yield browser
    browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    fresh = chromium.new_context(permissions=["camera", "microphone"])
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


# -- the newer SDK: an exam site of its own origin (newer_site.py) -------------------------------------------------------------


@pytest.fixture(scope="package")
def newer_browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, AUTOPLAY, FAKE_DEVICES])
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def newer_exam() -> Iterator[Site]:
    with Site().running() as site:
        site.pages["/exam"] = newer_site.html()
        yield site


@pytest.fixture(scope="package")
def newer_server(tmp_path_factory: pytest.TempPathFactory, newer_exam: Site) -> Iterator[Server]:
    account = {"name": "main", "token": newer_site.TOKEN, "domains": [newer_exam.url], "require_launch": False}
    sections: dict[str, Any] = {
        "accounts": [account], "routes": [], "media": {"live": "off"},
        "limits": {"slice_ms": 300, "starts_per_minute": 1000, "heartbeat_s": 2},
    }  # fmt: skip
    server = Server(tmp_path_factory.mktemp("newer"), **sections)
    server.start()
    newer_exam.loader = f"http://127.0.0.1:{server.port}/proview/init.js"
    yield server
    server.close()


@pytest.fixture
def visit(newer_browser: Browser, newer_server: Server, newer_exam: Site) -> Iterator[Candidate]:
    """Somebody who is about to open the exam site."""
    with newer_site.candidate(newer_browser, newer_server, newer_exam) as candidate:
        yield candidate


@pytest.fixture
def seated(visit: Candidate, newer_exam: Site) -> Candidate:
    """Somebody who has opened the exam's page."""
    return visit.open(newer_exam.url + "/exam")
