"""What waits to be sent to one browser: bounded; acknowledgements that wait together leave as one message.

When the browser does not read, the queue fills and the connection is closed with 1013: nothing is lost by that, what was
not acknowledged is sent again.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from .protocol import Close
from .socket import SignalSocket, SocketClosed

MAX_MESSAGES = 256
MAX_BYTES = 1 << 20
MAX_ACKS = 4096
ACKS_PER_MESSAGE = 500


class Outbox:
    """Queue and sending thread of one socket. ``send`` and ``acknowledge`` never block."""

    def __init__(self, socket: SignalSocket) -> None:
        self._socket = socket
        self._wake = threading.Condition(threading.Lock())
        self._messages: deque[str] = deque()
        self._bytes = 0
        self._acks: list[tuple[str, int, int]] = []
        self._closing: tuple[int, str] | None = None
        self._stopped = False
        self.overloaded = False
        self._thread = threading.Thread(target=self._run, name="signal-outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send what can still be sent at once, then end the thread. Safe to call twice."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def send(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message, separators=(",", ":"))
        with self._wake:
            if self._stopped or self._closing is not None:
                return
            if len(self._messages) >= MAX_MESSAGES or self._bytes + len(text) > MAX_BYTES:
                self._overload()
                return
            self._messages.append(text)
            self._bytes += len(text)
            self._wake.notify()

    def acknowledge(self, track: str, run: int, seq: int) -> None:
        """The piece is durable."""
        with self._wake:
            if self._stopped or self._closing is not None:
                return
            if len(self._acks) >= MAX_ACKS:
                self._overload()
                return
            self._acks.append((track, run, seq))
            self._wake.notify()

    def close(self, code: int, reason: str) -> None:
        """Send what waits, an ``error`` message, then close."""
        self.send({"type": "error", "code": reason_code(code), "message": reason})
        with self._wake:
            if self._closing is None:
                self._closing = (code, reason)
            self._wake.notify()

    def _overload(self) -> None:
        self.overloaded = True
        self._messages.clear()
        self._acks.clear()
        self._closing = (Close.OVERLOADED, "The browser does not read.")
        self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._messages or self._acks or self._closing or self._stopped):
                    self._wake.wait()
                texts = self._take()
                closing, stopped = self._closing, self._stopped
            try:
                for text in texts:
                    self._socket.send(text)
            except SocketClosed as error:
                self.overloaded = self.overloaded or error.code == Close.OVERLOADED
                return
            if closing is not None:
                self._socket.close(*closing)
                return
            if stopped:
                return

    def _take(self) -> list[str]:
        acks, self._acks = self._acks, []
        texts = [
            json.dumps({"type": "ack", "pieces": acks[start : start + ACKS_PER_MESSAGE]}, separators=(",", ":"))
            for start in range(0, len(acks), ACKS_PER_MESSAGE)
        ]
        texts += self._messages
        self._messages.clear()
        self._bytes = 0
        return texts


def reason_code(code: int) -> str:
    """The stable name of a close code, for the ``error`` message."""
    try:
        return Close(code).name.lower()
    except ValueError:
        return "closed"
