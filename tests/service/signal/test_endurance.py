"""Back-pressure, floods and a killed worker, with raw sockets against a real gunicorn with gevent."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.service.build import ORIGIN, digest, wait_for
from tests.service.server import Server, receive

from .test_peer import piece

pytestmark = pytest.mark.system


def handshake(
    server: Server, uuid: str, receive_buffer: int | None = None, path: str = "/proview/v1/sessions/{}/signal"
) -> socket.socket:
    """An upgraded raw connection."""
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(("127.0.0.1", server.port))
    sock.settimeout(20)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET {path.format(uuid)} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {ORIGIN}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    assert b"permessage-deflate" not in head
    return sock


def frame(opcode: int, payload: bytes, first: int = 0x80) -> bytes:
    """A client frame with an all-zero mask."""
    if len(payload) < 126:
        length = bytes([0x80 | len(payload)])
    elif len(payload) < 65_536:
        length = b"\xfe" + struct.pack("!H", len(payload))
    else:
        length = b"\xff" + struct.pack("!Q", len(payload))
    return bytes([first | opcode]) + length + bytes(4) + payload


def read_frames(sock: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Frames until the connection ends; fails when the framing is broken."""
    buffer = b""

    def take(count: int) -> bytes:
        nonlocal buffer
        while len(buffer) < count:
            data = sock.recv(1 << 20)
            if not data:
                raise EOFError
            buffer += data
        taken, buffer = buffer[:count], buffer[count:]
        return taken

    with contextlib.suppress(EOFError, ConnectionResetError, TimeoutError):
        while True:
            first, second = take(2)
            assert first in (0x81, 0x88, 0x89, 0x8A), f"broken framing: {first:#x}"
            length = second & 127
            if length == 126:
                (length,) = struct.unpack("!H", take(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", take(8))
            yield first & 15, take(length)


def close_code(sock: socket.socket) -> int | None:
    """Read up to the close frame, hang up; None when the connection just ended."""
    with sock:
        frames = (payload for opcode, payload in read_frames(sock) if opcode == 8)
        payload = next(frames, None)
        return struct.unpack("!H", payload[:2])[0] if payload else None


def hello(started: dict[str, Any]) -> bytes:
    return frame(1, json.dumps({"type": "hello", "token": started["session_token"], "protocol": 1}).encode())


def test_a_flood_is_slowed_down_instead_of_buffered(server: Server) -> None:
    """100 MB of small pieces from one browser: the server's memory stays bounded, and what was taken is acknowledged."""
    started = server.start_session("flood")
    sock = handshake(server, started["session_uuid"])
    sock.sendall(hello(started))
    before = server.rss_mb
    highest = before
    body = os.urandom(1 << 20)
    acks = 0

    def read() -> None:
        nonlocal acks
        for opcode, payload in read_frames(sock):
            message = json.loads(payload) if opcode == 1 else {}
            acks += len(message.get("pieces", ())) + (message.get("type") == "nack")

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for seq in range(100):
            sock.sendall(frame(2, piece(seq, body)))
            highest = max(highest, server.rss_mb)
        wait_for(lambda: acks == 100, "all acknowledgements", 60)
        assert highest - before < 150, f"{before} → {highest} MB"
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        reader.join()
        sock.close()


def test_a_flood_without_hello_reaches_no_memory(server: Server) -> None:
    started = server.start_session("rude")
    before = server.rss_mb
    sock = handshake(server, started["session_uuid"])
    data = frame(2, b"x" * 66_000)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 300 << 20:
            sock.sendall(data)
            sent += len(data)
    sock.close()
    assert sent < 150 << 20, "the server went on reading"
    assert server.rss_mb - before < 60


def test_a_large_message_reaches_a_slow_reader_whole(server: Server) -> None:
    """flask-sock under gevent sends 4 of these 16 MB and splices the next frame into them."""
    sock = handshake(server, "16000000", receive_buffer=65_536, path="/push/{}")
    time.sleep(1.5)
    frames = read_frames(sock)
    opcode, payload = next(frames)
    assert (opcode, len(payload)) == (1, 16_000_000)
    assert payload == b"A" * 16_000_000
    assert next(frames) == (1, b"END")
    sock.close()


def test_an_unfinished_fragmented_message_is_bounded(server: Server) -> None:
    started = server.start_session("fragments")
    before = server.rss_mb
    sock = handshake(server, started["session_uuid"])
    sock.sendall(hello(started))
    part = b"x" * 65_000
    sent = 0
    with contextlib.suppress(OSError):
        sock.sendall(frame(2, part, first=0))
        while sent < 200 << 20:
            sock.sendall(frame(0, part, first=0))
            sent += len(part)
    assert close_code(sock) in (1009, None)
    assert sent < 150 << 20
    assert server.rss_mb - before < 80


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x81\x05hello", id="unmasked"),
        pytest.param(frame(3, b"x"), id="reserved opcode"),
        pytest.param(frame(1, b"x", first=0xC0), id="compressed though not negotiated"),
        pytest.param(frame(1, b"\xff\xfe"), id="not UTF-8"),
        pytest.param(frame(9, b"x" * 126), id="long ping"),
        pytest.param(frame(8, b"\x00"), id="short close"),
        pytest.param(frame(8, struct.pack("!H", 999)), id="bad close code"),
        pytest.param(frame(0, b"x"), id="continuation of nothing"),
        pytest.param(b"\x82\xff" + b"\xff" * 8 + bytes(4), id="length beyond 2^63"),
    ],
)
def test_broken_frames_end_the_connection_and_nothing_else(server: Server, data: bytes) -> None:
    started = server.start_session("broken")
    sock = handshake(server, started["session_uuid"])
    sock.sendall(hello(started) + data)
    assert close_code(sock) in (1002, 1007, 1009)
    assert server.is_ready()


