"""Slow, endless and very large peers on either side: memory and time stay bounded."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from .exam_front import BROWSER, PAGE, running_exam
from .front import Front, gunicorn_proxy, running_proxy
from .memory import reset_peak, resident_mb
from .raw import connect, get, receive_all, receive_until, wait_for
from .upstream import OK, Upstream

pytestmark = pytest.mark.system

HEAD = b"<!doctype html><html><head><title>Exam</title></head><body>"
ROW = b"<tr><td>" + b"answer " * 9000 + b"</td></tr>\n"
# One piece in each buffer on the way, and what Python keeps of them.
ALLOWED_MB = 6.0
TAG = b'src="/proview/init.js"'


def page_request(front: Front) -> bytes:
    lines = [f"GET {PAGE} HTTP/1.1", f"Host: 127.0.0.1:{front.port}", *BROWSER, "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


def swallow(sock: socket.socket, at_most: float = float("inf")) -> tuple[bytes, int]:
    """(the first bytes, how many there were)."""
    first = sock.recv(65536)
    length = len(first)
    while length < at_most and (data := sock.recv(1 << 20)):
        length += len(data)
        if len(first) < 10_000:
            first += data
    return first, length


@pytest.mark.parametrize(("framing", "size_mb"), [("sized", 200), ("chunked", 50), ("until close", 50)])
def test_memory_does_not_grow_with_the_page(tmp_path: Path, framing: str, size_mb: int) -> None:
    rows = size_mb * (1 << 20) // len(ROW)

    def huge(sock: socket.socket, request: bytes) -> None:
        if PAGE.encode() not in request:
            sock.sendall(OK)
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        length = b"Content-Length: %d\r\n" % (len(HEAD) + rows * len(ROW))
        head += {"sized": length, "chunked": b"Transfer-Encoding: chunked\r\n"}.get(framing, b"Connection: close\r\n")
        row = b"%x\r\n%b\r\n" % (len(ROW), ROW) if framing == "chunked" else ROW
        sock.sendall(head + b"\r\n" + (b"%x\r\n%b\r\n" % (len(HEAD), HEAD) if framing == "chunked" else HEAD))
        for _ in range(rows):
            sock.sendall(row)
        if framing == "chunked":
            sock.sendall(b"0\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)

    with Upstream(huge) as upstream, running_exam(upstream.url, tmp_path) as front:
        get(front.port)
        reset_peak(front.process.pid)
        before = resident_mb(front.process.pid, peak=False)
        with connect(front.port, 60) as sock:
            sock.sendall(page_request(front))
            first, length = swallow(sock)
        assert TAG in first
        assert length > rows * len(ROW)
        assert resident_mb(front.process.pid, peak=True) - before < ALLOWED_MB


def test_a_gzip_bomb_is_passed_on_as_small_as_it_is(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(HEAD) + b"".join(packer.compress(b" " * (1 << 20)) for _ in range(1000)) + packer.flush()
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % len(bomb)
    )
    with Upstream(OK, answer + bomb) as upstream, running_exam(upstream.url, tmp_path) as front:
        get(front.port)
        reset_peak(front.process.pid)
        before = resident_mb(front.process.pid, peak=False)
        with connect(front.port) as sock:
            sock.sendall(page_request(front))
            got = receive_all(sock)
        body = got.partition(b"\r\n\r\n")[2]
        assert len(body) < len(bomb) + 1000
        assert TAG in zlib.decompressobj(31).decompress(body, 10_000)
        assert resident_mb(front.process.pid, peak=True) - before < ALLOWED_MB + 2 * len(bomb) / 2**20


def test_an_endless_answer_ends_when_its_reader_leaves(tmp_path: Path) -> None:
    broken = threading.Event()

    def endless(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):
            while True:
                sock.sendall(b"%x\r\n%b\r\n" % (len(ROW), ROW))
        broken.set()

    with Upstream(OK, endless) as upstream, running_exam(upstream.url, tmp_path) as front:
        get(front.port)
        reset_peak(front.process.pid)
        before = resident_mb(front.process.pid, peak=False)
        with connect(front.port) as sock:
            sock.sendall(page_request(front))
            assert swallow(sock, 20 << 20)[1] >= 20 << 20
            assert not broken.is_set()
        assert broken.wait(20)
        assert resident_mb(front.process.pid, peak=True) - before < ALLOWED_MB


@pytest.mark.parametrize("size", ["chunked", "sized"])
def test_a_large_upload_needs_no_memory(size: str) -> None:
    heard = 0

    def count(sock: socket.socket, request: bytes) -> None:
        nonlocal heard
        heard = len(request)
        while heard < 30 << 20 and (data := sock.recv(1 << 20)):
            heard += len(data)
        sock.sendall(OK)

    with Upstream(OK, count, stop_at_head=True) as upstream, running_proxy(upstream.url) as front:
        at = f"http://127.0.0.1:{front.port}/up"
        assert requests.get(at, timeout=20).text == "ok"
        reset_peak(front.process.pid)
        before = resident_mb(front.process.pid, peak=False)
        pieces = (ROW for _ in range((31 << 20) // len(ROW)))
        data: Any = pieces if size == "chunked" else _Sized(pieces, (31 << 20) // len(ROW) * len(ROW))
        with suppress(requests.ConnectionError):  # answered before its end
            requests.post(at, data=data, timeout=60)
        wait_for(lambda: heard >= 30 << 20)
        assert resident_mb(front.process.pid, peak=True) - before < ALLOWED_MB


class _Sized:
    """An iterable that requests sends with a Content-Length."""

    def __init__(self, pieces: object, length: int) -> None:
        self._pieces, self._length = pieces, length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> object:
        return self._pieces


@pytest.fixture(scope="module")
def impatient() -> object:
    """A proxy whose limits are short."""
    patience = {
        "flask_proview.serve.request_heads:HEAD_S": 0.5,
        "flask_proview.serve.front_worker:SILENT_S": 1.0,
        "flask_proview.middleware.proxy.request:UPLOAD_GRACE_S": 1.0,
        "flask_proview.middleware.proxy.request:UPLOAD_BYTES_PER_S": 1e9,
    }
    big = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20) + b"x" * (64 << 20)
    with Upstream(OK) as upstream:
        upstream.answers[:] = [OK]
        with gunicorn_proxy(upstream.url, patience=patience, upstream_pool=1, upstream_connect_s=1) as port:
            yield upstream, port, big


def drip(sock: socket.socket, data: bytes) -> None:
    """Byte by byte until the other side has had enough."""
    sock.settimeout(0.1)
    for at in range(len(data)):
        try:
            sock.sendall(data[at : at + 1])
            sock.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            pass
        return
    raise AssertionError("it was listened to until the end")


def test_a_head_that_drips_in_is_given_up(impatient: tuple[Upstream, int, bytes]) -> None:
    upstream, port, _ = impatient
    before = len(upstream.requests)
    with connect(port) as sock:
        drip(sock, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200)
    assert len(upstream.requests) == before


def test_a_client_that_says_nothing_is_given_up(impatient: tuple[Upstream, int, bytes]) -> None:
    with connect(impatient[1]) as sock:
        assert sock.recv(1) == b""


def test_an_upload_that_drips_in_or_stops_gives_its_connection_back(impatient: tuple[Upstream, int, bytes]) -> None:
    upstream, port, _ = impatient
    head = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    with connect(port) as sock:
        sock.sendall(head)
        drip(sock, b"a" * 300)
    with connect(port) as sock:
        sock.sendall(head + b"abc")
        receive_all(sock)
    # The pool has one place.
    assert get(port).endswith(b"ok")
    assert not any(request.endswith(b"a" * 1000) for request in upstream.requests)


def test_a_reader_that_does_not_read_gives_its_connection_back(impatient: tuple[Upstream, int, bytes]) -> None:
    upstream, port, big = impatient
    upstream.answers[:] = [big]
    with connect(port) as sock:
        sock.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        receive_until(sock, b"\r\n\r\n")
        wait_for(lambda: upstream.open_connections == 0)
    upstream.answers[:] = [OK]
    assert get(port).endswith(b"ok")


def test_a_body_that_pauses_too_long_is_broken_off() -> None:
    let_go = threading.Event()

    def pause(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        let_go.wait(20)

    with Upstream(pause) as upstream:
        try:
            with gunicorn_proxy(upstream.url, upstream_read_s=1) as port:
                got = get(port)
                assert got.endswith(b"\r\n\r\nhalf")
                assert b"Content-Length: 100" in got
        finally:
            let_go.set()


def test_many_small_gzip_pages_are_whole(tmp_path: Path) -> None:
    """What is bounded must not be cut."""
    page = gzip.compress(HEAD + b"answer " * 20_000)
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % len(page)
    )
    with Upstream(answer + page) as upstream, running_exam(upstream.url, tmp_path) as front:
        got = requests.get(
            f"http://127.0.0.1:{front.port}{PAGE}",
            headers={"Sec-Fetch-Dest": "document", "Accept": "text/html"},
            timeout=20,
        )
        assert TAG in got.content
        assert got.content.endswith(b"answer " * 20_000)
