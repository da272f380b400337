"""Kept connections to the one application: newest first, bounded, never used when doubtful.

Connections that carry NTLM or Negotiate belong to the user who authenticated on them (RFC 4559); they are tied to the
client's own connection and never enter the pool, for the next user would be taken for that one.
"""

from __future__ import annotations

import ssl
import threading
import time
import weakref
from collections import deque
from typing import Any

from .connection import Connection
from .errors import Busy

# Shorter than the keep-alive of common servers (Apache 5 s, Tomcat 20 s); a stale one is noticed and retried besides.
IDLE_S = 4.0


class Pool:
    """Connections to one host and port: at most ``size`` in use and kept together.

    Connections of authenticated users, WebSockets and event streams come on top: one per candidate may be open for the
    whole exam, and pages must still be answered. There are never more of them than clients are connected.
    """

    def __init__(self, host: str, port: int, tls: bool, *, size: int, connect_s: float, read_s: float) -> None:
        self._host, self._port, self._size = host, port, size
        self._tls = ssl.create_default_context() if tls else None
        self._connect_s, self._read_s = connect_s, read_s
        self._idle: deque[tuple[Connection, float]] = deque()
        self._busy = 0
        self._waiting = 0
        # One lock, taken once on the way in and once on the way out.
        self._lock = threading.Condition(threading.Lock())
        self._pinned: weakref.WeakKeyDictionary[Any, Connection] = weakref.WeakKeyDictionary()

    def acquire(self, client: object, *, fresh: bool = False) -> Connection:
        """A connection: the client's own, a kept one, or a new one.

        :param fresh: no kept one; for requests that must not be repeated, because a kept connection may die under them.

        :raises Busy: when all are in use. :raises Unreachable, Slow:
        """
        pinned = kept = None
        with self._lock:
            if self._busy >= self._size:
                self._wait_for_place()
            self._busy += 1
            if self._pinned and client is not None:
                pinned = self._pinned.pop(client, None)
            if pinned is None and not fresh and self._idle:
                kept = self._idle.pop()
        try:
            if pinned is not None:
                if pinned.is_quiet():
                    return pinned
                pinned.close()
            return (None if fresh else self._usable(kept)) or self._open()
        except BaseException:
            self._give_back_place()
            raise

    def set_apart(self, connection: Connection) -> None:
        """Its answer may last for hours: it holds no place any more, and is closed when released."""
        connection.counted = False
        self._give_back_place()

    def release(self, connection: Connection, client: object, *, keep: bool, pin: bool) -> None:
        """Give it back, once.

        :param pin: a user authenticates on it; this cannot be undone.
        """
        connection.private = connection.private or pin
        shared = False
        if not keep or connection.has_leftover or not connection.counted:
            connection.close()
        else:
            connection.used = True
            connection.reset_waiting()
            if connection.private:
                self._pin(connection, client)
            else:
                shared = True
        now = time.monotonic()
        closing = []
        with self._lock:
            if connection.counted:
                self._busy -= 1
                if self._waiting:
                    self._lock.notify()
            if shared:
                self._idle.append((connection, now))
            if self._idle and (self._idle[0][1] < now - IDLE_S or self._busy + len(self._idle) > self._size):
                closing = self._too_many(now)
        for old in closing:
            old.close()

    def close(self) -> None:
        """Close everything that is not in use. Safe to call twice."""
        with self._lock:
            closing = [connection for connection, _ in self._idle] + list(self._pinned.values())
            self._idle.clear()
            self._pinned.clear()
        for connection in closing:
            connection.close()

    def _wait_for_place(self) -> None:
        """With the lock held."""
        self._waiting += 1
        try:
            if not self._lock.wait_for(lambda: self._busy < self._size, self._connect_s):
                raise Busy("all connections to the application are in use")
        finally:
            self._waiting -= 1

    def _give_back_place(self) -> None:
        with self._lock:
            self._busy -= 1
            if self._waiting:
                self._lock.notify()

    def _too_many(self, now: float) -> list[Connection]:
        """Take out the oldest kept connections that are too old or too many. With the lock held."""
        closing = []
        while self._idle and (self._idle[0][1] < now - IDLE_S or self._busy + len(self._idle) > self._size):
            closing.append(self._idle.popleft()[0])
        return closing

    def _open(self) -> Connection:
        with self._lock:
            closing = self._too_many(time.monotonic())
        for old in closing:
            old.close()
        return Connection.open(self._host, self._port, self._tls, self._connect_s, self._read_s)

    def _usable(self, kept: tuple[Connection, float] | None) -> Connection | None:
        """The newest kept connection that is neither too old nor has said anything."""
        while kept is not None:
            connection, since = kept
            if time.monotonic() - since < IDLE_S and connection.is_quiet():
                return connection
            connection.close()
            with self._lock:
                kept = self._idle.pop() if self._idle else None
        return None

    def _pin(self, connection: Connection, client: object) -> None:
        """Without a client to tie it to it is closed: a login that fails is better than one as somebody else."""
        if client is None:
            connection.close()
            return
        with self._lock:
            self._pinned[client] = connection
        if not connection.tied:
            connection.tied = True
            weakref.finalize(client, connection.close).atexit = False
