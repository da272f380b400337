"""A WebSocket on the server's socket that neither corrupts nor buffers without bound.

simple-websocket (what flask-sock runs on) finds the socket of gunicorn, werkzeug and gevent and answers the handshake; the
rest of it is not used: it ignores short writes, so that a slow reader gets spliced frames, its reader thread queues
without limit, it accepts permessage-deflate and pings by the wall clock (docs/security.md, "WebSocket"). Here messages
are read only when asked for, so that TCP pushes back on a flood; a send is whole or the connection is over.

One thread may receive while others send.
"""

from __future__ import annotations

import contextlib
import socket as sockets
import threading
import time
from typing import TYPE_CHECKING, Any

from simple_websocket import Server
from wsproto import ConnectionType
from wsproto.connection import Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from .protocol import Close

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

RECEIVE_BYTES = 64 * 1024
PING_S = 8.0
SILENCE_S = 25.0
# A slow reader gets this long to take one message, then the connection is over.
SEND_S = 10.0
CLOSE_S = 2.0
# A message that was on its way when we said goodbye; more than that is a flood.
GOODBYE_BYTES = 32 << 20
ABNORMAL = 1006  # the connection just ended; never sent (RFC 6455 section 7.4.1)


class SocketClosed(Exception):
    """The connection is over; ``code`` is what either side gave as the reason."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class NoSocket(Exception):
    """The WSGI server does not hand out its socket, or the request is not a WebSocket handshake."""


class _NoThread:
    """In place of simple-websocket's reader thread, which would read without limit."""

    name = "(_thread)"

    def __init__(self, target: object) -> None:
        pass

    def start(self) -> None:
        pass


