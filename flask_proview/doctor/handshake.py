"""Really opens a WebSocket at a session that does not exist, and tells who stood in the way if it does not open.

A working one is seen from end to end: handshake, a message in, and the service's own close code out.
"""

from __future__ import annotations

import contextlib
import enum
import json
import time
from collections.abc import Iterator
from typing import NamedTuple

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Message, RejectConnection, RejectData, Request
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from .client import Client, FetchError

NIL = "00000000-0000-0000-0000-000000000000"
_MAX_BODY = 64 * 1024
# RFC 6455 gives 4000 to 4999 to applications; ours are in docs/protocol.md.
_OUR_CLOSES = range(4400, 4500)


class Socket(enum.StrEnum):
    """``works``; ``refused`` by our service; ``swallowed``: the request arrived without its upgrade; ``blocked`` by something else;
    ``silent``: opened, but no message comes through; ``failed``: no answer."""

    WORKS = "works"
    REFUSED = "refused"
    SWALLOWED = "swallowed"
    BLOCKED = "blocked"
    SILENT = "silent"
    FAILED = "failed"


class Handshake(NamedTuple):
    outcome: Socket
    detail: str


def try_socket(client: Client, mount: str, origin: str, wait_s: float = 8.0) -> Handshake:
    """Open a signal socket as a page of ``origin`` would."""
    deadline = time.monotonic() + wait_s
    opened, status, headers, body = False, 0, dict[str, str](), b""
    try:
        with client.connect() as sock:
            connection = WSConnection(ConnectionType.CLIENT)
            target = f"{mount}/v1/sessions/{NIL}/signal"
            request = Request(
                host=client.host_header, target=target, extra_headers=[(b"Origin", origin.encode("ascii"))]
            )
            sock.sendall(connection.send(request))
            while True:
                for event in _events(connection):
                    if isinstance(event, AcceptConnection):
                        opened = True
                        hello = json.dumps({"type": "hello", "token": "proview-check", "protocol": 1})
                        sock.sendall(connection.send(Message(data=hello)))
                    elif isinstance(event, RejectConnection):
                        status = event.status_code
                        headers = {
                            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in event.headers
                        }
                        if not event.has_body:
                            return _refused(status, headers, b"")
                    elif isinstance(event, RejectData):
                        body += event.data
                        if event.body_finished or len(body) > _MAX_BODY:
                            return _refused(status, headers, body)
                    elif isinstance(event, CloseConnection):
                        if event.code in _OUR_CLOSES:
                            return Handshake(Socket.WORKS, f"closed with {event.code}, as it must be")
                        return Handshake(Socket.SILENT, f"opened, then closed with {event.code}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                sock.settimeout(left)
                data = sock.recv(64 * 1024)
                if not data:
                    if status:
                        return _refused(status, headers, body)
                    return Handshake(Socket.SILENT if opened else Socket.FAILED, "the connection was cut")
                connection.receive_data(data)
    except FetchError as error:
        return Handshake(Socket.FAILED, str(error))
    except TimeoutError:
        return Handshake(Socket.SILENT if opened else Socket.FAILED, f"nothing came within {wait_s:g} s")
    except (OSError, RemoteProtocolError, LocalProtocolError) as error:
        outcome = Socket.SILENT if opened else Socket.FAILED
        return Handshake(outcome, f"{type(error).__name__}: {error}" if str(error) else "the connection broke")


def _events(connection: WSConnection) -> Iterator[Event]:
    with contextlib.suppress(StopIteration):
        yield from connection.events()


def _refused(status: int, headers: dict[str, str], body: bytes) -> Handshake:
    code = error_code(headers, body)
    if code == "websocket_unsupported":
        return Handshake(Socket.REFUSED, "the WSGI server gives its sockets to nobody")
    if code is None:
        who = headers.get("server") or headers.get("via") or "something in between"
        return Handshake(Socket.BLOCKED, f"{who} answered {status}")
    if status in (400, 404, 426):
        return Handshake(Socket.SWALLOWED, f"the service got a plain request (answered {status})")
    return Handshake(Socket.BLOCKED, f"the service answered {status} {code}")


def error_code(headers: dict[str, str], body: bytes) -> str | None:
    """The code of an error of our API; None when somebody else answered."""
    if "x-request-id" not in headers or "json" not in headers.get("content-type", ""):
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return None
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, str) else None
