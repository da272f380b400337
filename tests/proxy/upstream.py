"""An application server that says exactly the bytes it is told to, and remembers the bytes it was asked."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType

Answer = bytes | list[bytes] | Callable[[socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Upstream:
    """Answers the n-th request with ``answers[n]`` (the last one again and again). A callable gets the socket and the request."""

    def __init__(self, *answers: Answer, stop_at_head: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.stop_at_head = stop_at_head
        self._tls = tls
        self.answers = list(answers) or [OK]
        self.requests: list[bytes] = []
        self.connections = 0
        self.open_connections = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Upstream:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._open):
            sock.close()
        self._accepting.join(5)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with self._lock:
                self.open_connections += 1
            self._open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            self._talk(sock)
        finally:
            with self._lock:
                self.open_connections -= 1

    def _talk(self, sock: socket.socket) -> None:
        if self._tls is not None:
            try:
                sock = self._tls.wrap_socket(sock, server_side=True)
            except OSError:
                return
        with sock:
            while True:
                try:
                    request = read_request(sock, stop_at_head=self.stop_at_head)
                except OSError:
                    return
                if not request:
                    return
                self.requests.append(request)
                answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
                try:
                    if callable(answer):
                        answer(sock, request)
                        return
                    for part in answer if isinstance(answer, list) else [answer]:
                        sock.sendall(part)
                except OSError:
                    return
                if b"connection: close" in (answer if isinstance(answer, bytes) else b"".join(answer)).lower():
                    return


def read_request(sock: socket.socket, *, stop_at_head: bool = False) -> bytes:
    """One request, as far as its own framing says; b"" when the connection was closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return b""
        data += more
    if stop_at_head:
        return data
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
    if length:
        while len(body) < int(length[1]):
            body += _more(sock)
    elif re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
        while not body.endswith(b"0\r\n\r\n"):
            body += _more(sock)
    return head + b"\r\n\r\n" + body


def _more(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise ConnectionError("the request ended early")
    return data


def fields(request: bytes) -> dict[str, str]:
    """Header fields of a recorded request, names in lower case; repeated ones joined by "|"."""
    result: dict[str, str] = {}
    for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        name, _, value = line.decode("latin-1").partition(":")
        key = name.lower()
        result[key] = f"{result[key]}|{value.strip()}" if key in result else value.strip()
    return result
