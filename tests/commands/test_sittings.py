"""`proview sessions` on an exam that was rolled over: exported and deleted as a whole."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flask_proview.cli import cli
from flask_proview.config import load_config
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Outcome, Session, State
from flask_proview.sessions.store import SessionStore, StartRequest


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "proview.toml"
    assert run("init", str(file)).exit_code == 0
    assert run("db", "upgrade", "-c", str(file)).exit_code == 0
    return file


def sitting(file: Path) -> list[Session]:
    """Two sessions that follow each other; the second still runs."""
    config = load_config(file)
    database = Database(config.storage.database)
    store = SessionStore(database, config)
    try:
        asked = StartRequest(config.accounts[0].name, "e1", "p1", None, "ai_proctor", None, "https://exam.example.edu")
        first, _ = store.start(asked)
        second, _ = store.start(replace(asked, continues=first.uuid))
        store.end(first.uuid, State.STOPPED, "limit")
        with database.write() as db:
            for row, outcome, cause in ((first, "recorded", None), (second, "gap", "handover")):
                db.add(Outcome(session_id=row.id, track="camera", from_ms=0, to_ms=5000, outcome=outcome, cause=cause))
        return [first, second]
    finally:
        database.dispose()


def test_an_export_holds_all_parts_and_one_ledger(config_file: Path, tmp_path: Path) -> None:
    first, second = sitting(config_file)
    target = tmp_path / "out.zip"
    assert run("sessions", "export", second.uuid, "-c", str(config_file), "-o", str(target)).exit_code == 0
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["part-1/session.json", "part-2/session.json", "sitting.json"]
        told = json.loads(archive.read("sitting.json"))
        assert json.loads(archive.read("part-2/session.json"))["sitting"] == first.uuid
    assert [part["uuid"] for part in told["parts"]] == [first.uuid, second.uuid]
    assert told["outcomes"][0]["outcome"] == "recorded"
    assert sum(row["to_ms"] - row["from_ms"] for row in told["outcomes"]) == 5000 + second.started_at - first.started_at


def test_a_sitting_is_deleted_when_all_of_it_has_ended(config_file: Path) -> None:
    first, second = sitting(config_file)
    refused = run("sessions", "delete", first.uuid, "--yes", "-c", str(config_file))
    assert refused.exit_code == 1
    assert second.uuid in refused.stderr
    config = load_config(config_file)
    database = Database(config.storage.database)
    try:
        SessionStore(database, config).end(second.uuid, State.STOPPED, "page")
        assert run("sessions", "delete", first.uuid, "--yes", "-c", str(config_file)).exit_code == 0
        assert SessionStore(database, config).get(second.uuid) is None
    finally:
        database.dispose()
