"""Simulated candidates: they send real WebM pieces, forget one only when it is acknowledged, and send it again otherwise."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from tests.service.build import ORIGIN
from tests.service.server import Server
from tests.webm_factory import record

WINDOW = 12
# A browser's clock is believed to ten seconds beyond what the server saw, and these candidates are faster than the clock.
RUNS_PER_SESSION, RUN_MS, PIECE_MS = 2, 4000, 100
WAIT_S = 5.0
Key = tuple[str, int, int]  # session uuid, run, seq


@dataclass
class Notebook:
    """What was acknowledged: with these bytes. Everything that must be there at the end."""

    acknowledged: dict[Key, str] = field(default_factory=dict)
    sessions: list[str] = field(default_factory=list)
    sent: int = 0
    refused: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, key: Key, sha256: str) -> None:
        with self.lock:
            self.acknowledged[key] = sha256


class Bodies:
    """Pieces of one recording; an EBML Void element with a number behind each makes every piece another one (RFC 8794 section 11.3.2)."""

    def __init__(self) -> None:
        self._pieces = record(RUN_MS / 1000, audio=False, piece_ms=PIECE_MS).pieces
        self._made = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pieces)

    def make(self, seq: int) -> tuple[bytes, str]:
        with self._lock:
            self._made += 1
            number = self._made
        body = self._pieces[seq] + b"\xec\x88" + number.to_bytes(8, "big")
        return body, hashlib.sha256(body).hexdigest()


class Candidate(threading.Thread):
    """Session after session until the notebook says stop; the last session is finished and stopped too."""

    def __init__(self, server: Server, notebook: Notebook, bodies: Bodies, name: str, socket: bool) -> None:
        super().__init__(name=name, daemon=True)
        self._server = server
        self._notebook = notebook
        self._bodies = bodies
        self._socket = socket
        self.failed: BaseException | None = None

    def run(self) -> None:
        number = 0
        try:
            while not self._notebook.stop.is_set():
                self._session(f"attempt-{number}")
                number += 1
        except BaseException as error:
            self.failed = error
            raise

    def _session(self, external_id: str) -> None:
        started = self._insist(lambda: self._server.start_session(self.name, external_id))
        uuid, token = str(started["session_uuid"]), str(started["session_token"])
        pieces = {
            (uuid, run * RUN_MS, seq): self._bodies.make(seq)
            for run in range(RUNS_PER_SESSION)
            for seq in range(len(self._bodies))
        }
        with self._notebook.lock:
            self._notebook.sessions.append(uuid)
        left = dict(pieces)
        while left:
            try:
                (self._by_socket if self._socket else self._by_put)(started, token, left)
            except (OSError, http.client.HTTPException, WebSocketException, EOFError):
                self._notebook.stop.wait(0.05)  # killed; again
        headers = {"X-Proview-Token": token}
        self._insist(lambda: self._server.request("POST", f"/proview/v1/sessions/{uuid}/stop", {}, headers))

    def _insist(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                answer = call()
                if not isinstance(answer, tuple) or answer[0] < 500:
                    return answer
            except (OSError, http.client.HTTPException, AssertionError):
                pass
            threading.Event().wait(0.05)

    def _by_put(self, started: dict[str, object], token: str, left: dict[Key, tuple[bytes, str]]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=WAIT_S)
        try:
            for key, (body, sha256) in list(left.items()):
                uuid, run, seq = key
                digest = base64.b64encode(bytes.fromhex(sha256)).decode()
                headers = {
                    "Origin": ORIGIN, "X-Proview-Token": token, "Content-Digest": f"sha-256=:{digest}:",
                    "Content-Type": "video/webm;codecs=vp8", "X-Piece-Start": str(run + seq * PIECE_MS),
                    "X-Piece-Duration": str(PIECE_MS),
                }  # fmt: skip
                self._count()
                path = f"/proview/v1/sessions/{uuid}/tracks/camera/runs/{run}/pieces/{seq}"
                connection.request("PUT", path, body, headers)
                response = connection.getresponse()
                answer = response.read()
                self._judge(key, sha256, response.status < 300, response.status >= 500, answer.decode())
                left.pop(key, None)
        finally:
            connection.close()

    def _by_socket(self, started: dict[str, object], token: str, left: dict[Key, tuple[bytes, str]]) -> None:
        uuid = str(started["session_uuid"])
        with self._server.candidate(started, open_timeout=WAIT_S) as ws:
            flying: dict[Key, str] = {}
            waiting = list(left.items())
            while waiting or flying:
                while waiting and len(flying) < WINDOW:
                    key, (body, sha256) = waiting.pop(0)
                    header = {"track": "camera", "run": key[1], "seq": key[2], "start": key[1] + key[2] * PIECE_MS,
                              "duration": PIECE_MS, "sha256": sha256, "mime": "video/webm;codecs=vp8"}  # fmt: skip
                    text = json.dumps(header).encode()
                    self._count()
                    ws.send(struct.pack("!BH", 1, len(text)) + text + body)
                    flying[key] = sha256
                self._receive(ws, uuid, flying, left)

    def _receive(
        self, ws: ClientConnection, uuid: str, flying: dict[Key, str], left: dict[Key, tuple[bytes, str]]
    ) -> None:
        try:
            message = json.loads(ws.recv(timeout=WAIT_S))
        except TimeoutError:
            raise OSError("silent") from None
        if message["type"] == "ack":
            for _, run, seq in message["pieces"]:
                key = (uuid, run, seq)
                if key in flying:
                    self._judge(key, flying.pop(key), True, False, "")
                    left.pop(key, None)
        elif message["type"] == "nack":
            key = (uuid, message["run"], message["seq"])
            flying.pop(key, None)
            self._judge(key, "", False, message["retry"], json.dumps(message))
            raise OSError("refused for now")

    def _judge(self, key: Key, sha256: str, stored: bool, retry: bool, text: str) -> None:
        if stored:
            self._notebook.acknowledge(key, sha256)
        elif retry:
            raise OSError(text)
        else:
            with self._notebook.lock:
                self._notebook.refused.append(f"{key}: {text}")

    def _count(self) -> None:
        with self._notebook.lock:
            self._notebook.sent += 1
