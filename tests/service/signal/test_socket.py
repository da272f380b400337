"""A connection whose other end vanished without a word: found out by pings, freed within 30 s."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from flask_proview.service.signal import socket as module
from flask_proview.service.signal.socket import SignalSocket, SocketClosed

POLL_S = 0.02
PONG = bytes([0x8A, 0x80, 0, 0, 0, 0])


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SignalSocket, socket.socket]]:
    """The server's end and the browser's, which has read the handshake's answer; the times are shortened."""
    monkeypatch.setattr(module, "PING_S", 0.1)
    monkeypatch.setattr(module, "SILENCE_S", 0.5)
    near, far = socket.socketpair()
    environ = {
        "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": "/",
        "HTTP_HOST": "localhost",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
        "werkzeug.socket": near,
    }
    server = SignalSocket(environ, max_text=1000, max_binary=1000, poll_s=POLL_S)
    far.settimeout(5)
    assert far.recv(4096).startswith(b"HTTP/1.1 101")
    far.settimeout(0.01)
    yield server, far
    far.close()
    near.close()


def listen(server: SignalSocket, far: socket.socket, seconds: float, *, answer: bool) -> int:
    """How many pings came; raises when the server gave the connection up."""
    end, pings = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        server.receive()
        try:
            pings += far.recv(4096).count(b"\x89\x00")
        except TimeoutError:
            continue
        if answer:
            far.sendall(PONG)
    return pings


def test_an_end_that_answers_pings_is_kept(ends: tuple[SignalSocket, socket.socket]) -> None:
    assert listen(*ends, 1.2, answer=True) >= 3


def test_an_end_that_vanished_is_given_up(ends: tuple[SignalSocket, socket.socket]) -> None:
    began = time.monotonic()
    with pytest.raises(SocketClosed):
        listen(*ends, 10, answer=False)
    assert time.monotonic() - began < 5


def test_the_real_times_free_a_vanished_end_within_30_seconds() -> None:
    longest_poll_s = 5.0
    assert module.SILENCE_S + longest_poll_s <= 30
    assert module.PING_S * 2 < module.SILENCE_S, "one lost ping is no end"
