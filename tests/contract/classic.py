"""A customer's site with Proview's snippet, and the service under Proview's host names: everything that the classic client meets.

The site is ours in nothing: another server on other host names, over TLS, that has never heard of the service. The browser
reaches both by name (``--host-resolver-rules``), so that pages keep the addresses they have in the world.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Frame, Page
from sqlalchemy import select

from flask_proview.config import Config, load_config
from flask_proview.errors import ApiError
from flask_proview.recordings.coverage import coverage
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.models import Session
from flask_proview.sessions.users import UserStore
from tests.e2e.installation import ROOT, clean_environment, free_port, wait_until

TOKEN = "0b1c2d3e-4f50-6g7h-8899-aabbccddeeff"
OTHER_TOKEN, LAUNCHED_TOKEN = "second-account-token", "launched-account-token"
PASSWORD = "correct horse battery"
CDN, SDK_HOST, PAGE_HOST, PARTNER_HOST = "cdn.proview.io", "sdk.tlv.cx", "exam.example.edu", "partner.example.org"
LOADER = f"//{CDN}/init.js"

# The bootstrap of reference §1.1, as customers paste it: loader address and name of the command function are all that varies.
BOOTSTRAP = """(function (w, d, e, u, n) { w['TalviewProctor'] = n; w[n] = w[n] || function () { (w[n].q = w[n].q || []).push(arguments) };
w[n].l = 1 * new Date(); var s = d.createElement(e), f = d.getElementsByTagName(e)[0]; s.async = 1; s.src = u; f.parentNode.insertBefore(s, f) })
(window, document, 'script', '%s', '%s');"""


def bootstrap(loader: str = LOADER, name: str = "tv") -> str:
    return BOOTSTRAP % (loader, name)


def snippet(options: str, *, loader: str = LOADER, name: str = "tv", token: str = TOKEN) -> str:
    """Bootstrap and call, as one inline script; ``window.calls`` keeps what initCallback is told."""
    return (
        f"<script>window.calls = [];\n{bootstrap(loader, name)}\n"
        "function told() { var a = [].slice.call(arguments); if (a[0]) a[0] = {isError: a[0] instanceof Error, text: String(a[0]),"
        " code: a[0].code, paths: (a[0].validationErrors || []).map(function (one) { return one.path })}; calls.push(a) }\n"
        f"{name}('init', {json.dumps(token)}, {options});</script>"
    )


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Certificate and key for all names of these tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "contract tests")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in (CDN, SDK_HOST, PAGE_HOST, PARTNER_HOST)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


class Site:
    """The customer's server: pages by path, the same on all its names."""

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        self.pages: dict[str, bytes] = {}
        self.port = 0
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = pages.get(self.path.partition("?")[0])
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_args: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def page(self, path: str, body: str = "", *, host: str = PAGE_HOST) -> str:
        """Puts a page there and says its address. The first script of the document is the page's own, as the snippet expects."""
        html = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Exam</title></head><body><h1>Exam</h1><div id="mine">content</div>{body}</body></html>'
        self.pages[path] = html.encode()
        return f"https://{host}{path}"


