"""A page that pauses in its middle until its reader has seen the beginning: does a proxy hand on what it has?

Whether it does is not a matter of time: the rest comes when the first bytes have arrived, or after ``PAUSE_S`` when they have not.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .pages import exam_page

PAUSE_S = 1.0
PATH = "/exam/7/paused.html"
_BEGINNING = 2048


class PausedPage:
    """The application: one page for each connection, without a length."""

    def __init__(self, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self.seen = threading.Event()
        self._listener = listener

    def serve(self) -> None:
        page = exam_page(30 * 1024)
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n"
                )
                connection.sendall(page[:_BEGINNING])
                self.seen.wait(PAUSE_S)
                connection.sendall(page[_BEGINNING:])


@contextmanager
def paused_page() -> Iterator[PausedPage]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = PausedPage(listener)
        thread = threading.Thread(target=page.serve, daemon=True)
        thread.start()
        try:
            yield page
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def first_byte_ms(page: PausedPage, port: int, fields: str) -> float | None:
    """Milliseconds to the first byte of the body; None when it came only with the rest."""
    page.seen.clear()
    request = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{fields}\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), 30) as sock:
        started = time.monotonic()
        sock.sendall(request)
        received = b""
        while b"<!DOCTYPE" not in received:
            data = sock.recv(65536)
            if not data:
                raise AssertionError(f"no page: {received[:200]!r}")
            received += data
        elapsed_s = time.monotonic() - started
        page.seen.set()
        while sock.recv(65536):
            pass
    return None if elapsed_s >= PAUSE_S else elapsed_s * 1000
