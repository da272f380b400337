"""``python -m tests.chaos.rolling``: restart the web server in order, again and again, while candidates record in real time.

gunicorn gets SIGHUP: new workers start, old ones close their sockets and end. A candidate connects again after a jittered wait that grows from
0.2 s to 3 s, as the browser does, and sends what was not acknowledged. Measured is how long each was without a connection.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import secrets
import signal
import struct
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Piece
from tests.service.build import ORIGIN
from tests.service.server import Server

PIECE_BYTES = 8000
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 3.0


@dataclass
class Outcome:
    """Of all candidates together."""

    candidates: int
    restarts: int = 0
    sent: int = 0
    acknowledged: int = 0
    stored: int = 0
    refused: list[str] = field(default_factory=list)
    away_s: list[float] = field(default_factory=list)

    @property
    def missing(self) -> int:
        return self.sent - self.stored

    def share(self, share: float) -> float:
        return sorted(self.away_s)[min(len(self.away_s) - 1, int(len(self.away_s) * share))] if self.away_s else 0.0

    def lines(self) -> list[str]:
        return [
            f"{self.restarts} restarts under {self.candidates} candidates, {len(self.away_s)} connections made again",
            f"{self.sent} pieces of a second: {self.acknowledged} acknowledged, {self.stored} stored, {self.missing} missing",
            f"back after {self.share(0.5):.2f} s (middle), {self.share(0.95):.2f} s (95 %), {max(self.away_s, default=0):.2f} s (last)",
            *self.refused[:10],
        ]


class Candidate:
    """A second of camera every second, until it is told to end."""

    def __init__(self, port: int, started: dict[str, Any], outcome: Outcome) -> None:
        self._url = f"ws://127.0.0.1:{port}/proview/v1/sessions/{started['session_uuid']}/signal"
        self._token = started["session_token"]
        self._outcome = outcome
        self._unacknowledged: dict[int, bytes] = {}
        self._seq = 0
        self._lost_at: float | None = None

    async def run(self, until: asyncio.Event) -> None:
        recorder = asyncio.create_task(self._record(until))
        wait_s = FIRST_WAIT_S
        while not (until.is_set() and recorder.done() and not self._unacknowledged):
            try:
                async with connect(self._url, origin=ORIGIN, open_timeout=10, max_size=None) as ws:  # type: ignore[arg-type]
                    await ws.send(json.dumps({"type": "hello", "token": self._token, "protocol": 1}))
                    json.loads(await ws.recv())
                    if self._lost_at is not None:
                        self._outcome.away_s.append(time.monotonic() - self._lost_at)
                        self._lost_at = None
                    wait_s = FIRST_WAIT_S
                    await self._talk(ws, until, recorder)
            except (OSError, WebSocketException, TimeoutError):
                self._lost_at = self._lost_at or time.monotonic()
                await asyncio.sleep(random.uniform(wait_s / 2, wait_s))  # noqa: S311 - jitter
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    async def _record(self, until: asyncio.Event) -> None:
        await asyncio.sleep(random.random())  # noqa: S311 - candidates do not begin together
        while not until.is_set():
            self._unacknowledged[self._seq] = secrets.token_bytes(PIECE_BYTES)
            self._seq += 1
            self._outcome.sent += 1
            await asyncio.sleep(1)

    async def _talk(self, ws: Any, until: asyncio.Event, recorder: asyncio.Task[None]) -> None:
        flying: set[int] = set()
        while True:
            for seq, body in list(self._unacknowledged.items()):
                if seq not in flying:
                    flying.add(seq)
                    header = {"track": "camera", "run": 0, "seq": seq, "start": seq * 1000, "duration": 1000,
                              "sha256": hashlib.sha256(body).hexdigest(), "mime": "video/webm;codecs=vp8"}  # fmt: skip
                    text = json.dumps(header).encode()
                    await ws.send(struct.pack("!BH", 1, len(text)) + text + body)
            try:
                message = json.loads(await asyncio.wait_for(ws.recv(), 0.2))
            except TimeoutError:
                if until.is_set() and recorder.done() and not self._unacknowledged:
                    return
                continue
            if message["type"] == "ack":
                for _, _, seq in message["pieces"]:
                    self._outcome.acknowledged += self._unacknowledged.pop(seq, None) is not None
            elif message["type"] == "nack":
                flying.discard(message["seq"])
                if not message["retry"]:
                    self._unacknowledged.pop(message["seq"], None)
                    self._outcome.refused.append(json.dumps(message))


async def _restart_under(server: Server, started: list[dict[str, Any]], outcome: Outcome, restarts: int, pause_s: float) -> None:  # fmt: skip
    until = asyncio.Event()
    crowd = [asyncio.create_task(Candidate(server.port, one, outcome).run(until)) for one in started]
    for _ in range(restarts):
        await asyncio.sleep(pause_s)
        os.kill(server.master_pid, signal.SIGHUP)
        outcome.restarts += 1
    await asyncio.sleep(pause_s)
    until.set()
    await asyncio.wait_for(asyncio.gather(*crowd), 120)


def run(directory: Path, candidates: int, restarts: int, pause_s: float) -> Outcome:
    """Restart so often with a pause before each."""
    outcome = Outcome(candidates)
    kind = ("gunicorn", "-k", "gevent", "-w", "2", "-c", "tests/chaos/preimported.py")
    server = Server(directory, kind, media={"live": "off"})
    try:
        server.start()
        started = [server.start_session(f"c{n}", f"attempt-{n}") for n in range(candidates)]
        # In a thread of its own: Playwright's loop may be running in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _restart_under(server, started, outcome, restarts, pause_s)).result()
    finally:
        server.close()
    db = Database(server.config.storage.database)
    with db.read() as orm:
        outcome.stored = orm.scalar(select(func.count()).select_from(Piece)) or 0
    db.dispose()
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.rolling")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--pause", type=float, default=8.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rolling-") as name:
        outcome = run(Path(name), arguments.candidates, arguments.restarts, arguments.pause)
    print("\n".join(outcome.lines()))
    return 1 if outcome.missing or outcome.refused or outcome.share(0.95) > 10 else 0


if __name__ == "__main__":
    sys.exit(main())
