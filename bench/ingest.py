"""``python -m bench.ingest``: CPU that storing a piece costs, every acknowledgement durable, and so candidates per core.

Simulated candidates send one camera and one screen piece a second, spread over the second and paced in real time, into the
piece store (no sockets). The peer stores each piece as upload servers of the tus kind would if their acknowledgement were
durable: a file of its own (write, fsync, rename, fsync of the directory) and one SQLite commit (WAL, FULL) for its row.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import secrets
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask_proview.config import load_config
from flask_proview.recordings.pieces import IncomingPiece, PieceError, PieceStore, Verdict
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.store import SessionStore, StartRequest

PIECE_BYTES = 40_000
TRACKS = ("camera", "screen")
TICK_S = 0.01


@dataclass
class Cost:
    """What one variant took."""

    pieces: int
    cpu_s: float
    latencies_s: list[float]

    @property
    def per_piece_s(self) -> float:
        return self.cpu_s / self.pieces

    @property
    def candidates_per_core(self) -> float:
        return 1 / (self.per_piece_s * len(TRACKS))

    def latency_ms(self, share: float) -> float:
        return sorted(self.latencies_s)[int(len(self.latencies_s) * share)] * 1000


class Bodies:
    """Different bytes for each piece without paying for randomness while the clock runs."""

    def __init__(self) -> None:
        self._base = secrets.token_bytes(PIECE_BYTES - 8)
        self._made = 0

    def next(self) -> tuple[bytes, str]:
        self._made += 1
        body = self._made.to_bytes(8, "big") + self._base
        return body, hashlib.sha256(body).hexdigest()


def piece(session_id: int, uuid: str, track: str, seq: int, body: bytes, sha256: str) -> IncomingPiece:
    return IncomingPiece(
        session_id, uuid, track, 0, seq, sha256, seq * 1000, 1000, 'video/webm;codecs="vp8,opus"', False, body
    )


def ours(directory: Path, candidates: int, seconds: int, bodies: Bodies) -> Cost:
    """The piece store, fed in real time."""
    config = load_config(
        {
            "secrets": {"keys": ["benchmark-signing-key-of-more-than-32-characters"]},
            "storage": {
                "database": f"sqlite:///{directory}/proview.db",
                "recordings": str(directory / "recordings"),
                "min_free_mb": 1,
            },
        },
        environ={},
    )
    upgrade(config.storage.database)
    db = Database(config.storage.database)
    sessions = SessionStore(db, config)
    started = [
        sessions.start(StartRequest("a", f"exam-{n}", "p", None, "ai_proctor", None, "https://exam.example.edu"))[0]
        for n in range(candidates)
    ]
    store = PieceStore(db, config)
    store.start()
    # Piece 0 makes files and directories; that happens once in a session and not every second.
    _feed(store, [piece(s.id, s.uuid, t, 0, *bodies.next()) for s in started for t in TRACKS], 1.0)
    pieces = [piece(s.id, s.uuid, t, n, *bodies.next()) for n in range(1, seconds + 1) for s in started for t in TRACKS]
    cpu = time.process_time()
    latencies = _feed(store, pieces, seconds)
    cost = Cost(len(pieces), time.process_time() - cpu, latencies)
    store.stop()
    db.dispose()
    return cost


def _feed(store: PieceStore, pieces: list[IncomingPiece], seconds: float) -> list[float]:
    """Submit evenly over ``seconds``; returns when all are acknowledged."""
    latencies: list[float] = []
    finished = threading.Event()

    def acknowledge(submitted: float) -> Callable[[Verdict | PieceError], None]:
        def done(answer: Verdict | PieceError) -> None:
            if answer is not Verdict.STORED:
                raise SystemExit(f"a piece was not stored: {answer}")
            latencies.append(time.monotonic() - submitted)
            if len(latencies) == len(pieces):
                finished.set()

        return done

    begin, sent = time.monotonic(), 0
    while sent < len(pieces):
        now = time.monotonic()
        due = min(len(pieces), int((now - begin) / seconds * len(pieces)) + 1)
        for item in pieces[sent:due]:
            store.submit(item, acknowledge(now))
        sent = due
        time.sleep(TICK_S)
    if not finished.wait(60):
        raise SystemExit(f"{len(pieces) - len(latencies)} pieces were never acknowledged")
    return latencies


def peer(directory: Path, count: int, bodies: Bodies) -> Cost:
    """One file and one commit for each piece."""
    connection = sqlite3.connect(directory / "peer.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE pieces (upload TEXT, seq INTEGER, sha256 TEXT, length INTEGER, PRIMARY KEY (upload, seq))"
    )
    folder = directory / "uploads"
    folder.mkdir()
    inputs = [bodies.next() for _ in range(count)]
    latencies = []
    cpu = time.process_time()
    for number, (body, sha256) in enumerate(inputs):
        begin = time.monotonic()
        if hashlib.sha256(body).hexdigest() != sha256:
            raise SystemExit("wrong digest")
        _write_durably(folder, str(number), body)
        connection.execute("INSERT INTO pieces VALUES (?, ?, ?, ?)", ("upload", number, sha256, len(body)))
        latencies.append(time.monotonic() - begin)
    cost = Cost(count, time.process_time() - cpu, latencies)
    connection.close()
    return cost


def _write_durably(folder: Path, name: str, body: bytes) -> None:
    temporary = folder / f"{name}.part"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    os.write(handle, body)
    os.fsync(handle)
    os.close(handle)
    os.rename(temporary, folder / name)
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(parent)
    os.close(parent)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest")
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--peer-pieces", type=int, default=1500)
    parser.add_argument("--directory", help="where to write; default: a temporary directory of the system")
    arguments = parser.parse_args()
    bodies = Bodies()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        directory = Path(name)
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        mine = ours(directory, arguments.candidates, arguments.seconds, bodies)
        grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
        other = peer(directory, arguments.peer_pieces, bodies)
    print(
        f"{'piece ingest, durable ack':34}{'pieces':>8}{'CPU-ms each':>13}{'candidates/core':>17}{'ack p50 ms':>12}{'p99 ms':>9}"
    )
    for label, cost in (("ours, group commit", mine), ("file + commit for each piece", other)):
        print(
            f"{label:34}{cost.pieces:>8}{cost.per_piece_s * 1000:>13.3f}{cost.candidates_per_core:>17.0f}"
            f"{cost.latency_ms(0.5):>12.1f}{cost.latency_ms(0.99):>9.1f}"
        )
    print(
        f"{arguments.candidates} candidates for {arguments.seconds} s; memory grew {grown_mib:.0f} MiB, the prepared input included"
    )
    print(
        json.dumps(
            {
                "name": "ingest",
                "unit": "candidates per core",
                "ours": round(mine.candidates_per_core),
                "peer": round(other.candidates_per_core),
                "ratio": round(mine.candidates_per_core / other.candidates_per_core, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
