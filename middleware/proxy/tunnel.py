"""After 101: bytes both ways between the client's socket and the application's, until one side is done."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from .connection import Connection
from .errors import Unsupported
from .head import Head

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# A socket that says nothing for an hour is given up; WebSocket libraries ping every half minute.
IDLE_S = 3600.0
# After one side has said its last word, the other gets this long for its own.
LINGER_S = 5.0
BYTES = 65_536
_ESTABLISHED = 1  # enum tcp_state in linux/tcp_states.h


def client_socket(environ: WSGIEnvironment) -> Any:
    """The client's socket, where the server hands it over (gunicorn, werkzeug); else None."""
    return environ.get("gunicorn.socket") or environ.get("werkzeug.socket")


def require_client_socket(environ: WSGIEnvironment) -> Any:
    """:raises Unsupported: when the server in front does not hand it over."""
    sock = client_socket(environ)
    if sock is None:
        raise Unsupported("this WSGI server does not hand over its socket, so WebSockets cannot be passed through")
    return sock


def run_tunnel(client: socket.socket, upstream: Connection, head: Head, fields: list[tuple[str, str]]) -> None:
    """Send the 101 to the client and relay until either side ends. Both directions run at once."""
    lines = [f"HTTP/1.1 {head.status}", *(f"{name}: {value}" for name, value in fields), "Connection: upgrade"]
    lines += [f"Upgrade: {value}" for value in head.values("upgrade")]
    client.settimeout(IDLE_S)
    upstream.wait_at_most(IDLE_S)
    one_ended = threading.Event()
    directions = [
        threading.Thread(target=_relay, args=(source, target, one_ended), daemon=True)
        for source, target in ((client, upstream.socket), (upstream.socket, client))
    ]
    try:
        client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + upstream.take_buffer())
        for direction in directions:
            direction.start()
        one_ended.wait()
        for direction in directions:
            direction.join(LINGER_S)
    finally:
        for end in (client, upstream.socket):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
    for direction in directions:
        direction.join()


def client_is_there(client: Any) -> bool:
    """Whether the client's TCP connection is still established; True where that cannot be asked."""
    try:
        return bool(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED)
    except (AttributeError, OSError):
        return True


def _relay(source: socket.socket, target: socket.socket, ended: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(BYTES):
            target.sendall(data)
        # The other direction may still have something to say.
        target.shutdown(socket.SHUT_WR)
    ended.set()
