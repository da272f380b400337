"""The middleware under real servers: gunicorn with threads and with gevent, waitress, wsgiref."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.waitress_server import waitress_server

from .apps import awkward
from .apps.awkward import PAGE

pytestmark = pytest.mark.system  # servers of its own, seconds each

ROOT = Path(__file__).parents[2]
TAG = re.compile(rb'<script src="/proview/init.js" data-proview-route="r0"[^>]*></script>')


@contextlib.contextmanager
def gunicorn(*options: str) -> Iterator[int]:
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--bind",
        "127.0.0.1:0",
        "--graceful-timeout",
        "1",
        *options,
        "tests.middleware.apps.awkward:application",
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    lines: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            listening = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line)
            if listening:
                drain = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
                drain.start()
                yield int(listening[1])
                return
        raise AssertionError("gunicorn did not start:\n" + "".join(lines))
    finally:
        process.terminate()
        process.wait(20)
        if process.stderr is not None:
            if "drain" in locals():
                drain.join(20)
            process.stderr.close()


@contextlib.contextmanager
def wsgiref_server() -> Iterator[int]:
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with make_server("127.0.0.1", 0, awkward.application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(20)


SERVERS = {
    "gunicorn-gthread": lambda: gunicorn("-k", "gthread", "--threads", "4"),
    "gunicorn-gevent": lambda: gunicorn("-k", "gevent"),
    "waitress": lambda: waitress_server(awkward.application),
    "wsgiref": wsgiref_server,
}
# wsgiref serves one request at a time, so nothing could tell its page to go on.
CONCURRENT = [name for name in SERVERS if name != "wsgiref"]


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    awkward.go_on.clear()
    with SERVERS[request.param]() as port:
        yield port


def ask(port: int, path: str, **headers: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {
        "Host": "exam.example.com",
        "Sec-Fetch-Dest": "document",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    connection.request("GET", path, headers=sent)
    return connection, connection.getresponse()


def read(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection, response = ask(port, path, **headers)
    with contextlib.closing(connection):
        return response, response.read()


def without_tag(body: bytes) -> bytes:
    assert len(TAG.findall(body)) == 1
    return TAG.sub(b"", body)


@pytest.mark.parametrize("port", SERVERS, indirect=True)
def test_pages_are_whole_and_tagged_once(port: int) -> None:
    for path in ("/bare/page", "/bare/written", "/bare/file", "/flask/page", "/flask/streamed", "/flask/missing"):
        response, body = read(port, path)
        assert without_tag(body) == PAGE, path
        assert response.getheader("Content-Length") in (None, str(len(body)))
    response, body = read(port, "/bare/download")
    assert body == PAGE
    response, body = read(port, "/bare/gzip", Accept_Encoding="gzip")
    assert without_tag(gzip.decompress(body)) == b"<!doctype html>" + PAGE
    assert response.getheader("Content-Length") == str(len(body))


@pytest.mark.parametrize("port", CONCURRENT, indirect=True)
def test_first_bytes_of_a_pausing_page_arrive_at_once(port: int) -> None:
    """The page only goes on after its first bytes were read: held back, this would never end."""
    connection, response = ask(port, "/bare/pausing")
    with contextlib.closing(connection):
        first = response.read1(1000)
        assert first == b"<!doctype html><html>"
        read(port, "/bare/go")
        assert without_tag(first + response.read()) == PAGE


@pytest.mark.parametrize("port", CONCURRENT, indirect=True)
def test_first_bytes_of_a_pausing_compressed_page_arrive_at_once(port: int) -> None:
    connection, response = ask(port, "/bare/pausing-gzip", Accept_Encoding="gzip")
    with contextlib.closing(connection):
        first = response.read1(10_000)
        assert TAG.search(zlib.decompressobj(31).decompress(first))
        read(port, "/bare/go")
        assert without_tag(gzip.decompress(first + response.read())) == b"<!doctype html>" + PAGE
