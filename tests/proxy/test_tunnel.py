"""WebSockets and event streams: connections that stay open for a whole exam. The server is werkzeug's threaded one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.test import Client

from flask_proview.middleware.proxy import ReverseProxy, connection

from .asking import call, open_proxy
from .upstream import OK, Upstream

HANDSHAKE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n"


@contextmanager
def threaded_server(app: ReverseProxy) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def receive_all(sock: socket.socket) -> bytes:
    received = b""
    while data := sock.recv(65536):
        received += data
    return received


def test_what_the_application_says_after_the_clients_last_word_still_arrives() -> None:
    def answer_at_the_end(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(SWITCH)
        sock.sendall(b"heard " + receive_all(sock))
        sock.close()

    with Upstream(answer_at_the_end) as upstream, open_proxy(upstream.url) as app, threaded_server(app) as port:
        with socket.create_connection(("127.0.0.1", port), 10) as sock:
            sock.sendall(HANDSHAKE)
            received = b""
            while b"\r\n\r\n" not in received:
                received += sock.recv(1)
            sock.sendall(b"goodbye")
            sock.shutdown(socket.SHUT_WR)
            assert receive_all(sock) == b"heard goodbye"
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 502


def test_the_applications_close_reaches_the_client() -> None:
    with (
        Upstream(lambda sock, _: sock.sendall(SWITCH + b"bye")) as upstream,
        open_proxy(upstream.url) as app,
        threaded_server(app) as port,
        socket.create_connection(("127.0.0.1", port), 20) as sock,
    ):
        sock.sendall(HANDSHAKE)
        assert receive_all(sock).endswith(b"\r\n\r\nbye")


def test_a_refused_websocket_is_an_ordinary_answer() -> None:
    with Upstream(OK) as upstream, open_proxy(upstream.url) as app, threaded_server(app) as port:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert requests.get(f"http://127.0.0.1:{port}/ws", headers=headers, timeout=10).text == "ok"


def test_pages_are_answered_while_every_candidate_holds_a_websocket_and_an_event_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hold(sock: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /ws "):
            sock.sendall(SWITCH)
        elif request.startswith(b"GET /events "):
            sock.sendall(STREAM)
        else:
            sock.sendall(OK)
            return
        sock.recv(1)

    monkeypatch.setattr(connection, "LOOK_S", 0.05)
    with (
        Upstream(hold) as upstream,
        open_proxy(upstream.url, upstream_pool=1, upstream_connect_s=0.5) as app,
        threaded_server(app) as port,
        socket.create_connection(("127.0.0.1", port), 10) as web_socket,
        requests.get(f"http://127.0.0.1:{port}/events", stream=True, timeout=10) as events,
    ):
        lines = events.iter_lines()
        assert next(lines) == b"data: one"
        web_socket.sendall(HANDSHAKE)
        assert web_socket.recv(65536).startswith(b"HTTP/1.1 101 ")
        for _ in range(3):
            assert requests.get(f"http://127.0.0.1:{port}/page", timeout=10).text == "ok"


def test_a_silent_event_stream_ends_when_its_reader_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOOK_S", 0.05)
    ended = threading.Event()

    def hold(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(STREAM)
        if sock.recv(1) == b"":
            ended.set()

    with Upstream(hold) as upstream, open_proxy(upstream.url) as app, threaded_server(app) as port:
        with requests.get(f"http://127.0.0.1:{port}/events", stream=True, timeout=10) as events:
            lines = events.iter_lines()
            assert next(lines) == b"data: one"
            assert not ended.wait(0.3), "a silent stream with a reader goes on"
        assert ended.wait(10)


def test_an_answer_is_closed_exactly_once() -> None:
    with Upstream() as upstream, open_proxy(upstream.url, upstream_pool=1, upstream_connect_s=0.5) as app:
        body, _, _ = call(app, path="/")
        with closing(body):
            assert b"".join(body) == b"ok"
        body.close()
        # A place given back twice would raise, one not given back would say busy.
        for _ in range(3):
            assert Client(app).get("/").data == b"ok"