def test_a_reader_that_stops_is_closed_and_the_others_go_on(server: Server) -> None:
    """Pings without end and never a read: the outbox fills, the connection ends, the worker stays responsive."""
    started = server.start_session("deaf")
    sock = handshake(server, started["session_uuid"], receive_buffer=4096)
    sock.sendall(hello(started))
    stop = time.monotonic() + 40
    ping = frame(9, b"p" * 120)
    sock.settimeout(1)
    with contextlib.suppress(OSError):
        while time.monotonic() < stop:
            with contextlib.suppress(TimeoutError):
                sock.sendall(ping * 500)
    assert time.monotonic() < stop, "the server went on although nobody read"
    sock.close()
    other = server.start_session("attentive")
    with server.candidate(other) as ws:
        ws.send(json.dumps({"type": "ping", "t": 1}))
        assert receive(ws, "pong")["t"] == 1


def test_headers_are_enough_to_refuse_a_piece_that_is_too_large(server: Server) -> None:
    started = server.start_session("large")
    path = f"/proview/v1/sessions/{started['session_uuid']}/tracks/camera/runs/0/pieces/0"
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(
            f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {ORIGIN}\r\nAuthorization: Bearer {started['session_token']}\r\n"
            f"Content-Length: {(16 << 20) + 1}\r\nContent-Type: video/webm\r\nContent-Digest: {digest(b'x')}\r\n"
            "X-Piece-Start: 0\r\nX-Piece-Duration: 1000\r\n\r\n".encode()
        )
        assert sock.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_shorter_than_announced_stores_nothing(server: Server) -> None:
    started = server.start_session("short")
    root = f"/proview/v1/sessions/{started['session_uuid']}/tracks/camera"
    body = b"only half of it"
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(
            f"PUT {root}/runs/0/pieces/0 HTTP/1.1\r\nHost: localhost\r\nOrigin: {ORIGIN}\r\n"
            f"Authorization: Bearer {started['session_token']}\r\nContent-Length: {2 * len(body)}\r\n"
            f"Content-Digest: {digest(body)}\r\nX-Piece-Start: 0\r\nX-Piece-Duration: 1000\r\n\r\n".encode()
            + body
        )
        sock.shutdown(socket.SHUT_WR)
        answer = sock.recv(4096)
        assert b" 201 " not in answer
        assert b" 200 " not in answer
    headers = {"Authorization": f"Bearer {started['session_token']}"}
    _, coverage = server.request("GET", f"{root}/coverage", headers=headers)
    assert coverage["runs"] == []


def test_a_killed_worker_loses_no_acknowledged_piece(tmp_path: Path) -> None:
    """SIGKILL in the middle of a stream of pieces: after the restart every acknowledged one is there, byte for byte."""
    server = Server(tmp_path, media={"live": "off"})
    try:
        server.start()
        started = server.start_session("survivor")
        bodies = {seq: os.urandom(20_000) for seq in range(2000)}
        acknowledged: set[int] = set()
        with server.connect(started["session_uuid"], close_timeout=0.1) as ws:
            ws.send(json.dumps({"type": "hello", "token": started["session_token"], "protocol": 1}))
            receive(ws, "welcome")

            def read() -> None:
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        message = json.loads(ws.recv())
                        acknowledged.update(seq for _, _, seq in message.get("pieces", ()))

            reader = threading.Thread(target=read)
            reader.start()
            with contextlib.suppress(ConnectionClosed, OSError):
                for seq, body in bodies.items():
                    ws.send(piece(seq, body))
                    if len(acknowledged) >= 100:
                        server.kill()
            reader.join()
        assert 100 <= len(acknowledged) < 2000
        server.start()
        again = server.start_session("survivor")
        assert again["session_uuid"] == started["session_uuid"]
        assert again["resumed"] is True
        with server.candidate(again) as ws:
            for seq in sorted(acknowledged):
                # The same bytes are answered as a replay, other bytes would be refused: so the stored ones are the sent ones.
                ws.send(piece(seq, bodies[seq]))
            left = set(acknowledged)
            while left:
                message = receive(ws, "ack", "nack")
                assert message["type"] == "ack", message
                left -= {seq for _, _, seq in message["pieces"]}
        _, text = server.request("GET", "/proview/metrics")
        assert f"proview_pieces_replayed_total {len(acknowledged)}" in text.decode()
    finally:
        server.close()
