"""gunicorn's answer, with the head and the first bytes of the body in one packet: one system call less, and one wake-up of the browser."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

from gunicorn.http.wsgi import Response


class _Clock:
    """The Date field; it changes once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = ""

    def line(self) -> str:
        now = int(time.time())
        if now != self._second:
            self._second, self._line = now, f"Date: {formatdate(now, usegmt=True)}\r\n"
        return self._line


_CLOCK = _Clock()


def send_whole(sock: Any, data: bytes) -> None:
    """``sendall`` that asks the kernel for the size of its buffer only when one send was not enough."""
    sent = sock.send(data)
    if sent < len(data):
        sock.sendall(memoryview(data)[sent:])


class OneWriteResponse(Response):  # type: ignore[misc]
    """What differs from gunicorn's is only when bytes are sent, never which."""

    _holds = False
    _head = b""

    def default_headers(self) -> list[str]:
        connection = "upgrade" if self.upgrade else "close" if self.should_close() else "keep-alive"
        lines = [
            f"HTTP/{self.req.version[0]}.{self.req.version[1]} {self.status}\r\nServer: {self.version}\r\n",
            _CLOCK.line(),
            f"Connection: {connection}\r\n",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        return lines

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *[f"{name}: {value}\r\n" for name, value in self.headers], "\r\n"]
        head = "".join(lines).encode("latin-1")
        self.headers_sent = True
        if self._holds:
            self._head = head
        else:
            send_whole(self.sock, head)

    def write(self, arg: bytes) -> None:
        if not self.headers_sent:
            self._holds = True
            super().write(arg)
            if self._head:
                # Nothing of the body went out with it: an empty piece, by which a stream sends its head ahead.
                self._emit(b"")
        else:
            super().write(arg)

    def _emit_body(self, data: bytes) -> None:
        self._emit(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def _emit(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if head or data:
            send_whole(self.sock, head + data if head else data)

    def close(self) -> None:
        self._holds = True
        self.send_headers()
        self._emit(b"0\r\n\r\n" if self.chunked else b"")
