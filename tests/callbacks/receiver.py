"""A customer's endpoint: a raw HTTP server that keeps what it got and answers as the test wants, also badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

Answer = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Posted:
    """One request: head lines by lower-case name, and the body."""

    line: str
    headers: dict[str, str]
    body: bytes


def status(code: int, body: bytes = b"", *headers: str) -> Answer:
    head = f"HTTP/1.1 {code} x\r\nContent-Length: {len(body)}\r\n" + "".join(f"{line}\r\n" for line in headers) + "\r\n"
    return lambda conn: conn.sendall(head.encode() + body)


class Receiver:
    """Answers request after request from ``answers``; the last one stays."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [status(200)]
        self.got: list[Posted] = []
        self.arrived = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/hooks/proview?tenant=7"
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def close(self) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int, seconds: float = 20) -> list[Posted]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, seconds), self.got
            return list(self.got)

    def hang(self, _conn: socket.socket) -> None:
        """Never answers, until the test is over or the sender goes."""
        _conn.settimeout(30)
        _conn.recv(1)

    def drip(self, conn: socket.socket) -> None:
        """A head that never ends."""
        try:
            while not self._closing.wait(0.05):
                conn.sendall(b"X")
        except OSError:
            return

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(conn,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, conn: socket.socket) -> None:
        with conn:
            try:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += conn.recv(65536)
                head, _, body = data.partition(b"\r\n\r\n")
                line, *rest = head.decode().split("\r\n")
                headers = {k.lower(): v.strip() for k, v in (item.split(":", 1) for item in rest)}
                while len(body) < int(headers["content-length"]):
                    body += conn.recv(65536)
                with self.arrived:
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    self.got.append(Posted(line, headers, body))
                    self.arrived.notify_all()
                answer(conn)
            except OSError:
                return  # the sender gave up, which is its right
