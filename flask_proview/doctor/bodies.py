"""What becomes of request bodies that clients other than browsers send: of unknown length, and announced by ``Expect: 100-continue``.

Our browser code sends neither, so neither is an error. The application's own clients may: upload tools, back ends, curl.
RFC 9112 section 7.1 and RFC 9110 section 10.1.1.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import h11

from .client import Client, FetchError
from .findings import Finding, Level

if TYPE_CHECKING:
    from .server import ServerFacts

BODY = b"a body of proview check\n" * 50
# A client that is not answered goes on by itself after about a second (curl).
PATIENCE_S = 1.0
TOTAL_S = 10.0
_Lines = list[tuple[str, str]]


def body_findings(client: Client, path: str, lines: _Lines, facts: ServerFacts) -> Iterator[Finding]:
    """Ask ``path`` (which tells what arrived) both ways; ``lines`` as of every request of the check."""
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode("ascii")
    lines = [("Host", client.host_header), *lines, ("Content-Digest", f"sha-256=:{digest}:"), ("Connection", "close")]
    facts.chunked, _ = _told(client, path, [*lines, ("Transfer-Encoding", "chunked")], patient=False)
    if facts.chunked == "empty":
        yield Finding(
            Level.WARNING,
            "bodies",
            "the application gets a body of unknown length (Transfer-Encoding: chunked) as an empty one: let the server refuse it, or"
            " a proxy in front collect it (docs/legacy/wsgi-servers.md)",
        )
    else:
        yield Finding(Level.OK, "bodies", f"of unknown length (Transfer-Encoding: chunked): {facts.chunked}")
    length = ("Content-Length", str(len(BODY)))
    arrived, facts.continues = _told(client, path, [*lines, length, ("Expect", "100-continue")], patient=True)
    said = "answered" if facts.continues else "not answered, clients go on by themselves after a moment"
    yield Finding(
        Level.OK if arrived == "whole" else Level.WARNING,
        "bodies",
        f"Expect: 100-continue: {said}; the body: {arrived}",
    )


def _told(client: Client, path: str, lines: _Lines, *, patient: bool) -> tuple[str, bool]:
    """What arrived (``whole``, ``cut``, ``empty``, ``refused with …``, ``failed``), and whether we were told to continue."""
    connection = h11.Connection(h11.CLIENT)
    try:
        with client.connect() as sock:
            deadline = time.monotonic() + TOTAL_S
            sock.sendall(connection.send(h11.Request(method="PUT", target=path, headers=lines)) or b"")
            # Servers that refuse do so on seeing the head; sent the body all the same they might reset the connection.
            event = _next(sock, connection, time.monotonic() + (PATIENCE_S if patient else PATIENCE_S / 4))
            continues = isinstance(event, h11.InformationalResponse) and event.status_code == 100
            if not isinstance(event, h11.Response):
                sock.sendall(connection.send(h11.Data(data=BODY)) or b"")
                sock.sendall(connection.send(h11.EndOfMessage()) or b"")
                event = None
            while not isinstance(event, h11.Response):
                event = _next(sock, connection, deadline)
                if event is None or isinstance(event, h11.ConnectionClosed):
                    return "failed", continues
            if event.status_code != 200:
                return f"refused with {event.status_code}", continues
            return _arrived(sock, connection, deadline), continues
    except (FetchError, OSError, h11.ProtocolError):
        return "failed", False


def _arrived(sock: socket.socket, connection: h11.Connection, deadline: float) -> str:
    answer = b""
    while isinstance(event := _next(sock, connection, deadline), h11.Data):
        answer += bytes(event.data)
    try:
        size = json.loads(answer)["body"]["bytes"]
    except (ValueError, KeyError, TypeError):
        return "failed"
    return "whole" if size == len(BODY) else "cut" if size else "empty"


def _next(sock: socket.socket, connection: h11.Connection, deadline: float) -> object:
    """The next event, or None when the time is over."""
    while (event := connection.next_event()) is h11.NEED_DATA:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        sock.settimeout(left)
        try:
            connection.receive_data(sock.recv(65_536))
        except TimeoutError:
            return None
    return event
