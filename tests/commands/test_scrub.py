from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flask_proview.cli import cli
from flask_proview.recordings.pieces import PieceStore
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.models import Session
from flask_proview.sessions.store import SessionStore
from tests.recordings.conftest import Place, make_config, piece
from tests.webm_factory import CLUSTER


@pytest.fixture
def place(tmp_path: Path) -> Any:
    config = make_config(tmp_path)
    upgrade(config.storage.database)
    db = Database(config.storage.database)
    place = Place(config, db, SessionStore(db, config), PieceStore(db, config))
    (tmp_path / "proview.toml").write_text(
        f'[secrets]\nkeys = ["{"k" * 40}"]\n[storage]\ndatabase = "{config.storage.database}"\nrecordings = "recordings"\n'
    )
    yield place
    db.dispose()


@pytest.fixture
def session(place: Place) -> Session:
    session = place.start()
    place.pieces.start()
    for seq in range(3):
        place.pieces.store(piece(session, seq, (CLUSTER if seq == 0 else b"") + b"%d" % seq * 1000))
    place.pieces.stop()
    return session


def scrub(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["sessions", "scrub", *arguments, "-c", str(tmp_path / "proview.toml")])


def test_sound_evidence_exits_with_0(session: Session, tmp_path: Path) -> None:
    done = scrub(tmp_path)
    assert (done.exit_code, done.output) == (0, "1 sessions, 3 pieces, 0.0 MiB read, 0 with damage\n")


def test_damage_is_named_and_exits_with_1(place: Place, session: Session, tmp_path: Path) -> None:
    path = place.layout.run_file(session.uuid, "camera", 0)
    path.write_bytes(path.read_bytes()[:2004] + b"x" * 1000 + b"torn tail")
    done = scrub(tmp_path, session.uuid)
    assert done.exit_code == 1
    assert f"{session.uuid} camera run 0 piece 2: digest" in done.output
    assert "9 bytes that were never acknowledged were cut off" in done.output
    report = json.loads(scrub(tmp_path, "--json", "--rate", "100").stdout)
    assert report["sessions"][0]["damaged"] == [["camera", 0, 2, "digest"]]
    assert report["recovery"][0]["cut"] == {}


def test_an_unknown_session_is_an_error(session: Session, tmp_path: Path) -> None:
    done = scrub(tmp_path, "11111111-2222-4333-8444-555555555555")
    assert done.exit_code == 1
    assert "there is no session" in done.output
