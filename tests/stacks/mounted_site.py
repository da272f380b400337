"""What a host application may do that a server and a middleware have to bear; everything else is the demo's exam site.

Below ``/exam/host/``: pages with a known body, files by ``wsgi.file_wrapper``, ranges, answers that pause, uploads, an answer
without end. Loaded by real servers; what has to be seen from outside is said by files below ``DEMO_STATE``.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from demo_app.wsgi_exam import ExamSite

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/exam/host/"
PAGE = (
    b"<!doctype html>\n<html><head><title>Page</title></head><body>"
    + b"<p>text \xc3\xa4</p>\n" * 400
    + b"</body></html>\n"
)
FILE_BYTES = 3_000_000
DATA = bytes(range(256)) * (FILE_BYTES // 256)
FIRST, REST = b"<!doctype html><html><head>", b"<title>Late</title></head><body>late</body></html>"
PATIENCE_S = 20.0


class Endless:
    """Goes on until the server closes it, and says so."""

    def __init__(self, closed: Path) -> None:
        self._closed = closed

    def __iter__(self) -> Iterator[bytes]:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            yield b"x" * 65_536

    def close(self) -> None:
        self._closed.write_text("closed")


class HostSite:
    def __init__(self) -> None:
        self._exam = ExamSite()
        self._state = Path(os.environ["DEMO_STATE"])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self._exam(environ, start_response)
        answer: Iterable[bytes] = getattr(self, path.removeprefix(PREFIX))(environ, start_response)
        return answer

    def page(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE)))]
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [PAGE]

    def paged_file(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        file = self._state / "page.html"
        file.write_bytes(PAGE)
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(PAGE)))])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file.open("rb"))
        return wrapped

    def data(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        file = self._state / "data.bin"
        file.write_bytes(DATA)
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(DATA)))])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file.open("rb"), 65_536)
        return wrapped

    def part(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "HTTP_RANGE" not in environ:
            return self.page(environ, start_response)
        first, last = (int(number) for number in environ["HTTP_RANGE"].removeprefix("bytes=").split("-"))
        body = PAGE[first : last + 1]
        headers = [("Content-Type", "text/html"), ("Content-Length", str(len(body)))]
        start_response("206 Partial Content", [*headers, ("Content-Range", f"bytes {first}-{last}/{len(PAGE)}")])
        return [body]

    def paused(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return self._with_a_pause(environ, FIRST, REST)

    def events(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")])
        return self._with_a_pause(environ, b"data: 1\n\n", b"data: 2\n\n")

    def endless(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return Endless(self._named(environ))

    def upload(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The body as a plain application reads it: by its length, or to its end where the server says that it ends."""
        length = environ.get("CONTENT_LENGTH")
        left = int(length) if length else None
        digest, count = hashlib.sha256(), 0
        while left is None or left > 0:
            data = environ["wsgi.input"].read(65_536 if left is None else min(left, 65_536))
            if not data:
                break
            digest.update(data)
            count += len(data)
            left = None if left is None else left - len(data)
        return self._json(start_response, {"sha256": digest.hexdigest(), "bytes": count, "length": length})

    def headers(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """What arrives of a request's headers."""
        names = {name: str(value) for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))}
        return self._json(start_response, names)

    def _with_a_pause(self, environ: WSGIEnvironment, first: bytes, rest: bytes) -> Iterator[bytes]:
        yield first
        deadline = time.monotonic() + PATIENCE_S
        while not self._named(environ).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield rest

    def _named(self, environ: WSGIEnvironment) -> Path:
        (name,) = parse_qs(environ["QUERY_STRING"])["name"]
        return self._state / f"named-{name}"

    def _json(self, start_response: StartResponse, body: object) -> Iterable[bytes]:
        data = json.dumps(body).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]
