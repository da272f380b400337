"""A media process that only speaks the link: answers requests as told and remembers them."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask_proview.links import MessageReader, encode

Message = dict[str, Any]


class FakeMedia:
    """Listens on a unix socket. ``answers``: op → reply, or a function of the request."""

    def __init__(self, path: Path) -> None:
        self.requests: list[Message] = []
        self.answers: dict[str, Message | Callable[[Message], Message]] = {
            "view": {"sdp": "answer for the viewer"},
            "publish": {"sdp": "answer for the candidate"},
            "status": {"sessions": {}},
        }
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._path = path
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def ops(self) -> list[str]:
        return [str(request["op"]) for request in self.requests if request["op"] not in ("hello", "status")]

    def say(self, **event: object) -> None:
        """Send an unasked message to every web process."""
        for connection in self._connections:
            connection.sendall(encode(event))

    def close(self) -> None:
        for sock in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._thread.join(5)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = MessageReader()
        with contextlib.suppress(OSError):
            while data := connection.recv(65_536):
                for request in reader.feed(data):
                    self.requests.append(request)
                    answer = self.answers.get(request["op"], {})
                    reply = answer(request) if callable(answer) else answer
                    connection.sendall(encode({"id": request["id"], "ok": True, **reply}))
