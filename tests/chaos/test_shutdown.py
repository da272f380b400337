"""SIGTERM for ``proview serve``: whoever waits is sent away at once, what is on its way is finished, and what was said stays true (fault 5)."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Piece
from tests.service.build import ORIGIN

from .served import Installed, put, running

pytestmark = pytest.mark.system

LIMIT_S = 10.0


def half_a_piece(server: Installed, started: dict[str, Any], seq: int, body: bytes) -> socket.socket:
    """A PUT of which the server has the head and half of the body."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    head = (
        f"PUT /proview/v1/sessions/{started['session_uuid']}/tracks/camera/runs/0/pieces/{seq} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{server.port}\r\nOrigin: https://exam.example.edu\r\nContent-Length: {len(body)}\r\n"
        f"X-Proview-Token: {started['session_token']}\r\nContent-Digest: sha-256=:{digest}:\r\n"
        "Content-Type: video/webm;codecs=vp8\r\nX-Piece-Start: 0\r\nX-Piece-Duration: 1000\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), 20)
    connection.sendall(head.encode() + body[: len(body) // 2])
    return connection


def has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(10) == b""
    except ConnectionResetError:
        return True


def close_code(ws: ClientConnection) -> int | None:
    try:
        while True:
            ws.recv(timeout=20)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None


def test_sigterm_finishes_what_is_on_its_way_and_ends_in_ten_seconds(tmp_path: Path) -> None:
    with running(tmp_path) as server, ExitStack() as kept:
        sessions = [server.start_session(f"c{n}", f"attempt-{n}") for n in range(3)]
        assert put(server, sessions[0], 0, b"before")[0] == 201
        body = bytes(range(256)) * 100
        finishes, never = (kept.enter_context(half_a_piece(server, sessions[0], seq, body)) for seq in (1, 2))
        path, asked = (
            f"/proview/v1/sessions/{sessions[2]['session_uuid']}/poll",
            {"client": "tab-00001", "cursor": None},
        )
        token = {"Origin": ORIGIN, "X-Proview-Token": sessions[2]["session_token"]}
        first = server.request("POST", path, asked, token)[1]
        poll = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        asked |= {"cursor": first["cursor"], "state": first["state"]}
        poll.request("POST", path, json.dumps(asked), {**token, "Content-Type": "application/json"})
        with server.candidate(sessions[1]) as ws, socket.create_connection(("127.0.0.1", server.port), 20) as idle:
            idle.sendall(b"GET /proview/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert idle.recv(65_536).startswith(b"HTTP/1.1 200")
            ended: dict[str, float] = {}
            began = time.monotonic()

            def end() -> None:
                server.end(60)
                ended["after_s"] = time.monotonic() - began

            ending = threading.Thread(target=end)
            ending.start()
            assert close_code(ws) == 1012, "the browser knows that it may come back"
            assert idle.recv(10) == b"", "nothing is kept waiting on a connection that nobody uses"
            finishes.sendall(body[len(body) // 2 :])
            answer = finishes.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 201"), answer
            assert b"Connection: close" in answer
            assert json.loads(answer.rpartition(b"\r\n\r\n")[2]) == {"stored": True}
            news = poll.getresponse()
            assert (news.status, json.loads(news.read())["messages"]) == (200, []), "held polls go home with nothing"
            assert time.monotonic() - began < 4, "before the stuck upload is given up"
            ending.join()
        assert has_ended(never), "half a piece is no piece"
        assert ended["after_s"] < LIMIT_S
        db = Database(server.config.storage.database)
        with db.read() as orm:
            assert sorted(orm.scalars(select(Piece.seq))) == [0, 1]
        db.dispose()
