"""What happens while a request is still being sent, and before the body of its answer begins."""

from __future__ import annotations

import socket
import threading

import pytest

from .asking import ask
from .front import gunicorn_proxy
from .upstream import OK, Upstream

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Inner: 1\r\n\r\n"


def receive_until(sock: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        data = sock.recv(65536)
        assert data, f"closed after {received[-200:]!r}"
        received += data
    return received


def test_the_head_of_a_silent_stream_arrives_before_its_first_event() -> None:
    go_on = threading.Event()

    def stream(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        go_on.wait(20)
        sock.sendall(b"3\r\none\r\n0\r\n\r\n")

    with Upstream(stream) as upstream, gunicorn_proxy(upstream.url) as port:
        try:
            with socket.create_connection(("127.0.0.1", port), 8) as sock:
                sock.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
                assert receive_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
                go_on.set()
                receive_until(sock, b"0\r\n\r\n")
        finally:
            go_on.set()


def test_early_hints_go_on_where_the_server_can_send_them() -> None:
    hints: list[list[tuple[str, str]]] = []
    with Upstream(EARLY + OK) as upstream:
        got = ask(upstream, environ={"wsgi.early_hints": hints.append})
    assert got.data == b"ok"
    assert hints == [[("Link", "</a.css>; rel=preload")]]


def test_an_early_yes_does_not_cut_the_upload_short() -> None:
    """An application may begin its answer (progress, an echo) while it still reads: every byte must reach it."""
    arrived = bytearray()
    size = 4 * 2**20

    def begin_then_read(sock: socket.socket, request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nreading ")
        arrived.extend(request.partition(b"\r\n\r\n")[2])
        while len(arrived) < size:
            data = sock.recv(65536)
            if not data:
                break
            arrived.extend(data)
        sock.sendall(b"done")

    with Upstream(begin_then_read, stop_at_head=True) as upstream:
        got = ask(upstream, method="POST", data=b"x" * size)
    assert len(arrived) == size
    assert got.data == b"reading done"


def test_a_no_arrives_although_the_application_has_stopped_reading() -> None:
    refused = threading.Event()

    def refuse(sock: socket.socket, _request: bytes) -> None:
        refused.wait(0.7)  # until the proxy is held up by full buffers
        sock.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!")
        refused.wait(5)

    with Upstream(refuse, stop_at_head=True) as upstream:
        got = ask(upstream, method="POST", data=b"x" * 32 * 2**20, server={"upstream_read_s": 2})
        refused.set()
    assert (got.status_code, got.data) == (413, b"no!")


@pytest.mark.parametrize("path", ["/exam%00.css", "/a/%00", "/exam\\take"])
def test_a_path_that_applications_cut_or_turn_is_refused(path: str) -> None:
    with Upstream() as upstream:
        assert ask(upstream, environ={"RAW_URI": path}).status_code == 400
    assert upstream.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    ],
)
def test_framing_that_does_not_belong_to_its_version_is_refused(reply: bytes) -> None:
    with Upstream(reply) as upstream:
        assert ask(upstream).status_code == 502


def test_a_204_announces_no_length() -> None:
    with Upstream(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n") as upstream:
        assert "Content-Length" not in ask(upstream).headers


def test_a_switch_to_another_protocol_than_asked_for_is_a_bad_gateway() -> None:
    near, far = socket.socketpair()
    reply = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    with near, far, Upstream(reply) as upstream:
        near.shutdown(socket.SHUT_WR)  # a tunnel, if there were one, ends at once
        got = ask(upstream, environ={"werkzeug.socket": far}, Connection="Upgrade", Upgrade="websocket")
    assert got.status_code == 502