class SignalSocket:
    """The server's end of one WebSocket.

    :param environ: the WSGI environ of the handshake request; it is answered here.
    :param max_binary: largest binary message; text may have ``max_text`` bytes.
    :param poll_s: ``receive`` returns None at the latest after this long.
    """

    def __init__(self, environ: WSGIEnvironment, *, max_text: int, max_binary: int, poll_s: float = 1.0) -> None:
        # Without the header simple-websocket has nothing to negotiate: no permessage-deflate, no inflating bombs.
        offered = {key: value for key, value in environ.items() if key != "HTTP_SEC_WEBSOCKET_EXTENSIONS"}
        try:
            self._server: Any = Server(offered, thread_class=_NoThread)
        except (RuntimeError, OSError, RemoteProtocolError, LocalProtocolError) as error:
            raise NoSocket(str(error)) from error
        except Exception as error:
            if type(error).__module__.startswith("simple_websocket"):
                raise NoSocket("not a WebSocket handshake") from error
            raise
        self.mode: str = self._server.mode
        self._socket: sockets.socket = self._server.sock
        self._connection = Connection(ConnectionType.SERVER)
        self._max_text = max_text
        self._max_binary = max_binary
        self._message = bytearray()
        self._lock = threading.Lock()
        self._over: int | None = None
        self._closing: int | None = None
        self._goodbye_until = 0.0
        self._dropped = 0
        self._ended_by_peer = False
        self._heard = self._pinged = time.monotonic()
        with contextlib.suppress(OSError):
            self._socket.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        self.set_poll(poll_s)

    def set_poll(self, seconds: float) -> None:
        """How long one ``receive`` waits. It also slices the waiting of sends: the two share one socket object."""
        self._socket.settimeout(seconds)

    def receive(self) -> str | bytes | None:
        """The next message, or None when there was none within the poll time. Answers pings, sends ours.

        :raises SocketClosed: closed by either side, broken, silent for 25 s, or a frame against the rules.
        """
        while True:
            for event in self._connection.events():
                message = self._handle(event)
                if message is not None and self._closing is None:
                    return message
            self._check_over()
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except TimeoutError:
                if self._closing is not None:
                    self._end(self._closing)
                    continue
                self._keep_alive()
                return None
            except OSError:
                data = b""
            if not data:
                self._ended_by_peer = True
                self._end(self._closing or ABNORMAL)
                continue
            self._heard = time.monotonic()
            self._drop(data)
            self._connection.receive_data(data)

    def send(self, text: str) -> None:
        """One text message, whole.

        :raises SocketClosed: closing, broken, or not taken within 10 s.
        """
        if self._closing is not None:
            raise SocketClosed(self._closing)
        self._write(TextMessage(data=text))

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, from any thread; ``receive`` then ends with ``code``. Never raises, safe to call twice."""
        if self._over is not None or self._closing is not None:
            return
        self._closing = int(code)
        self._goodbye_until = time.monotonic() + CLOSE_S
        with contextlib.suppress(SocketClosed):
            self._write(CloseConnection(code=code, reason=reason.encode()[:120].decode("utf-8", "ignore")), CLOSE_S)

    def abort(self, code: int) -> None:
        """Cut the connection from any thread; a waiting ``receive`` ends with ``code``."""
        self._end(code)
        with contextlib.suppress(OSError):
            self._socket.shutdown(sockets.SHUT_RDWR)

    def finish(self) -> None:
        """Release the socket; only by the receiving thread, when nobody sends any more.

        What the browser still sends is read and dropped for a moment: closing with unread input would reset the
        connection and take our goodbye with it (RFC 9293 section 3.6.1).
        """
        with contextlib.suppress(OSError, LocalProtocolError):
            self._socket.settimeout(CLOSE_S)
            while not self._ended_by_peer and time.monotonic() < self._goodbye_until:
                data = self._socket.recv(RECEIVE_BYTES)
                self._drop(data)
                self._connection.receive_data(data or None)
                goodbye = any(isinstance(event, CloseConnection) for event in self._connection.events())
                self._ended_by_peer = goodbye or not data
        self._end(ABNORMAL)
        with contextlib.suppress(OSError):
            self._socket.shutdown(sockets.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._socket.close()

    def _drop(self, data: bytes) -> None:
        """Count what comes after our goodbye: a flood does not get to use up the whole time."""
        if self._goodbye_until:
            self._dropped += len(data)
            if self._dropped > GOODBYE_BYTES:
                self._goodbye_until = 0.0
                self._end(self._closing or ABNORMAL)

    def _check_over(self) -> None:
        if self._over is None and self._closing is not None and time.monotonic() >= self._goodbye_until:
            self._end(self._closing)
        if self._over is not None:
            raise SocketClosed(self._over)

    def _handle(self, event: object) -> str | bytes | None:
        if isinstance(event, (TextMessage, BytesMessage)):
            return self._append(event)
        if isinstance(event, Ping):
            with contextlib.suppress(SocketClosed):
                self._write(event.response())
        elif isinstance(event, CloseConnection):
            # Also what wsproto makes of a frame against the rules; then the browser has not said goodbye yet.
            if self._connection.state is ConnectionState.OPEN:
                self._goodbye_until = time.monotonic() + CLOSE_S
            with contextlib.suppress(SocketClosed):
                self._write(event.response(), CLOSE_S)
            self._end(self._closing or event.code)
        return None

    def _append(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        is_text = isinstance(event, TextMessage)
        data = event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
        if len(self._message) + len(data) > (self._max_text if is_text else self._max_binary):
            self._message.clear()
            self.close(Close.TOO_BIG, "The message is too big.")
        if self._closing is not None:
            return None
        self._message += data
        if not event.message_finished:
            return None
        message = bytes(self._message)
        self._message = bytearray()
        return message.decode() if is_text else message

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if now - self._heard > SILENCE_S:
            self.abort(Close.GOING_AWAY)
        elif now - self._pinged > PING_S:
            self._pinged = now
            with contextlib.suppress(SocketClosed):
                self._write(Ping())

    def _write(self, event: TextMessage | Ping | Pong | CloseConnection, limit_s: float = SEND_S) -> None:
        deadline = time.monotonic() + limit_s
        if not self._lock.acquire(timeout=limit_s):
            self.abort(Close.OVERLOADED)
            raise SocketClosed(Close.OVERLOADED)
        try:
            if self._over is not None:
                raise SocketClosed(self._over)
            rest = memoryview(self._connection.send(event))
            while rest:
                try:
                    rest = rest[self._socket.send(rest) :]
                except TimeoutError:
                    if time.monotonic() >= deadline:
                        # Half a frame is out: nothing can follow it.
                        self.abort(Close.OVERLOADED)
                        raise SocketClosed(Close.OVERLOADED) from None
        except LocalProtocolError:
            raise SocketClosed(self._closing or ABNORMAL) from None
        except OSError:
            self.abort(ABNORMAL)
            raise SocketClosed(ABNORMAL) from None
        finally:
            self._lock.release()

    def _end(self, code: int) -> None:
        if self._over is None:
            self._over = int(code)
