"""A small HTTP client for asking servers that may be slow, broken or hostile.

h11 parses strictly and keeps a head below a bound; the rest is here: one connection per request to one fixed address, a
deadline for the whole exchange (a server that drips bytes cannot stretch it), a bound on the body, bodies as they were
sent (the middleware must see the compressed page), 1xx answers skipped. No redirect is followed, no proxy variable read.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import h11

from flask_proview.origins import Origin

MAX_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024
Headers = list[tuple[str, str]]


class FetchError(Exception):
    """No answer, and in plain words why.

    :param kind: ``connect``, ``tls``, ``timeout`` or ``protocol``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Bounds(NamedTuple):
    """What one exchange may cost."""

    connect_s: float = 5.0
    total_s: float = 30.0
    body_bytes: int = 2 * 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, the body as it was sent.

    :param ended: how the body ended: ``whole``, ``cut`` (by the server, too early) or ``bound`` (by us).
    """

    status: int
    reason: str
    headers: Headers
    body: bytes
    ended: str
    seconds: float
    # From the request to the body's first bytes.
    first_s: float = 0.0

    def get(self, name: str) -> str | None:
        """The first header of a name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


class Client:
    """Asks one origin.

    :param verify: refuse certificates that browsers would refuse.
    """

    def __init__(self, origin: Origin, bounds: Bounds = Bounds(), *, verify: bool = True) -> None:  # noqa: B008
        self.origin = origin
        self.bounds = bounds
        self.verify = verify
        self.requests = 0

    @property
    def host_header(self) -> str:
        return str(self.origin).partition("://")[2]

    def ask(self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Answer:
        """One exchange.

        :param target: path and query, ASCII.
        :raises FetchError: when there is no answer.
        """
        deadline = time.monotonic() + self.bounds.total_s
        lines = [("Host", self.host_header), *headers, ("Connection", "close")]
        if body or method in ("POST", "PUT"):
            lines.append(("Content-Length", str(len(body))))
        with self.connect() as sock:
            self.requests += 1
            try:
                return self._exchange(sock, h11.Request(method=method, target=target, headers=lines), body, deadline)
            except h11.LocalProtocolError as error:
                raise FetchError("protocol", f"the request cannot be written: {error}") from None
            except h11.RemoteProtocolError as error:
                raise FetchError("protocol", f"the answer is not valid HTTP: {error}") from None
            except TimeoutError:
                raise FetchError("timeout", f"no answer within {self.bounds.total_s:g} s") from None
            except OSError as error:
                raise FetchError("connect", f"the connection broke: {error.strerror or error}") from None

    def connect(self) -> socket.socket:
        """A connected socket, with TLS where the origin's scheme says so."""
        host = self.origin.host.strip("[]")
        try:
            sock = socket.create_connection((host, self.origin.port), timeout=self.bounds.connect_s)
        except OSError as error:
            reason = "no connection in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
            raise FetchError("connect", f"{self.host_header} cannot be reached: {reason}") from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.origin.scheme == "http":
            return sock
        try:
            return self._tls_context().wrap_socket(sock, server_hostname=host)
        except OSError as error:
            sock.close()
            raise FetchError("tls", f"TLS with {self.host_header} failed: {describe_tls(error)}") from None

    def _tls_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _exchange(self, sock: socket.socket, request: h11.Request, body: bytes, deadline: float) -> Answer:
        started = time.monotonic()
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        sock.settimeout(_left(deadline))
        _send(sock, connection, request, body)
        head: h11.Response | None = None
        parts: list[bytes] = []
        size, first = 0, 0.0
        ended = "whole"
        while True:
            try:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    sock.settimeout(_left(deadline))
                    connection.receive_data(_receive(sock))
                    continue
            except (h11.RemoteProtocolError, TimeoutError, OSError):
                if head is None:
                    raise
                ended = "cut"
                break
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                first = first or time.monotonic()
                parts.append(bytes(event.data))
                size += len(parts[-1])
                if size > self.bounds.body_bytes:
                    ended = "bound"
                    break
            elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("the connection was closed without an answer")
        if head is None:
            raise h11.RemoteProtocolError("the server changed to another protocol")
        raw = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()]
        content = b"".join(parts)[: self.bounds.body_bytes]
        reason = bytes(head.reason).decode("latin-1")
        now = time.monotonic()
        return Answer(head.status_code, reason, raw, content, ended, now - started, (first or now) - started)


def describe_tls(error: OSError) -> str:
    """What is wrong with a certificate or handshake, without OpenSSL's file and line numbers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or "the certificate is not valid"
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(_CHUNK)
    except ssl.SSLEOFError:
        return b""  # servers that end without close_notify; h11 knows whether something was missing


def _send(sock: socket.socket, connection: h11.Connection, request: h11.Request, body: bytes) -> None:
    """Head and body. A server that answers before it has read the body is listened to instead of being sent the rest."""
    sock.sendall(connection.send(request) or b"")
    for start in range(0, len(body), _CHUNK):
        if start and select.select([sock], [], [], 0)[0]:
            return
        piece = connection.send(h11.Data(data=body[start : start + _CHUNK])) or b""
        try:
            sock.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return
    sock.sendall(connection.send(h11.EndOfMessage()) or b"")
