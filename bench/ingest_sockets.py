"""``python -m bench.ingest_sockets``: candidates that one core carries through the whole way in, every acknowledgement durable.

Simulated candidates hold a real WebSocket each to ``proview serve`` and send one camera piece (40 kB) and one screen piece (20 kB) a
second, spread over the second. Counted is the CPU time of all processes of ``proview serve``; the candidates run in this process. A
candidate's share of a core is that CPU time by candidates and seconds. Memory is looked at after a quarter of the time and at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask_proview.config import Config, load_config
from flask_proview.service.policy import session_tokens
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.models import Piece, Session
from flask_proview.sessions.store import SessionStore, StartRequest
from flask_proview.tokens import TokenSigner

from .process_tree import cpu_seconds, resident_mb, tree_of

ORIGIN = "https://exam.example.edu"
SIZES = {"camera": 40_000, "screen": 20_000}
START_S, LAST_ACK_S = 60.0, 30.0


@dataclass
class Candidate:
    """One socket: what it sent and when, and what was acknowledged."""

    sock: socket.socket
    uuid: str
    seq: int = 0
    inbox: bytearray = field(default_factory=bytearray)
    sent_at: dict[tuple[str, int], float] = field(default_factory=dict)


class Crowd:
    """All candidates on one selector."""

    def __init__(self, port: int, config: Config, db: Database, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._base = secrets.token_bytes(max(SIZES.values()))
        self.latencies: list[float] = []
        self.stored = 0
        self.candidates = []
        store, signer = SessionStore(db, config), TokenSigner(config.secrets.keys)
        for number in range(count):
            session = store.start(StartRequest("main", f"exam-{number}", "p", None, "record_and_review", None, ORIGIN))[
                0
            ]
            self.candidates.append(
                self._connect(port, session, session_tokens(config, signer, session)["session_token"])
            )

    def _connect(self, port: int, session: Session, token: str) -> Candidate:
        sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        sock.sendall(
            f"GET /proview/v1/sessions/{session.uuid}/signal HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: {ORIGIN}\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = sock.recv(4096)
            if not data:
                raise SystemExit(f"the server closed: {answer!r}")
            answer += data
        if b" 101 " not in answer.split(b"\r\n")[0]:
            raise SystemExit(f"no WebSocket: {answer[:300]!r}")
        candidate = Candidate(sock, session.uuid)
        candidate.inbox += answer.partition(b"\r\n\r\n")[2]
        _send(sock, 1, json.dumps({"type": "hello", "token": token, "protocol": 1}).encode())
        self._selector.register(sock, selectors.EVENT_READ, candidate)
        return candidate

    def run(self, seconds: float) -> None:
        """Everybody sends both tracks once a second; acknowledgements are read meanwhile."""
        begin, sent, total = time.monotonic(), 0, int(seconds) * len(self.candidates)
        while sent < total:
            due = min(total, int((time.monotonic() - begin) * len(self.candidates)) + 1)
            while sent < due:
                self._send_pieces(self.candidates[sent % len(self.candidates)])
                sent += 1
            self._read(0.005)

    def wait(self) -> None:
        """Until everything is acknowledged."""
        end = time.monotonic() + LAST_ACK_S
        while any(candidate.sent_at for candidate in self.candidates):
            if time.monotonic() > end:
                raise SystemExit(f"{sum(len(c.sent_at) for c in self.candidates)} pieces were never acknowledged")
            self._read(0.1)

    def close(self) -> None:
        for candidate in self.candidates:
            candidate.sock.close()

    def _send_pieces(self, candidate: Candidate) -> None:
        for track, size in SIZES.items():
            body = secrets.token_bytes(16) + self._base[: size - 16]
            header = {"track": track, "run": 0, "seq": candidate.seq, "start": candidate.seq * 1000, "duration": 1000,
                      "sha256": hashlib.sha256(body).hexdigest(), "mime": "video/webm;codecs=vp8"}  # fmt: skip
            text = json.dumps(header).encode()
            candidate.sent_at[track, candidate.seq] = time.monotonic()
            _send(candidate.sock, 2, struct.pack("!BH", 1, len(text)) + text + body)
        candidate.seq += 1

    def _read(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            candidate: Candidate = key.data
            data = candidate.sock.recv(1 << 16)
            if not data:
                raise SystemExit(f"the server closed a socket: {bytes(candidate.inbox)!r}")
            candidate.inbox += data
            for message in _messages(candidate.inbox):
                if message["type"] == "nack":
                    raise SystemExit(f"a piece was refused: {message}")
                for track, _run, seq in message["pieces"] if message["type"] == "ack" else ():
                    self.latencies.append(time.monotonic() - candidate.sent_at.pop((track, seq)))
                    self.stored += 1


def _send(sock: socket.socket, opcode: int, payload: bytes) -> None:
    """A client's frame (RFC 6455 section 5.2). The mask is all zeros: allowed, and the server does not work less for it."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    sock.sendall(head + bytes(4) + payload)


