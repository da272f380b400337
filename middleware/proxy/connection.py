"""One connection to the application: buffered reads, strict framing, deadlines on every wait."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator

from .errors import BadAnswer, CutOff, Slow, Stale, Unreachable
from .head import MAX_HEAD, Head, parse_head

READ_BYTES = 65_536
MAX_CHUNK_LINE = 1024
MAX_TRAILERS = 8192
MAX_INTERIM = 16
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})(?:[ \t]*;[^\r\n\0]*)?")


class Connection:
    """A socket with a read buffer. ``used``: an answer came over it before."""

    def __init__(self, sock: socket.socket, read_s: float) -> None:
        self._sock = sock
        self._buffer = b""
        self._read_s = read_s
        self.used = False
        sock.settimeout(read_s)

    @classmethod
    def open(cls, host: str, port: int, tls: ssl.SSLContext | None, connect_s: float, read_s: float) -> Connection:
        """Connect.

        :raises Unreachable, Slow: naming host and port for the log.
        """
        try:
            sock = socket.create_connection((host, port), connect_s)
        except TimeoutError:
            raise Slow(f"no connection to {host}:{port} within {connect_s} s") from None
        except OSError as error:
            raise Unreachable(f"no connection to {host}:{port}: {error}") from None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                sock = tls.wrap_socket(sock, server_hostname=host)
        except (OSError, ssl.SSLError) as error:
            sock.close()
            raise Unreachable(f"no TLS with {host}:{port}: {error}") from None
        return cls(sock, read_s)

    @property
    def socket(self) -> socket.socket:
        return self._sock

    def take_buffer(self) -> bytes:
        """What was read beyond the head (for a tunnel)."""
        data, self._buffer = self._buffer, b""
        return data

    def is_quiet(self) -> bool:
        """Whether an idle connection is still open and silent. TLS sockets cannot peek; the first write tells."""
        if isinstance(self._sock, ssl.SSLSocket):
            return True
        try:
            self._sock.settimeout(0)
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            self._sock.settimeout(self._read_s)
            return True
        except OSError:
            return False
        return False

    def set_timeout(self, seconds: float) -> None:
        self._sock.settimeout(seconds)

    def send(self, data: bytes) -> None:
        """:raises Stale: when a kept connection was closed. :raises Slow, BadAnswer:"""
        try:
            self._sock.sendall(data)
        except TimeoutError:
            raise Slow("the application does not take the request") from None
        except OSError as error:
            raise (Stale if self.used else BadAnswer)(f"connection lost while sending: {error}") from None

    def read_head(self, method: str) -> Head:
        """The head of the final answer; interim ones (100, 103) are passed over (RFC 9110 section 15.2).

        :raises Stale: a kept connection was closed before the first byte.
        """
        for _ in range(MAX_INTERIM):
            head = parse_head(self._read_head_bytes(), method)
            if head.code >= 200 or head.code == 101:
                return head
        raise BadAnswer("too many interim answers")

    def _read_head_bytes(self) -> bytes:
        searched = 0
        while (at := self._buffer.find(b"\r\n\r\n", searched)) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadAnswer(f"head of more than {MAX_HEAD} bytes")
            searched = max(0, len(self._buffer) - 3)
            data = self._receive_for_head()
            self._buffer += data
        if at > MAX_HEAD:
            raise BadAnswer(f"head of more than {MAX_HEAD} bytes")
        head, self._buffer = self._buffer[: at + 4], self._buffer[at + 4 :]
        return head

    def _receive_for_head(self) -> bytes:
        try:
            data = self._sock.recv(READ_BYTES)
        except TimeoutError:
            raise Slow("the application did not answer in time") from None
        except OSError as error:
            raise (Stale if self.used and not self._buffer else BadAnswer)(f"connection lost: {error}") from None
        if not data:
            raise (Stale if self.used and not self._buffer else BadAnswer)("connection closed before an answer")
        return data

    def body(self, head: Head) -> Iterator[bytes]:
        """The body as it arrives.

        :raises CutOff: when it ends before its framing says so.
        """
        if head.chunked:
            yield from self._chunks()
        elif head.length is None:
            yield from self._until_close()
        else:
            yield from self._sized(head.length)

    def _sized(self, left: int) -> Iterator[bytes]:
        while left:
            data = self._some(left)
            if not data:
                raise CutOff(f"the application's answer ended {left} bytes early")
            left -= len(data)
            yield data

    def _until_close(self) -> Iterator[bytes]:
        while data := self._some(READ_BYTES):
            yield data

    def _chunks(self) -> Iterator[bytes]:
        while True:
            match = _CHUNK.fullmatch(self._line(MAX_CHUNK_LINE))
            if match is None:
                raise CutOff("malformed chunk size")
            size = int(match[1], 16)
            if size == 0:
                break
            yield from self._sized(size)
            if self._line(2) != b"":
                raise CutOff("chunk without its end")
        left = MAX_TRAILERS
        while line := self._line(left):
            left -= len(line) + 2

    def _line(self, limit: int) -> bytes:
        while (at := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > limit:
                raise CutOff("line too long in a chunked body")
            data = self._receive()
            if not data:
                raise CutOff("the application's answer ended inside its chunks")
            self._buffer += data
        if at > limit:
            raise CutOff("line too long in a chunked body")
        line, self._buffer = self._buffer[:at], self._buffer[at + 2 :]
        return line

    def _some(self, limit: int) -> bytes:
        if not self._buffer:
            return self._receive(min(limit, READ_BYTES))
        data, self._buffer = self._buffer[:limit], self._buffer[limit:]
        return data

    def _receive(self, limit: int = READ_BYTES) -> bytes:
        try:
            return self._sock.recv(limit)
        except OSError as error:
            raise CutOff(f"the application's answer broke off: {error}") from None

    @property
    def has_leftover(self) -> bool:
        """Bytes that belong to no answer: the connection cannot be trusted any more."""
        return bool(self._buffer)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.close()
