"""One connection to the application: buffered reads and a deadline on every wait."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator

from .body import body_of
from .errors import BadAnswer, CutOff, Slow, Stale, Unreachable
from .head import MAX_HEAD, Head, parse_head

EarlyHints = Callable[[list[tuple[str, str]]], object]
READ_BYTES = 65_536
MAX_INTERIM = 16
CONTINUE_S = 1.0
# How often a silent event stream looks whether its reader is still there.
LOOK_S = 5.0


class Connection:
    """A socket with a read buffer.

    ``used``: an answer came over it before. ``private``: a user authenticated on it, so nobody else may ever get it;
    ``tied``: it is closed together with that user's connection to us; ``counted``: it holds one of the pool's places.
    """

    def __init__(self, sock: socket.socket, read_s: float) -> None:
        self._sock = sock
        self._buffer = b""
        self._at = 0
        self._read_s = read_s
        self._idle_s = read_s
        self._waits_longer = False
        self._reader_is_there: Callable[[], bool] | None = None
        self.used = False
        self.private = False
        self.tied = False
        self.counted = True
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
                # An end without close_notify may be an attacker's: not the end of a body (RFC 9112 section 9.8).
                sock = tls.wrap_socket(sock, server_hostname=host, suppress_ragged_eofs=False)
        except TimeoutError:
            sock.close()
            raise Slow(f"no TLS with {host}:{port} within {connect_s} s") from None
        except OSError as error:
            sock.close()
            raise Unreachable(f"no TLS with {host}:{port}: {error}") from None
        return cls(sock, read_s)

    @property
    def socket(self) -> socket.socket:
        return self._sock

    @property
    def has_leftover(self) -> bool:
        """Bytes that belong to no answer: the connection cannot be trusted any more."""
        return self._at < len(self._buffer)

    def take_buffer(self) -> bytes:
        """What was read beyond the head (for a tunnel)."""
        data, self._buffer, self._at = self._buffer[self._at :], b"", 0
        return data

    def is_quiet(self) -> bool:
        """Whether an idle connection is still open and silent. What speaks unasked (a 408, a close) is not used again:
        its words would be taken for the next answer."""
        try:
            self._sock.settimeout(0)
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._sock.settimeout(self._read_s)
            return True
        except OSError:
            return False
        return False

    def early_head(self, method: str, least: int) -> Head | None:
        """The head that came while the request was still being sent, when its status is ``least`` or above. Never waits.

        Unasked ``100 Continue``, as old IIS versions send it, is passed over. An early 200 stays for ``read_head``: the
        application has begun to answer and may still be reading.
        """
        if len(self._buffer) - self._at <= MAX_HEAD:
            try:
                self._sock.settimeout(0)
                data = self._sock.recv(READ_BYTES)
                self._buffer = self.take_buffer() + data
            except OSError:
                pass  # nothing there yet, or a loss that the next send tells
            finally:
                self._sock.settimeout(self._read_s)
        while (end := self._buffer.find(b"\r\n\r\n", self._at)) >= 0:
            head = parse_head(self._buffer[self._at : end + 4], method)
            if head.code == 101 or 200 <= head.code < least:
                return None
            self._at = end + 4
            self.used = False
            if head.code >= 200:
                return head
        return None

    def refusal(self, method: str) -> Head | None:
        """The final answer when the application gives one instead of ``100 Continue``. Applications that know nothing of
        Expect say nothing at all, so the wait is short (RFC 9110 section 10.1.1)."""
        self._sock.settimeout(CONTINUE_S)
        try:
            for _ in range(MAX_INTERIM):
                head = parse_head(self._read_head_bytes(), method)
                self.used = False
                if head.code == 100:
                    return None
                if head.code >= 200:
                    return head
            raise BadAnswer("too many interim answers")
        except Slow:
            if self._buffer:
                raise
            return None
        finally:
            self._sock.settimeout(self._read_s)

    def wait_at_most(self, seconds: float, reader_is_there: Callable[[], bool] | None = None) -> None:
        """For a body that may pause longer than ``upstream_read_s``; given up early when nobody reads it any more."""
        self._idle_s = seconds
        self._waits_longer = True
        self._reader_is_there = reader_is_there
        self._sock.settimeout(min(seconds, LOOK_S) if reader_is_there else seconds)

    def reset_waiting(self) -> None:
        if self._waits_longer:
            self.wait_at_most(self._read_s)
            self._waits_longer = False

    def send(self, data: bytes) -> None:
        """:raises Stale: when a kept connection was closed. :raises Slow, BadAnswer:"""
        try:
            # gevent's sendall asks the kernel for the buffer's size first; nearly always one send is enough.
            sent = self._sock.send(data)
            if sent < len(data):
                self._sock.sendall(memoryview(data)[sent:])
        except TimeoutError:
            raise Slow("the application does not take the request") from None
        except OSError as error:
            raise (Stale if self.used else BadAnswer)(f"connection lost while sending: {error}") from None

    def read_head(self, method: str, early_hints: EarlyHints | None = None) -> Head:
        """The head of the final answer; interim ones are passed over (RFC 9110 section 15.2).

        :param early_hints: gets the links of a 103 (RFC 8297).

        :raises Stale: a kept connection was closed before the first byte.
        """
        for _ in range(MAX_INTERIM):
            head = parse_head(self._read_head_bytes(), method)
            if head.code >= 200 or head.code == 101:
                return head
            # Something was answered: from here on the request is not one that could be sent again.
            self.used = False
            if head.code == 103 and early_hints is not None:
                early_hints([("Link", link) for link in head.values("link")])
        raise BadAnswer("too many interim answers")

    def _read_head_bytes(self) -> bytes:
        self._buffer = self.take_buffer()
        searched, deadline = 0, 0.0
        while (end := self._buffer.find(b"\r\n\r\n", searched)) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadAnswer(f"head of more than {MAX_HEAD} bytes")
            if deadline and time.monotonic() > deadline:
                raise Slow("the head of the answer drips in")
            searched = max(0, len(self._buffer) - 3)
            self._buffer += self._receive_for_head()
            deadline = deadline or time.monotonic() + self._read_s
        if end > MAX_HEAD:
            raise BadAnswer(f"head of more than {MAX_HEAD} bytes")
        self._at = end + 4
        return self._buffer[: end + 4]

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
        """:raises CutOff: when it ends before its framing says so."""
        return body_of(head, self)

    @property
    def has_line(self) -> bool:
        return self._buffer.find(b"\r\n", self._at) >= 0

    def line(self, limit: int) -> bytes:
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            if len(self._buffer) - self._at > limit:
                raise CutOff("line too long in a chunked body")
            data = self._receive(READ_BYTES)
            if not data:
                raise CutOff("the application's answer ended inside its chunks")
            self._buffer = self.take_buffer() + data
        if end - self._at > limit:
            raise CutOff("line too long in a chunked body")
        line, self._at = self._buffer[self._at : end], end + 2
        return line

    def some(self, limit: int) -> bytes:
        if not self.has_leftover:
            return self._receive(min(limit, READ_BYTES))
        data = self._buffer[self._at : self._at + limit]
        self._at += len(data)
        return data

    def _receive(self, limit: int) -> bytes:
        give_up = time.monotonic() + self._idle_s
        while True:
            try:
                return self._sock.recv(limit)
            except TimeoutError:
                if self._reader_is_there is None or time.monotonic() >= give_up:
                    raise CutOff(f"the application's answer paused for {self._idle_s:g} s") from None
                if not self._reader_is_there():
                    raise BrokenPipeError(errno.EPIPE, "the reader of an event stream is gone") from None
            except OSError as error:
                raise CutOff(f"the application's answer broke off: {error}") from None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.close()