def _messages(inbox: bytearray) -> Iterator[dict[str, object]]:
    """Text messages that are complete; anything else that is complete is dropped."""
    while len(inbox) >= 2:
        size, at = inbox[1] & 127, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(inbox) < 2 + width:
                return
            size, at = int.from_bytes(inbox[2 : 2 + width], "big"), 2 + width
        if len(inbox) < at + size:
            return
        opcode, payload = inbox[0] & 15, bytes(inbox[at : at + size])
        del inbox[: at + size]
        if opcode == 8:
            raise SystemExit(f"the server closed a socket: {payload!r}")
        if opcode == 1:
            yield json.loads(payload)


@contextmanager
def served(directory: Path) -> Iterator[tuple[int, int, Config]]:
    """``proview serve``: (pid, port, configuration)."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    file = directory / "proview.toml"
    file.write_text(
        f'[server]\nlisten = "127.0.0.1:{port}"\n[secrets]\nkeys = ["benchmark-signing-key-of-more-than-32-characters"]\n'
        '[storage]\ndatabase = "sqlite:///proview.db"\nrecordings = "recordings"\nmin_free_mb = 1\n[media]\nlive = "off"\n'
        f'link = "unix:{directory}/m.sock"\n[[accounts]]\nname = "main"\ntoken = "11111111-2222-4333-8444-555555555555"\n'
        'domains = ["exam.example.edu"]\n'
    )
    config = load_config(file, {})
    upgrade(config.storage.database)
    with open(directory / "log", "wb") as log:
        argv = [sys.executable, "-m", "flask_proview", "serve", "-c", str(file)]
        process = subprocess.Popen(argv, stdout=log, stderr=log)  # noqa: S603 - our own module
    try:
        end = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/proview/readyz", timeout=5).close()
                break
            except (OSError, urllib.error.URLError):
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit((directory / "log").read_text("utf-8", "replace")[-3000:]) from None
                time.sleep(0.1)
        yield process.pid, port, config
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest_sockets")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--directory", help="where to write; default: a temporary directory of the system")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name, served(Path(name)) as (pid, port, config):
        db = Database(config.storage.database)
        crowd = Crowd(port, config, db, arguments.candidates)
        crowd.run(2)  # files and directories are made once in a session
        crowd.wait()
        crowd.latencies.clear()
        crowd.stored = 0
        before = cpu_seconds(tree_of(pid))
        quarter = max(1, arguments.seconds // 4)
        crowd.run(quarter)
        early_mb = resident_mb(tree_of(pid), peak=False)
        crowd.run(arguments.seconds - quarter)
        crowd.wait()
        cpu = cpu_seconds(tree_of(pid)) - before
        late_mb = resident_mb(tree_of(pid), peak=False)
        with db.read() as orm:
            rows = orm.query(Piece).count()
        expected = (arguments.seconds + 2) * arguments.candidates * len(SIZES)
        if rows != expected:
            raise SystemExit(f"{rows} rows instead of {expected}")
        crowd.close()
        db.dispose()
    per_core = arguments.candidates * arguments.seconds / cpu
    ordered = sorted(crowd.latencies)
    middle, high = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    print(
        f"{arguments.candidates} candidates, {arguments.seconds} s, {crowd.stored} pieces over WebSockets, all durable"
    )
    print(
        f"CPU of proview serve {cpu:.1f} s: {cpu / crowd.stored * 1000:.2f} ms for each piece, {per_core:.0f} candidates per core"
    )
    print(
        f"acknowledged after {middle:.0f} ms (middle), {high:.0f} ms (99 %); resident {early_mb:.0f} MiB, at the end {late_mb:.0f} MiB"
    )
    print(f"load average {os.getloadavg()[0]:.1f}")
    print(
        json.dumps(
            {
                "name": "ingest_sockets",
                "unit": "candidates per core",
                "ours": round(per_core),
                "rss_early_mb": round(early_mb),
                "rss_late_mb": round(late_mb),
            }
        )
    )


if __name__ == "__main__":
    main()
