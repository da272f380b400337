"""The jobs process beside somebody else's web server, and what `proview check` says when it was forgotten."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from flask_proview.cli import cli
from flask_proview.config import load_config
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import SessionStore, StartRequest

ENV = {name: value for name, value in os.environ.items() if not name.startswith("PROVIEW_")}


def proview(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask_proview", *args], env=ENV, capture_output=True, text=True, check=True, timeout=60
    )


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited 30 s for {what}"
        time.sleep(0.05)


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "proview.toml"
    proview("init", str(file))
    proview("db", "upgrade", "-c", str(file))
    return file


def end_a_session(file: Path) -> str:
    """A session that ended five minutes ago and was never finalised."""
    config = load_config(file, {})
    database = Database(config.storage.database)
    try:
        store = SessionStore(database, config)
        row, _ = store.start(StartRequest("main", "7", "anna", "r0", "ai_proctor", None, "http://127.0.0.1:8000"))
        store.end(row.uuid, State.STOPPED, "page")
        with database.write() as db:
            db.execute(update(Session).values(finalise_wanted_at=now_ms() - 300_000))
        return row.uuid
    finally:
        database.dispose()


def is_finalised(file: Path, uuid: str) -> bool:
    config = load_config(file, {})
    database = Database(config.storage.database)
    try:
        row = SessionStore(database, config).get(uuid)
        return row is not None and row.finalised_at is not None
    finally:
        database.dispose()


def test_check_says_that_recordings_wait_for_the_jobs_process(config_file: Path) -> None:
    end_a_session(config_file)
    result = CliRunner().invoke(cli, ["check", "-c", str(config_file)])
    assert "1 ended session(s) wait for their recording" in result.stdout
    assert "proview worker" in result.stdout


def test_worker_finalises_what_waits_and_ends_by_a_signal(config_file: Path) -> None:
    uuid = end_a_session(config_file)
    process = subprocess.Popen(
        [sys.executable, "-m", "flask_proview", "worker", "-c", str(config_file)],
        env=ENV,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_finalised(config_file, uuid), "the session's recording")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_other_people_of_the_machine_cannot_read_what_proview_writes(config_file: Path) -> None:
    for path in (config_file.parent / "var", config_file.parent / "var" / "proview.db"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0, path
