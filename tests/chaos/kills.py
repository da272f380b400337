"""``python -m tests.chaos.kills``: SIGKILL web and jobs processes at random while candidates record; then count what is missing.

Web is ``gunicorn -k gevent`` with two workers, jobs the process that ``proview worker`` runs, one SQLite database. Most kills hit a web
worker, some the whole web server, some the jobs process. Exit status 0: nothing lost, torn or doubled, and every recording is made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Session
from tests.service.server import Server

from .candidates import Bodies, Candidate, Notebook
from .verdict import Verdict, judge

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2
SETTLE_S = 120.0
WORK_BETWEEN = 10


@dataclass
class Report:
    """What was done, and what came of it."""

    seed: int
    kills: dict[str, int] = field(default_factory=lambda: {"web worker": 0, "web server": 0, "jobs": 0})
    seconds: float = 0.0
    acknowledged: int = 0
    sent: int = 0
    refused: list[str] = field(default_factory=list)
    sessions: int = 0
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def passed(self) -> bool:
        return self.verdict.clean and not self.refused

    def lines(self) -> list[str]:
        v = self.verdict
        kills = ", ".join(f"{count} {name}" for name, count in self.kills.items())
        return [
            f"{sum(self.kills.values())} SIGKILLs ({kills}) in {self.seconds:.0f} s, seed {self.seed}",
            f"{self.acknowledged} pieces acknowledged, {self.sent - self.acknowledged} sent again, {len(self.refused)} refused",
            f"{self.sessions} sessions, {v.rows} rows, {v.recordings} recordings made",
            f"lost {len(v.lost)}, torn {len(v.torn)}, doubled {len(v.doubled)}, not finalised {len(v.unfinished)}, odd {len(v.odd)}",
            *[f"  {what}" for what in (v.lost + v.torn + v.doubled + v.unfinished + v.odd + self.refused)[:20]],
        ]


class Jobs:
    """The jobs process, started again when it was killed."""

    def __init__(self, settings: Path, log: Path) -> None:
        self._settings, self._log = settings, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            argv = [sys.executable, "-m", "tests.chaos.jobs_process", str(self._settings)]
            self._process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def run(directory: Path, kills: int, pieces: int, candidates: int, seed: int, pause_s: float = 0.25) -> Report:
    """Until there were so many kills and acknowledged pieces."""
    # nosec: the seed makes a run repeatable as far as processes are.
    chance = random.Random(seed)  # noqa: S311
    report, notebook, bodies = Report(seed), Notebook(), Bodies()
    kind = ("gunicorn", "-k", "gevent", "-w", str(WORKERS), "-c", "tests/chaos/preimported.py")
    limits = {"heartbeat_timeout_s": 3600, "session_token_minutes": 1440, "starts_per_minute": 100_000}
    server = Server(directory, kind, limits=limits, media={"live": "off"})
    jobs = Jobs(directory / "settings.json", directory / "jobs.log")
    began = time.monotonic()
    crowd = [Candidate(server, notebook, bodies, f"candidate-{n}", socket=n % 2 == 0) for n in range(candidates)]
    try:
        server.start()
        jobs.start()
        for candidate in crowd:
            candidate.start()
        shown, felt_at = began, WORK_BETWEEN
        while sum(report.kills.values()) < kills or len(notebook.acknowledged) < pieces:
            if any(candidate.failed for candidate in crowd):
                raise RuntimeError(f"a candidate failed: {[c.failed for c in crowd if c.failed]}")
            time.sleep(chance.expovariate(1 / pause_s))
            # Between two kills something is acknowledged: a server that is only starting has nothing to lose.
            if sum(report.kills.values()) < kills and len(notebook.acknowledged) >= felt_at:
                felt_at = len(notebook.acknowledged) + WORK_BETWEEN
                report.kills[_kill_one(chance, server, jobs)] += 1
            if time.monotonic() - shown > 30:
                shown = time.monotonic()
                print(f"  {sum(report.kills.values())} kills, {len(notebook.acknowledged)} pieces", file=sys.stderr)
        notebook.stop.set()
        for candidate in crowd:
            candidate.join(SETTLE_S)
        _wait_until_finalised(server, len(notebook.sessions))
    finally:
        notebook.stop.set()
        jobs.kill()
        server.close()
    report.seconds = time.monotonic() - began
    report.acknowledged, report.sent = len(notebook.acknowledged), notebook.sent
    report.refused, report.sessions = notebook.refused, len(notebook.sessions)
    report.verdict = judge(server.config, notebook)
    return report


def _kill_one(chance: random.Random, server: Server, jobs: Jobs) -> str:
    dice = chance.random()
    if dice < 0.08:
        jobs.kill()
        jobs.start()
        return "jobs"
    if dice < 0.11:
        server.kill()
        server.start()
        return "web server"
    while True:
        pids = server.worker_pids
        if len(pids) == WORKERS:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(pids), signal.SIGKILL)
                return "web worker"
        time.sleep(0.01)


def _wait_until_finalised(server: Server, sessions: int) -> None:
    end, db = time.monotonic() + SETTLE_S, Database(server.config.storage.database)
    try:
        done = select(func.count()).select_from(Session).where(Session.finalised_at >= Session.finalise_wanted_at)
        while time.monotonic() < end:
            with db.read() as orm:
                if (orm.scalar(done) or 0) >= sessions:
                    return
            time.sleep(0.2)
    finally:
        db.dispose()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--pieces", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=16)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        report = run(Path(name), arguments.kills, arguments.pieces, arguments.candidates, arguments.seed)
    print("\n".join(report.lines()))
    if arguments.json:
        print(json.dumps({"kills": report.kills, "acknowledged": report.acknowledged, "passed": report.passed}))
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
