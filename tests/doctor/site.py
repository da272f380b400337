"""A small site made of raw answers: pages as they are, and whatever else a server can send."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_proview.config import Config, load_config
from flask_proview.doctor.crawl import Limits
from flask_proview.doctor.crawl_report import CrawlReport
from flask_proview.doctor.crawl_run import CrawlOptions, run_crawl
from flask_proview.doctor.pages import Page

KEY = "doctor-q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"
DOCTYPE = "<!doctype html><html lang=en><title>Page</title>"


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Answer = bytes | Iterable[bytes] | None
Answerer = Callable[[Asked], Answer]


def page(
    body: str | bytes = "", *headers: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8"
) -> bytes:
    """A whole answer; text gets the usual beginning of a document."""
    content = (DOCTYPE + body).encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status}",
        *([f"Content-Type: {kind}"] if kind else []),
        f"Content-Length: {len(content)}",
        *headers,
    ]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + content


def redirect(location: str, *headers: str, status: str = "302 Found") -> bytes:
    return page(b"", f"Location: {location}", *headers, status=status)


NOT_FOUND = page("gone", status="404 Not Found")


@dataclass
class Site:
    """Answers by path; a callable under ``*`` answers the rest."""

    answers: dict[str, Answer | Answerer]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        found = self.answers.get(asked.target, self.answers.get(asked.path, self.answers.get("*", NOT_FOUND)))
        return found(asked) if callable(found) else found

    def handle(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        with contextlib.suppress(OSError), connection if tls is None else _secured(connection, tls) as connection:
            asked = _read(connection)
            if asked is None:
                return
            self.asked.append(asked)
            answer = self.answer(asked)
            for piece in [answer] if isinstance(answer, bytes) else answer or ():
                connection.sendall(piece)


def _secured(connection: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
    with connection:  # closed when the handshake fails; wrapping takes it over otherwise
        return tls.wrap_socket(connection, server_side=True)


def _read(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            return None
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, target, _ = first.split(" ")
    return Asked(method, target, headers, body)


@contextlib.contextmanager
def running(
    answers: Mapping[str, Answer | Answerer] | None = None, *, tls: ssl.SSLContext | None = None
) -> Iterator[Site]:
    """A site on a free port of this machine."""
    site = Site(dict(answers or {}))
    listener = socket.create_server(("127.0.0.1", 0))
    site.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    threads: list[threading.Thread] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=site.handle, args=(connection, tls), daemon=True))
            threads[-1].start()

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    try:
        yield site
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        server.join(10)
        for thread in threads:
            thread.join(10)


def config_for(
    *domains: str, server: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **route: Any
) -> Config:
    """A configuration with one route: /exam/<attempt>/… unless said otherwise."""
    return load_config(
        {
            "secrets": {"keys": [KEY]},
            "server": server or {},
            "limits": limits or {},
            "accounts": [
                {
                    "name": "main",
                    "token": "b3f6224e-d072-4e0a-9053-9216b9994d43",
                    "domains": list(domains) or ["exam.example.edu"],
                }
            ],
            "routes": [{"name": "exam", "path": "/exam/<attempt>/<path:page>", "session": "path:attempt", **route}],
        },
        environ={},
    )


def crawl(
    site: Site, start: str = "/", *, config: Config | None = None, limits: Limits | None = None, **options: Any
) -> CrawlReport:
    """A crawl without pauses."""
    config = config or config_for(site.url)
    return run_crawl(config, CrawlOptions(site.url + start, limits=limits or Limits(delay_s=0), **options))


def pages_of(report: CrawlReport) -> dict[str, Page]:
    return {page.target: page for page in report.crawl.pages}


def codes(page: Page) -> set[str]:
    return {note.code for note in page.notes}
