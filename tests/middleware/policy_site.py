"""The whole product around pages with policies, in a subprocess, and what of a session has arrived there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

from flask_proview.config import load_config
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Event, Piece

ROOT = Path(__file__).resolve().parents[2]
KEY = "policies-q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"


def eventually(condition: Callable[[], Any], what: str, *, pause: Callable[[], Any] | None = None) -> Any:
    """The first true value of ``condition()``."""
    end = time.monotonic() + 25
    while not (value := condition()):
        assert time.monotonic() < end, f"did not come true: {what}"
        if pause is None:
            time.sleep(0.05)
        else:
            pause()
    return value


class PolicySite:
    """A running installation."""

    def __init__(self, url: str, database: Database, log: Path) -> None:
        self.url = url
        self._database = database
        self._log = log

    def runs(self) -> dict[int, int]:
        """Pieces on disk per run of the camera."""
        with self._database.read() as db:
            rows = db.execute(select(Piece.run, func.count()).group_by(Piece.run)).all()
            return {row[0]: row[1] for row in rows}

    def last_event(self) -> int:
        with self._database.read() as db:
            return db.scalar(select(func.max(Event.id))) or 0

    def events_after(self, number: int) -> list[str]:
        with self._database.read() as db:
            return list(db.scalars(select(Event.name).where(Event.id > number, Event.client_seq.is_not(None))))

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")


def configuration(folder: Path, url: str) -> dict[str, Any]:
    route = {"session": "path:attempt", "profile": "literal:candidate"}
    return {
        "secrets": {"keys": [KEY]},
        "storage": {
            "database": f"sqlite:///{folder}/proview.db",
            "recordings": str(folder / "recordings"),
            "min_free_mb": 1,
        },
        "media": {"live": "off"},
        "accounts": [{"name": "main", "token": "11111111-2222-4333-8444-555555555555", "domains": [url]}],
        "routes": [
            {"name": "inline", "path": "/inline/<attempt>/<coding>/<path:case>", **route},
            {"name": "frame", "path": "/frame/<attempt>/<coding>/<path:case>", "mode": "frame", **route},
            {"name": "waits", "path": "/waits/<attempt>/<coding>/<path:case>", "start": "page", **route},
        ],
    }


@contextlib.contextmanager
def policy_site(folder: Path, cases: Mapping[str, Mapping[str, Any]]) -> Iterator[PolicySite]:
    """Serves ``cases``."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = configuration(folder, url)
        told = folder / "cases.json"
        told.write_text(json.dumps({"config": config, "cases": cases}), "utf-8")
        fd = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "--bind", f"fd://{fd}"]
        command += ["--access-logfile", "-", "--no-control-socket", "--graceful-timeout", "1"]
        command += ["tests.middleware.apps.policies:application()"]
        environ = {**os.environ, "PROVIEW_TEST_CASES": str(told)}
        log = folder / "server.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environ, pass_fds=[fd], stdout=output, stderr=output, start_new_session=True
            )
        database = Database(load_config(config, {}).storage.database)
        try:
            eventually(lambda: _is_ready(url), "the server answers")
            yield PolicySite(url, database, log)
        finally:
            database.dispose()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _is_ready(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url + "/proview/readyz", timeout=30).status_code == 200
    return False
