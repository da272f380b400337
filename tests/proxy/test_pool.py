"""Which connection a request goes over."""

from __future__ import annotations

import gc
import socket
import threading
import time
from typing import Any

import pytest
from werkzeug.test import Client

from flask_proview.middleware.proxy import ReverseProxy

from .asking import answer, call, open_proxy
from .upstream import OK, Upstream


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")]
)
def test_answers_without_a_body_keep_the_connection_usable(method: str, status: str) -> None:
    headers = b"" if status.startswith("204") else b"Content-Length: 500\r\n"
    with (
        Upstream(f"HTTP/1.1 {status}\r\n".encode() + headers + b"\r\n", OK) as upstream,
        open_proxy(upstream.url) as app,
    ):
        client = Client(app, use_cookies=False)
        assert client.open("/", method=method).data == b""
        assert client.get("/").data == b"ok"
        assert upstream.connections == 1


def test_connections_are_kept_and_used_again() -> None:
    with Upstream() as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        for _ in range(5):
            assert client.get("/").data == b"ok"
        assert upstream.connections == 1


def test_an_answer_that_was_not_read_to_its_end_closes_its_connection() -> None:
    with (
        Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000, OK) as upstream,
        open_proxy(upstream.url) as app,
    ):
        body, _, _ = call(app, path="/")
        next(iter(body))
        body.close()
        body.close()
        assert Client(app).get("/").data == b"ok"
        assert upstream.connections == 2


def test_a_get_on_a_connection_that_died_is_sent_once_more() -> None:
    def close(sock: socket.socket, _request: bytes) -> None:
        sock.close()

    with Upstream(OK, close, OK) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.get("/2").data == b"ok"
        assert [r.split(b" ")[1] for r in upstream.requests] == [b"/1", b"/2", b"/2"]


def test_a_post_is_never_sent_twice_and_never_on_a_kept_connection() -> None:
    def close(sock: socket.socket, _request: bytes) -> None:
        sock.close()

    with Upstream(OK, close) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.post("/2", data=b"x").status_code == 502
        assert [r.split(b" ")[1] for r in upstream.requests] == [b"/1", b"/2"]
        assert upstream.connections == 2


def test_bytes_behind_an_answer_spoil_the_connection() -> None:
    with (
        Upstream(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK) as upstream,
        open_proxy(upstream.url) as app,
    ):
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.get("/2").data == b"ok"
        assert upstream.connections == 2


class _Client(socket.socket):
    """Stands for the socket of one browser."""


CHALLENGE = answer(b"no", "WWW-Authenticate: NTLM TlRMTVNTUAAC", status="401 Unauthorized")


def visit(app: ReverseProxy, browser: socket.socket, peer: str = "203.0.113.9", **headers: str) -> bytes:
    client = Client(app, use_cookies=False)
    overrides = {"gunicorn.socket": browser, "REMOTE_ADDR": peer}
    return bytes(client.get("/", headers=headers, environ_overrides=overrides, buffered=True).data)


def test_a_connection_that_was_logged_in_by_ntlm_is_never_shared() -> None:
    with Upstream(CHALLENGE, OK) as upstream, open_proxy(upstream.url) as app, _Client() as ann, _Client() as bob:
        assert visit(app, ann) == b"no"
        assert visit(app, ann, Authorization="NTLM TlRMTVNTUAAD") == b"ok"
        assert upstream.connections == 1
        # Browsers say nothing of the login in the requests that follow: the connection is what is logged in.
        assert visit(app, ann) == b"ok"
        assert visit(app, ann) == b"ok"
        assert upstream.connections == 1
        assert visit(app, bob) == b"ok"
        assert upstream.connections == 2
        assert visit(app, ann) == b"ok"
        assert upstream.connections == 2


@pytest.mark.parametrize(
    "told", [{"Via": "1.1 front"}, {"X-Forwarded-For": "1.2.3.4"}, {"Forwarded": "for=1.2.3.4"}, {}]
)
def test_behind_another_proxy_a_logged_in_connection_is_not_kept_at_all(told: dict[str, str]) -> None:
    trusted: dict[str, Any] = {"trusted_proxies": ["10.0.0.0/8"]} if not told else {}
    with Upstream(CHALLENGE, OK) as upstream, open_proxy(upstream.url, **trusted) as app, _Client() as front:
        assert visit(app, front, "10.0.0.1", Authorization="NTLM TlRMTVNTUAAD", **told) == b"no"
        assert visit(app, front, "10.0.0.1", **told) == b"ok"
        assert upstream.connections == 2


def test_a_logged_in_connection_ends_with_the_browsers_own() -> None:
    ended = threading.Event()

    def log_in(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(CHALLENGE)
        if sock.recv(1) == b"":
            ended.set()

    with Upstream(log_in) as upstream, open_proxy(upstream.url) as app:
        ann = _Client()
        assert visit(app, ann) == b"no"
        ann.close()
        del ann
        gc.collect()
        assert ended.wait(10)


def test_uploads_do_not_pile_up_connections() -> None:
    with Upstream() as upstream, open_proxy(upstream.url, upstream_pool=3) as app:
        client = Client(app, use_cookies=False)
        for _ in range(12):
            assert client.post("/", data=b"x").data == b"ok"
        # The proxy closes before the application's threads see it; wait for them.
        deadline = time.monotonic() + 10
        while upstream.open_connections > 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert upstream.open_connections <= 3


def test_what_an_idle_connection_says_unasked_is_no_answer_to_anybody() -> None:
    said = threading.Event()

    def time_out(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(OK)
        sock.sendall(answer(b"late", status="408 Request Timeout"))
        said.set()
        sock.recv(1)

    with Upstream(time_out, OK) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert said.wait(10)
        assert client.get("/2").data == b"ok"
        assert upstream.connections == 2


def test_a_get_that_was_partly_answered_is_not_sent_again() -> None:
    def hint_and_close(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        sock.close()

    with Upstream(OK, hint_and_close, OK) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.get("/2").status_code == 502
        assert len(upstream.requests) == 2


def test_a_full_pool_says_busy() -> None:
    with (
        Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab") as upstream,
        open_proxy(upstream.url, upstream_pool=1, upstream_connect_s=0.2) as app,
    ):
        held, _, _ = call(app, path="/")
        assert Client(app).get("/").status_code == 503
        held.close()
