"""The HTTP side of the fake service."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .fake_service import FakeService, FakeSession

STATIC = Path(__file__).resolve().parents[2] / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}


class Handler(BaseHTTPRequestHandler):
    service: ClassVar[FakeService]

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...

    hint: dict[str, str]

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers, **self.hint}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def json(self, status: int, body: object) -> None:
        self.answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def do_GET(self) -> None:
        self.hint = {}
        path = self.path.split("?")[0]
        if path.startswith("/proview/"):
            file = STATIC / path.removeprefix("/proview/").removeprefix("static/")
            if self.service.down or not file.is_file():
                return self.answer(404, b"", {})
            return self.answer(
                200, file.read_bytes(), {"Content-Type": TYPES[file.suffix], "Cache-Control": "max-age=600"}
            )
        if path not in self.service.pages:
            return self.answer(404, b"", {})
        html, headers = self.service.pages[path]
        return self.answer(
            200, html.encode(), {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", **headers}
        )

    def do_POST(self) -> None:
        self.receive()

    def do_PUT(self) -> None:
        self.receive()

    def receive(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hint = {}
        self.service.requests.append((self.command, self.path))
        if self.service.swallow() or self.service.down:
            self.close_connection = True
            return
        if not self.path.startswith("/proview/v1/sessions"):  # a form of the exam
            return self.answer(303, b"", {"Location": self.path})
        parts = self.path.removeprefix("/proview/v1/sessions").strip("/").split("/")
        if parts == [""]:
            return self.json(*self.service.start(json.loads(body)))
        session = self.service.sessions.get(parts[0])
        if session is None:
            return self.json(404, {"code": "session_unknown", "message": "no such session"})
        token = self.headers.get("X-Proview-Token", "")
        kind = {session.token: "session", "drain-" + session.uuid: "drain"}.get(token)
        if kind is None or (kind == "drain" and self.command != "PUT" and parts[1] != "events"):
            return self.json(401, {"code": "token_invalid", "message": "bad token"})
        self.hint = {"X-Proview-Mail": str(session.mail_seq), "X-Proview-State": session.state}
        if self.command == "PUT" and parts[1] == "photos":
            return self.put_photo(session, parts[2], body)
        if self.command == "PUT":
            return self.put_piece(session, parts, body, kind)
        if self.service.holding_all:
            self.service.hold.wait(20)
        given = json.loads(body)
        if parts[1] == "events" and self.service.holding_events:
            self.json(503, {"code": "busy", "message": "later", "type": "warning"})
        elif parts[1] == "events":
            self.json(200, {"seqs": self.service.add_events(session, given["events"])})
        elif parts[1] == "poll":
            self.json(*self.service.poll(session, given))
        elif parts[1] == "approval":
            self.json(200, self.service.ask(session, given.get("again") is True))
        elif parts[1] == "live":
            session.offers.append(given)
            self.json(503, {"code": "live_unavailable", "message": "no media", "type": "warning"})
        elif parts[1] == "hangup":
            self.json(200, {})
        elif parts[1] == "token":
            self.json(200, self.service.credentials(session))
        elif parts[1] == "heartbeat":
            self.json(200, {"t": given["t"], "server_time": self.service.now(), "state": session.state})
        else:
            session.ended_at_ms = given.get("at", session.ended_at_ms)
            self.json(200, self.service.command(session, parts[1], given.get("reason")))

    def put_photo(self, session: FakeSession, kind: str, body: bytes) -> None:
        if self.service.refuse_photo:
            status, code = self.service.refuse_photo
            return self.json(status, {"code": code, "message": code})
        digest = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
        assert (self.headers["Content-Digest"], self.headers["Content-Type"]) == (digest, "image/jpeg")
        session.photos.append((kind, body, int(self.headers["X-Photo-At"])))
        self.json(201, {"stored": True, "version": 1})

    def put_piece(self, session: FakeSession, parts: list[str], body: bytes, kind: str) -> None:
        if self.service.holding:
            self.service.hold.wait(20)
        _, _, track, _, run, _, seq = parts
        digest = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
        if self.headers["Content-Digest"] != digest:
            return self.json(400, {"code": "digest_mismatch", "message": "damaged"})
        by = "put" if kind == "session" else "drain"
        piece = self.service.piece(
            body,
            int(self.headers["X-Piece-Start"]),
            int(self.headers["X-Piece-Duration"]),
            "X-Piece-Last" in self.headers,
            by,
        )
        status = self.service.store(session, (track, int(run), int(seq)), piece)
        self.json(status, {"code": "piece_conflict", "message": "other bytes"} if status == 409 else {})
