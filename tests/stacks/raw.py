"""HTTP by hand: what client libraries hide (interim answers, upgrades, bodies of unknown length, hanging up)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

WAIT_S = 15.0


class Wire:
    """One connection; ``read_until`` waits for bytes, never for a time to pass."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.seen = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_until(self, wanted: bytes, wait_s: float = WAIT_S) -> bytes:
        """Everything so far, once ``wanted`` is in it or the other side hangs up."""
        self.socket.settimeout(wait_s)
        while wanted not in self.seen:
            data = self.socket.recv(65_536)
            if not data:
                break
            self.seen += data
        return self.seen

    def heard_within(self, wait_s: float) -> bool:
        """Whether anything comes before we say more; for servers that may rightly stay silent."""
        self.socket.settimeout(wait_s)
        try:
            self.seen += self.socket.recv(65_536)
        except TimeoutError:
            return False
        return True

    def hang_up(self) -> None:
        """As a browser that is closed: with a reset, whatever is still on the way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


@contextmanager
def wire(url: str) -> Iterator[Wire]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), WAIT_S) as sock:
        yield Wire(sock)


def request_head(url: str, method: str, path: str, **headers: str) -> bytes:
    """A request up to its empty line; ``_`` in a header's name stands for ``-``."""
    fields = {"Host": urlsplit(url).netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
