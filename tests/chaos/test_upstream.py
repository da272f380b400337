"""The application behind ``proview serve`` fails in every way at once; candidates go on being recorded (faults 42 and 43). What candidates see is in tests/proxy."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from tests.proxy.upstream import OK, Answer, Upstream
from tests.service.server import Server

from .served import put, running
from .test_disks import body_of, kept

pytestmark = pytest.mark.system

ALLOWED_MB = 32
READ_S = 2


def silent(sock: socket.socket, _request: bytes) -> None:
    with suppress(OSError):
        sock.recv(1)  # until the proxy gives up


def cut(sock: socket.socket, _request: bytes) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<html><head>half")


def endless(sock: socket.socket, _request: bytes) -> None:
    row = b"<p>" + b"x" * 4000
    with suppress(OSError):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            sock.sendall(b"%x\r\n%b\r\n" % (len(row), row))


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = packer.compress(b"<html><head>") + b"".join(packer.compress(b" " * (1 << 20)) for _ in range(300)) + packer.flush()  # fmt: skip
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def ask(server: Server, at_most: int = 1 << 20) -> tuple[int, str]:
    """Status, and whether the page is ``whole``, ``cut`` off, or ``more`` than anybody reads."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("GET", "/page", headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
        response = connection.getresponse()
        if len(response.read(at_most)) == at_most:
            return response.status, "more"
        return response.status, "cut" if response.length else "whole"  # what is left of Content-Length
    except http.client.IncompleteRead:
        return 200, "cut"
    finally:
        connection.close()


def test_an_application_that_fails_stops_no_recording(tmp_path: Path) -> None:
    error = b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\noops"
    answers: list[Answer] = [error, silent, cut, endless, bomb(), OK]
    with Upstream(*answers) as upstream, running(tmp_path, server={"upstream": upstream.url, "upstream_read_s": READ_S}) as server:  # fmt: skip
        started = server.start_session()
        acknowledged: list[int] = []
        longest = 0.0
        stop = threading.Event()

        def record() -> None:
            nonlocal longest
            for seq in range(10_000):
                began = time.monotonic()
                assert put(server, started, seq, body_of(seq))[0] == 201
                longest = max(longest, time.monotonic() - began)
                acknowledged.append(seq)
                if stop.wait(0.05):
                    return

        recorder = threading.Thread(target=record)
        recorder.start()
        before_mb = server.rss_mb
        try:
            assert ask(server) == (500, "whole"), "the application's own error"
            began = time.monotonic()
            assert ask(server)[0] == 504
            assert time.monotonic() - began < READ_S + 3
            assert ask(server) in ((200, "cut"), (502, "whole"), (504, "whole")), "never a complete page"
            assert ask(server) == (200, "more")
            assert ask(server)[0] == 200
            assert server.rss_mb - before_mb < ALLOWED_MB
            assert ask(server) == (200, "whole"), "and it is asked again at once when it is well"
        finally:
            stop.set()
            recorder.join(20)
        assert len(acknowledged) > 20 and set(acknowledged) <= kept(server, started)
        assert longest < READ_S, "no piece waited for the application"
