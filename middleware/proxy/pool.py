"""Kept connections to the one application: newest first, bounded, never used when doubtful.

Connections that carry NTLM or Negotiate belong to the user who authenticated on them (RFC 4559); they are tied to the
client's own connection and never enter the pool, for the next user would be taken for that one.
"""

from __future__ import annotations

import ssl
import threading
import time
import weakref
from typing import Any

from .connection import Connection
from .errors import Busy

# Shorter than the keep-alive of common servers (Apache 5 s, Tomcat 20 s); a stale one is noticed and retried besides.
IDLE_S = 4.0


class Pool:
    """Connections to one host and port."""

    def __init__(self, host: str, port: int, tls: bool, *, size: int, connect_s: float, read_s: float) -> None:
        self._host, self._port = host, port
        self._tls = ssl.create_default_context() if tls else None
        self._connect_s, self._read_s = connect_s, read_s
        self._idle: list[tuple[Connection, float]] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(size)
        self._pinned: weakref.WeakKeyDictionary[Any, Connection] = weakref.WeakKeyDictionary()

    def acquire(self, client: object, *, fresh: bool = False) -> Connection:
        """A connection: the client's own, a kept one, or a new one.

        :param fresh: no kept one; for requests that must not be repeated, because a kept connection may die under them.

        :raises Busy: when all are in use. :raises Unreachable, Slow:
        """
        if not self._free.acquire(timeout=self._connect_s):
            raise Busy("all connections to the application are in use")
        try:
            connection = self._pinned_to(client) or (None if fresh else self._kept())
            return connection or Connection.open(self._host, self._port, self._tls, self._connect_s, self._read_s)
        except BaseException:
            self._free.release()
            raise

    def release(self, connection: Connection, client: object, *, keep: bool, pin: bool) -> None:
        """Give it back, once."""
        self._free.release()
        if not keep or connection.has_leftover:
            connection.close()
            return
        connection.used = True
        connection.set_timeout(self._read_s)
        if pin:
            self._pin(connection, client)
            return
        with self._lock:
            self._idle.append((connection, time.monotonic()))

    def close(self) -> None:
        """Close everything that is not in use. Safe to call twice."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in [*(c for c, _ in idle), *self._pinned.values()]:
            connection.close()
        self._pinned.clear()

    def _pinned_to(self, client: object) -> Connection | None:
        pinned = self._pinned.pop(client, None) if client is not None else None
        return pinned if pinned is not None and pinned.is_quiet() else None

    def _kept(self) -> Connection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, since = self._idle.pop()
            if time.monotonic() - since < IDLE_S and connection.is_quiet():
                return connection
            connection.close()

    def _pin(self, connection: Connection, client: object) -> None:
        try:
            self._pinned[client] = connection
        except (
            TypeError
        ):  # this server's sockets cannot be referred to weakly: a handshake that fails is better than a mix-up
            connection.close()
