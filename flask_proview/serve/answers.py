"""gunicorn's answer, with the head and the first bytes of the body in one packet: one system call less, and one wake-up of the browser.

What differs from gunicorn's is when bytes are sent, never which; fields that were checked once are looked up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName
from gunicorn.http.message import TOKEN_RE
from gunicorn.http.wsgi import HEADER_VALUE_RE, Response
from gunicorn.util import is_hoppish

_REMEMBERED_BYTES = 512


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


def _field(name: str, value: str) -> tuple[str, str] | None:
    """The field as it is sent; None for one that gunicorn has to look at itself.

    :raises InvalidResponseHeader, InvalidResponseHeaderName: as gunicorn would.
    """
    if not TOKEN_RE.fullmatch(name):
        raise InvalidResponseHeaderName(repr(name))
    if name.lower() == "content-length" or is_hoppish(name):
        return None
    if not HEADER_VALUE_RE.fullmatch(value):
        raise InvalidResponseHeader(repr(name))
    return name, value.strip(" \t")


# Answers of one application have most of their fields in common.
_known_field = lru_cache(2048)(_field)


class OneWriteResponse(Response):  # type: ignore[misc]
    """One answer."""

    headers_sent: bool
    # The sender of the body has not been told that it is wanted: what follows on this connection is not a request.
    body_is_awaited = False
    _holds = False
    _head = b""

    def should_close(self) -> bool:
        return self.body_is_awaited or bool(super().should_close())

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        for name, value in headers:
            field = _known_field(name, value) if len(value) <= _REMEMBERED_BYTES else _field(name, value)
            if field is None:
                super().process_headers([(name, value)])
            else:
                self.headers.append(field)

    def send_early_hints(self, headers: Iterable[tuple[str, str]]) -> None:
        """``103 Early Hints`` (RFC 8297), before the answer itself."""
        if self.headers_sent:
            return
        fields = [_field(name, value) for name, value in headers]
        lines = [f"{field[0]}: {field[1]}\r\n" for field in fields if field is not None]
        send_whole(self.sock, "".join(["HTTP/1.1 103 Early Hints\r\n", *lines, "\r\n"]).encode("latin-1"))

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
