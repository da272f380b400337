from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import Config, load_config
from flask_proview.recordings.layout import Layout
from flask_proview.recordings.pieces import IncomingPiece, PieceStore
from flask_proview.sessions.database import Database, now_ms, upgrade
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import SessionStore, StartRequest


@dataclass
class Place:
    """A database, a recordings directory and the stores on them."""

    config: Config
    db: Database
    sessions: SessionStore
    pieces: PieceStore

    @property
    def layout(self) -> Layout:
        return Layout(Path(self.config.storage.recordings))

    def start(self, external_id: str = "e1", profile: str = "p1") -> Session:
        """A session that began an hour ago, so that pieces of any minute may arrive now."""
        request = StartRequest("main", external_id, profile, None, "ai_proctor", "Title", "https://exam.example.edu")
        session = self.sessions.start(request)[0]
        with self.db.write() as db:
            row = db.get(Session, session.id)
            assert row is not None
            row.started_at -= 3_600_000
            return row

    def end(self, session: Session, length_ms: int, state: State = State.STOPPED) -> None:
        with self.db.write() as db:
            row = db.get(Session, session.id)
            assert row is not None
            row.state, row.ended_at, row.finalise_wanted_at = state.value, row.started_at + length_ms, now_ms()
            row.last_seen_at = row.ended_at


def make_config(directory: Path, **sections: Any) -> Config:
    storage = {
        "database": f"sqlite:///{directory}/proview.db",
        "recordings": str(directory / "recordings"),
        "min_free_mb": 1,
    }
    return load_config(
        {
            "secrets": {"keys": ["k" * 40]},
            "accounts": [{"name": "main", "token": "b3f6224e-d072-4gea", "domains": ["exam.example.edu"]}],
            **sections,
            "storage": {**storage, **sections.get("storage", {})},
        },
        {},
    )


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    opened: list[Place] = []

    def make(**sections: Any) -> Place:
        config = make_config(tmp_path, **sections)
        upgrade(config.storage.database)
        db = Database(config.storage.database)
        place = Place(config, db, SessionStore(db, config), PieceStore(db, config))
        place.pieces.start()
        opened.append(place)
        return place

    yield make
    for place in opened:
        place.pieces.stop()
        place.db.dispose()


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    return make_place()


def piece(
    session: Session,
    seq: int,
    body: bytes,
    *,
    run: int = 0,
    track: str = "camera",
    start_ms: int | None = None,
    duration_ms: int = 1000,
    last: bool = False,
    sha256: str | None = None,
) -> IncomingPiece:
    return IncomingPiece(
        session_id=session.id,
        session_uuid=session.uuid,
        track=track,
        run=run,
        seq=seq,
        sha256=sha256 or hashlib.sha256(body).hexdigest(),
        start_ms=run + seq * 1000 if start_ms is None else start_ms,
        duration_ms=duration_ms,
        mime='video/webm;codecs="vp8,opus"',
        last=last,
        body=body,
    )
