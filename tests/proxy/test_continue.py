"""Uploads that ask before they are sent (RFC 9110 section 10.1.1): the application decides, not the server in front."""

from __future__ import annotations

import socket
import threading

import pytest

from .front import gunicorn_proxy
from .raw import connect, receive_all, receive_until
from .upstream import OK, Upstream, fields

pytestmark = pytest.mark.system

ASKS = b"POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


def test_100_continue_is_the_applications_word() -> None:
    say = threading.Event()

    def consider(sock: socket.socket, request: bytes) -> None:
        assert b"hello" not in request
        say.wait(10)
        sock.sendall(GO_ON)
        while not request.endswith(b"hello"):
            request += sock.recv(65536)
        sock.sendall(OK)

    with Upstream(consider, stop_at_head=True) as upstream, gunicorn_proxy(upstream.url) as port, connect(port) as sock:
        sock.sendall(ASKS)
        sock.settimeout(0.4)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(20)
        say.set()
        assert receive_until(sock, b"\r\n\r\n") == GO_ON
        sock.sendall(b"hello")
        assert receive_until(sock, b"ok").startswith(b"HTTP/1.1 200 OK\r\n")
        assert fields(upstream.requests[0])["expect"] == "100-continue"


@pytest.mark.parametrize("status", ["401 Unauthorized", "413 Content Too Large", "200 OK"])
def test_a_final_answer_in_its_place_arrives_without_the_upload(status: str) -> None:
    refuse = f"HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nno!".encode()
    with Upstream(refuse, stop_at_head=True) as upstream, gunicorn_proxy(upstream.url) as port, connect(port) as sock:
        sock.sendall(ASKS)
        got = receive_all(sock)
        assert got.startswith(f"HTTP/1.1 {status}\r\n".encode())
        assert b"100 Continue" not in got
        assert fields(got)["connection"] == "close", "what follows would be taken for the body"
        assert b"hello" not in b"".join(upstream.requests)


def test_an_application_that_knows_nothing_of_expect_gets_the_upload_after_a_short_wait() -> None:
    with Upstream(OK) as upstream, gunicorn_proxy(upstream.url) as port, connect(port) as sock:
        sock.sendall(ASKS)
        assert receive_until(sock, b"\r\n\r\n") == GO_ON
        sock.sendall(b"hello")
        receive_until(sock, b"\r\n\r\nok")
        assert upstream.requests[0].endswith(b"\r\n\r\nhello")


def test_an_upload_over_the_limit_is_refused_before_it_is_sent() -> None:
    with Upstream(OK) as upstream, gunicorn_proxy(upstream.url, max_upload_mb=1) as port, connect(port) as sock:
        sock.sendall(ASKS.replace(b"Length: 5", b"Length: 99999999"))
        got = receive_all(sock)
        assert got.startswith(b"HTTP/1.1 413 ")
        assert upstream.requests == []


def test_an_unknown_expectation_is_refused() -> None:
    with Upstream(OK) as upstream, gunicorn_proxy(upstream.url) as port, connect(port) as sock:
        sock.sendall(ASKS.replace(b"100-continue", b"200-ok"))
        assert receive_all(sock).startswith(b"HTTP/1.1 417 ")
        assert upstream.requests == []
