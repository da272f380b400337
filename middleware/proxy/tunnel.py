"""After 101: bytes both ways between the client's socket and the application's, until one side is done."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from .connection import Connection
from .errors import NotTunnelled
from .head import Head

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# A socket that says nothing for an hour is given up; WebSocket libraries ping every half minute.
IDLE_S = 3600.0
BYTES = 65_536


def client_socket(environ: WSGIEnvironment) -> Any:
    """The client's socket, where the server hands it over (gunicorn, werkzeug); else None."""
    return environ.get("gunicorn.socket") or environ.get("werkzeug.socket")


def require_client_socket(environ: WSGIEnvironment) -> Any:
    """:raises NotTunnelled: when the server in front does not hand it over."""
    sock = client_socket(environ)
    if sock is None:
        raise NotTunnelled("this WSGI server does not hand over its socket, so WebSockets cannot be passed through")
    return sock


def run_tunnel(client: socket.socket, upstream: Connection, head: Head, fields: list[tuple[str, str]]) -> None:
    """Send the 101 to the client and relay until either side ends. Both directions run at once."""
    lines = [f"HTTP/1.1 {head.status}", *(f"{name}: {value}" for name, value in fields), "Connection: upgrade"]
    lines += [f"Upgrade: {value}" for value in head.values("upgrade")]
    client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + upstream.take_buffer())
    client.settimeout(IDLE_S)
    upstream.set_timeout(IDLE_S)
    back = threading.Thread(target=_relay, args=(upstream.socket, client), daemon=True)
    back.start()
    _relay(client, upstream.socket)
    back.join(IDLE_S)


def _relay(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(BYTES):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
