"""``proview sessions``: what leaves with an export, and what is gone after a deletion."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flask_proview.cli import cli
from flask_proview.config import Config, load_config
from flask_proview.recordings.layout import Layout
from flask_proview.recordings.photos import PhotoStore
from flask_proview.sessions.approvals import Approval, ask, decide
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import SessionStore, StartRequest
from tests.jpeg_factory import jpeg


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "proview.toml"
    assert run("init", str(file)).exit_code == 0
    upgrade(load_config(file).storage.database)
    return file


def photographed(config: Config, *, continues: str | None = None) -> Session:
    """A session with two photos of an ID; the first was rejected."""
    db = Database(config.storage.database)
    store = SessionStore(db, config)
    row, _ = store.start(StartRequest("demo", "exam-1", "anna", None, "live_proctor", "Algebra", "https://exam.example.edu", continues=continues))  # fmt: skip
    for grey in (60, 120):
        body = jpeg(64, 64, grey)
        PhotoStore(db, config).store(row, "id", body, hashlib.sha256(body).hexdigest(), (64, 64), 1000)
        ask(db, row.uuid, again=True)
        decide(db, row.uuid, Approval.REJECTED if grey == 60 else Approval.APPROVED, "dark", "pat")
    store.end(row.uuid, State.STOPPED, "page")
    db.dispose()
    return row


def test_an_export_holds_every_photo_and_what_was_said(file: Path, tmp_path: Path) -> None:
    row = photographed(load_config(file))
    target = tmp_path / "out.zip"
    result = run("sessions", "export", row.uuid, "-o", str(target), "-c", str(file))
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(target) as archive:
        assert set(archive.namelist()) == {"session.json", "photos/id-1.jpg", "photos/id-2.jpg"}
        assert archive.read("photos/id-2.jpg") == jpeg(64, 64, 120)
        details = json.loads(archive.read("session.json"))
    assert details["approval"] == "approved"
    assert [(one["kind"], one["version"]) for one in details["photos"]] == [("id", 2), ("id", 1)]
    assert hashlib.sha256(jpeg(64, 64, 60)).hexdigest() == details["photos"][1]["sha256"]
    said = [event["name"] for event in details["events"]]
    assert said.count("Approval Requested") == 2 and "Candidate Rejected" in said
    again = run("sessions", "export", row.uuid, "-o", str(target), "-c", str(file))
    assert again.exit_code == 1 and "exists already" in again.output


def test_a_deletion_leaves_no_photo(file: Path) -> None:
    config = load_config(file)
    row = photographed(config)
    folder = Layout(Path(config.storage.recordings)).session_dir(row.uuid)
    assert len(list((folder / "photos").iterdir())) == 2
    assert run("sessions", "delete", row.uuid, "--yes", "-c", str(file)).exit_code == 0
    assert not folder.exists()
    assert run("sessions", "show", row.uuid, "-c", str(file)).exit_code == 1