@dataclass
class Service:
    """`proview serve` over TLS, with Proview's names in ``[compat] hosts``."""

    folder: Path
    port: int
    certificate: Path
    process: subprocess.Popen[bytes]
    config: Config
    _bearer: dict[str, str] = field(default_factory=dict)

    def rows(self, external_id: str) -> list[Session]:
        """The sessions of an external id, oldest first."""
        database = Database(self.config.storage.database)
        try:
            with database.read() as orm:
                found = orm.scalars(select(Session).where(Session.external_id == external_id).order_by(Session.id))
                return list(found)
        finally:
            database.dispose()

    def row(self, external_id: str) -> Session:
        (row,) = self.rows(external_id)
        return row

    def whole(self, uuid: str, track: str = "camera") -> bool:
        """Every run that was begun arrived from its first to its last piece."""
        database = Database(self.config.storage.database)
        try:
            with database.read() as orm:
                session_id = orm.scalars(select(Session.id).where(Session.uuid == uuid)).one()
            runs = coverage(database, session_id, track)["runs"]
        finally:
            database.dispose()
        return bool(runs) and all(run["complete"] for run in runs)

    def call(self, path: str, body: object = None) -> requests.Response:
        """As somebody of the institution who has logged in."""
        url = f"https://127.0.0.1:{self.port}/proview"
        verify = str(self.certificate)
        if not self._bearer:
            credentials = {"username": "admin", "password": PASSWORD}
            login = requests.post(f"{url}/v1/user/login", json=credentials, verify=verify, timeout=10)
            self._bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
        method = "GET" if body is None else "POST"
        answer = requests.request(method, url + path, json=body, headers=self._bearer, verify=verify, timeout=10)
        answer.raise_for_status()
        return answer

    def details(self, uuid: str) -> dict[str, Any]:
        details: dict[str, Any] = self.call(f"/v1/sessions/{uuid}").json()
        return details

    def finished(self, uuid: str, track: str = "camera") -> dict[str, Any]:
        """The details once the recording of ``track`` is made."""

        def made() -> dict[str, Any] | None:
            details = self.details(uuid)
            tracks = {one["track"] for one in details["recordings"]}
            return details if details["ended_at"] and track in tracks else None

        found: dict[str, Any] = wait_until(made, 30, "the recording")
        return found

    def die(self) -> None:
        """All of it, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def write_config(folder: Path, port: int, certificate: tuple[Path, Path], **limits: Any) -> Path:
    pages = [f"https://{PAGE_HOST}", f"https://{PARTNER_HOST}"]
    sections: dict[str, dict[str, Any]] = {
        "server": {"listen": f"127.0.0.1:{port}"},
        "server.tls": {"cert": str(certificate[0]), "key": str(certificate[1])},
        "secrets": {"keys": ["contract-q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4"]},
        "storage": {"database": "sqlite:///proview.db", "recordings": "recordings"},
        "media": {"live": "off"},
        "limits": {"slice_ms": 400, "heartbeat_s": 1, "drain_deadline_s": 2, "starts_per_minute": 10_000, **limits},
        "compat": {"hosts": [CDN, SDK_HOST, "prod.proview.io"]},
    }
    accounts: list[dict[str, Any]] = [
        {"name": "main", "token": TOKEN, "domains": pages, "require_launch": False},
        {"name": "second", "token": OTHER_TOKEN, "domains": ["https://quiz.example.org"], "require_launch": False},
        {"name": "launched", "token": LAUNCHED_TOKEN, "domains": pages},
    ]
    lines: list[str] = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]
    for account in accounts:
        lines += ["[[accounts]]", *(f"{key} = {json.dumps(value)}" for key, value in account.items()), ""]
    file = folder / "proview.toml"
    file.write_text("\n".join(lines))
    return file


@contextlib.contextmanager
def running_service(
    folder: Path, certificate: tuple[Path, Path], *, port: int | None = None, **limits: Any
) -> Iterator[Service]:
    """On ``port`` again, it goes on with the database that lies in ``folder``."""
    port = port or free_port()
    file = write_config(folder, port, certificate, **limits)
    config = load_config(file, clean_environment())
    upgrade(config.storage.database)
    database = Database(config.storage.database)
    try:
        users = UserStore(database)
        with contextlib.suppress(ApiError):
            users.add("admin", "admin", PASSWORD)
    finally:
        database.dispose()
    with open(folder / "proview.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask_proview", "serve", "-c", str(file)],
            cwd=ROOT, env=clean_environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    service = Service(folder, port, certificate[0], process, config)

    def up() -> bool:
        with contextlib.suppress(requests.RequestException):
            address = f"https://127.0.0.1:{port}/proview/init.js"
            return requests.get(address, verify=str(certificate[0]), timeout=2).status_code == 200
        return False

    try:
        try:
            wait_until(up, 30, "proview serve")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(folder / 'proview.log').read_text()}") from None
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                service.die()


def eventually(page: Page, condition: Callable[[], object], what: str, within: float = 15) -> None:
    """Lets the page's events through while it waits."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        page.wait_for_timeout(50)


def state_is(page: Page | Frame, state: str) -> None:
    page.wait_for_function(
        "(state) => window.ProctorClient3 && ProctorClient3.state === state", arg=state, timeout=20_000
    )


def agree(page: Page | Frame) -> None:
    page.get_by_role("button", name="Agree and continue").click()


def begin(page: Page | Frame, *, check: bool = True) -> None:
    """Through consent and device check, as candidates do it."""
    agree(page)
    if check:
        page.get_by_role("button", name="Start", exact=True).click()
    state_is(page, "running")


def stop(page: Page | Frame) -> None:
    page.evaluate("new Promise((resolve) => ProctorClient3.stop(resolve))")
