"""A client that writes and reads exactly the bytes it is told to."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def connect(port: int, timeout_s: float = 20) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout_s)


def receive_until(sock: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        data = sock.recv(65536)
        assert data, f"closed after {received[-200:]!r}"
        received += data
    return received


def receive_all(sock: socket.socket) -> bytes:
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


def exchange(port: int, request: bytes) -> bytes:
    """The whole answer to a request that asks for the connection to be closed."""
    with connect(port) as sock:
        sock.sendall(request)
        return receive_all(sock)


def get(port: int, path: str = "/", *lines: str) -> bytes:
    return exchange(
        port,
        "\r\n".join([f"GET {path} HTTP/1.1", "Host: exam.test", *lines, "Connection: close", "", ""]).encode("latin-1"),
    )


def wait_for(condition: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
