"""The service of docs/protocol.md in memory, with switches for its faults, so that the browser code is tested without the real one.

Pieces count as durable when they lie in ``FakeSession.pieces``; digests are checked as the real service does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from .fake_http import Handler
from .fake_line import FakeLine
from .fake_proctor import FakeProctor

PieceKey = tuple[str, int, int]

POLICY: dict[str, Any] = {
    "session_type": "ai_proctor",
    "title": "Algebra I",
    "tracks": ["camera"],
    "screen": False,
    "capture": {
        "video_codec": "vp8",
        "camera": {"width": 320, "height": 240, "fps": 15, "kbps": 200},
        "screen": {"width": 640, "height": 360, "fps": 5, "kbps": 200},
        "audio_kbps": 32,
    },
    "slice_ms": 300,
    "keyframe_ms": 2000,
    "client_buffer_mb": 64,
    "heartbeat_ms": 1000,
    "drain_deadline_ms": 3000,
    "session_minutes": 90,
    "on_limit": "rollover",
    "idle_ms": 60_000,
    "silence_ms": 60_000,
    "live": "on-demand",
    "preview_style": None,
    "stop_paths": [],
    "cover": True,
}


OPEN_STATES = ("created", "running", "paused")


@dataclass
class Piece:
    data: bytes
    start: int
    duration: int
    last: bool
    by: str


@dataclass
class FakeSession:
    uuid: str
    key: tuple[str, str]
    started_at: int
    state: str = "created"
    pieces: dict[PieceKey, Piece] = field(default_factory=dict)
    conflicts: list[PieceKey] = field(default_factory=list)
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    duplicates: int = 0
    commands: list[tuple[str, str | None]] = field(default_factory=list)
    offers: list[dict[str, Any]] = field(default_factory=list)
    ended_at_ms: int | None = None
    sockets: list[ServerConnection] = field(default_factory=list)
    token_epoch: int = 0
    mail: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    mail_seq: int = 0
    mail_read: int = 0
    peer: str = ""
    polls: list[dict[str, Any]] = field(default_factory=list)
    photos: list[tuple[str, bytes, int]] = field(default_factory=list)
    approval: str | None = None
    reason: str | None = None

    @property
    def token(self) -> str:
        """The session token that is accepted; raising the epoch makes older ones invalid."""
        return f"session-{self.token_epoch}-{self.uuid}"

    def runs(self, track: str = "camera") -> list[int]:
        return sorted({run for name, run, _ in self.pieces if name == track})

    def seqs(self, run: int, track: str = "camera") -> list[int]:
        return sorted(seq for name, one, seq in self.pieces if (name, one) == (track, run))

    def run_bytes(self, run: int, track: str = "camera") -> bytes:
        return b"".join(self.pieces[track, run, seq].data for seq in self.seqs(run, track))

    def recorded(self, track: str = "camera") -> list[tuple[int, int]]:
        """What the pieces cover, epoch ms, in order."""
        return sorted(
            (self.started_at + piece.start, self.started_at + piece.start + piece.duration)
            for (name, _, _), piece in self.pieces.items()
            if name == track
        )

    def event_names(self) -> list[str]:
        return [event["name"] for _, event in sorted(self.events.items())]


class FakeService(FakeLine, FakeProctor):
    """``with FakeService() as service:`` serves pages and the protocol on loopback ports."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.sessions: dict[str, FakeSession] = {}
        self.policy = json.loads(json.dumps(POLICY))
        self.starts: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.identity = ("exam-1", "student-1")
        self.refuse_socket = False
        self.no_socket_url = False
        self.refuse_start: tuple[int, str] | None = None
        self.hold = threading.Event()
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"service": self}))
        self._http.daemon_threads = True
        self._ws: Server = serve(
            self._socket,
            "127.0.0.1",
            0,
            process_request=self._admit,
            compression=None,
            max_size=16 * 2**20,
            origins=None,
        )
        self._threads = [
            threading.Thread(target=self._http.serve_forever, args=(0.05,)),
            threading.Thread(target=self._ws.serve_forever),
        ]

    def __enter__(self) -> FakeService:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.hold.set()
        self.silent = False
        self.go_down()
        self._http.shutdown()
        self._http.server_close()
        self._ws.shutdown()
        for thread in self._threads:
            thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def session(self) -> FakeSession:
        """The newest session."""
        return list(self.sessions.values())[-1]

    def page(
        self,
        path: str,
        body: str = "<h1>Question</h1>",
        *,
        head: str = "",
        tag: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """A page as the middleware would send it: ``tag`` are the tag's attributes, e.g. ``role="page" start="auto"``."""
        script = "" if tag is None else f'<script src="/proview/init.js" data-proview-route="r0" {tag}></script>'
        html = f'<!doctype html><html lang="en"><head>{script}<meta charset="utf-8"><title>Exam {path}</title>{head}</head><body>{body}</body></html>'
        self.pages[path] = (html, headers or {})

    def hold_pieces(self) -> contextlib.AbstractContextManager[None]:
        """Pieces arrive and are neither stored nor acknowledged."""

        @contextlib.contextmanager
        def held() -> Iterator[None]:
            self.holding = True
            try:
                yield
            finally:
                self.holding = False
                self.hold.set()

        return held()

    holding = False
    # Nothing that is asked by HTTP is answered.
    holding_all = False
    # Events arrive and are neither stored nor acknowledged.
    holding_events = False

    ahead_ms = 0

    def now(self) -> int:
        """Epoch ms of this service."""
        return int(time.time() * 1000) + self.ahead_ms

    # -- protocol ---------------------------------------------------------

    def start(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.starts.append(body)
        if self.refuse_start:
            status, code = self.refuse_start
            return status, {"code": code, "message": f"refused: {code}", "type": "critical"}
        key = (body.get("session") or self.identity[0], body.get("profile_id") or self.identity[1])
        with self.lock:
            newest = next(
                (s for s in reversed(self.sessions.values()) if s.key == key and s.state in OPEN_STATES),
                None,
            )
            found = newest if newest is not None and newest.uuid != body.get("continues") else None
            session = found or FakeSession(str(uuid.uuid4()), key, self.now())
            self.sessions[session.uuid] = session
        answer = {
            **self.credentials(session),
            "session_uuid": session.uuid,
            "state": session.state,
            "resumed": found is not None,
            "signal_url": None
            if self.no_socket_url
            else f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/proview/v1/sessions/{session.uuid}/signal",
            "base_url": self.url + "/proview",
            "ice_servers": [],
            "server_time": self.now(),
            "started_at": session.started_at,
            "session": key[0],
            "profile_id": key[1],
            "policy": self.policy,
            "checks": self.checks_done(session),
        }
        return (200 if found else 201), answer

    def credentials(self, session: FakeSession) -> dict[str, Any]:
        return {
            "session_token": session.token,
            "drain_token": "drain-" + session.uuid,
            "expires_at": self.now() + 900_000,
        }

    def piece(self, *values: Any) -> Piece:
        return Piece(*values)

    def store(self, session: FakeSession, key: PieceKey, piece: Piece) -> int:
        with self.lock:
            old = session.pieces.get(key)
            if old is not None:
                if old.data == piece.data:
                    return 200
                session.conflicts.append(key)
                return 409
            session.pieces[key] = piece
            if session.state == "created":
                session.state = "running"
            return 201

    def add_events(self, session: FakeSession, events: list[dict[str, Any]]) -> list[int]:
        with self.lock:
            for event in events:
                session.duplicates += event["seq"] in session.events
                session.events.setdefault(event["seq"], event)
        return [event["seq"] for event in events]

    def command(self, session: FakeSession, name: str, reason: str | None) -> dict[str, Any]:
        session.commands.append((name, reason))
        if session.state in OPEN_STATES:
            session.state = {"stop": "stopped", "pause": "paused", "resume": "running"}[name]
        return {"state": session.state}

    def poll(self, session: FakeSession, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """docs/protocol.md, "Without a socket"; never held."""
        with self.lock:
            session.polls.append(asked)
            peer = "http:" + asked["client"]
            first = asked["cursor"] is None
            if first:
                session.peer = peer
            if session.peer != peer:
                return 409, {"code": "replaced", "message": "opened elsewhere"}
            cursor = session.mail_read if first else asked["cursor"]
            session.mail_read = cursor
            session.mail = [(number, message) for number, message in session.mail if number > cursor]
            answer = {
                "messages": [message for _, message in session.mail],
                "cursor": session.mail[-1][0] if session.mail else cursor,
                "t": asked["t"],
                "server_time": self.now(),
                "state": session.state,
                "reason": "proctor",
                "poll_after_ms": self.poll_after_ms,
            }
        return 200, {**answer, **({"started_at": session.started_at, "watchers": 0} if first else {})}

    poll_after_ms = 500

    def post(self, session: FakeSession, message: dict[str, Any]) -> None:
        """Into the mailbox."""
        with self.lock:
            session.mail_seq += 1
            session.mail.append((session.mail_seq, message))

    def say(self, session: FakeSession, message: dict[str, Any]) -> None:
        for socket in list(session.sockets):
            with contextlib.suppress(ConnectionClosed):
                socket.send(json.dumps(message))

    # -- socket -----------------------------------------------------------

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.swallow() or self.down or self.refuse_socket:
            return connection.respond(503, "no\n")
        return None

    def _socket(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        session = self.sessions.get(connection.request.path.split("/")[4])
        try:
            hello = json.loads(connection.recv(5))
        except (ConnectionClosed, TimeoutError, OSError):
            return
        who, at = str(hello.pop("client", "")), hello.pop("t", None)
        if session is None or hello != {"type": "hello", "token": session.token, "protocol": 1}:
            return connection.close(4401)
        if len(who) < 8 or not isinstance(at, (int, float)):
            return connection.close(4401)
        if session.state in ("stopped", "terminated", "expired"):
            return connection.close(4410)
        session.peer = "socket"
        for old in session.sockets:
            threading.Thread(target=old.close, args=(4409,)).start()
        session.sockets[:] = [connection]
        connection.send(
            json.dumps(
                {
                    "type": "welcome",
                    "state": session.state,
                    "server_time": self.now(),
                    "started_at": session.started_at,
                    "watchers": 0,
                }
            )
        )
        with contextlib.suppress(ConnectionClosed, OSError):
            for message in connection:
                if not self.lets_through(connection):
                    continue
                if isinstance(message, bytes):
                    self._binary(session, connection, message)
                else:
                    self._text(session, connection, json.loads(message))
        if connection in session.sockets:
            session.sockets.remove(connection)

    def _binary(self, session: FakeSession, connection: ServerConnection, message: bytes) -> None:
        assert message[0] == 1
        length = int.from_bytes(message[1:3], "big")
        header, body = json.loads(message[3 : 3 + length]), message[3 + length :]
        if self.holding:
            return
        key = (header["track"], header["run"], header["seq"])
        if hashlib.sha256(body).hexdigest() != header["sha256"]:
            (track, run, seq) = key
            nack = {"type": "nack", "track": track, "run": run, "seq": seq, "code": "digest_mismatch", "message": ""}
            connection.send(json.dumps({**nack, "retry": False}))
            return
        self.store(session, key, Piece(body, header["start"], header["duration"], header.get("last", False), "socket"))
        connection.send(json.dumps({"type": "ack", "pieces": [key]}))

    def _text(self, session: FakeSession, connection: ServerConnection, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "ping":
            connection.send(json.dumps({"type": "pong", "t": message["t"], "server_time": self.now()}))
        elif kind == "events" and self.holding_events:
            return
        elif kind == "events":
            connection.send(json.dumps({"type": "events_ack", "seqs": self.add_events(session, message["events"])}))
        elif kind == "refresh":
            connection.send(json.dumps({"type": "token", **self.credentials(session)}))
        elif kind in ("stop", "pause", "resume"):
            connection.send(
                json.dumps({"type": "state", **self.command(session, kind, message.get("reason")), "reason": "page"})
            )
        elif kind == "offer":
            session.offers.append(message)
