from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import Config, load_config
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.models import Session
from flask_proview.sessions.store import SessionStore, StartRequest


@dataclass
class Place:
    """A database with the newest schema and the session store on it."""

    config: Config
    db: Database
    sessions: SessionStore

    def start(self, external_id: str = "exam-1", profile: str = "anna", **more: Any) -> Session:
        return self.sessions.start(request(external_id, profile, **more))[0]

    def change(self, session: Session, **values: Any) -> Session:
        """Set columns of a row behind the store's back."""
        with self.db.write() as db:
            row = db.get(Session, session.id)
            assert row is not None
            for name, value in values.items():
                setattr(row, name, value)
            return row


def request(external_id: str = "exam-1", profile: str = "anna", **more: Any) -> StartRequest:
    values: dict[str, Any] = {
        "account": "main",
        "route": None,
        "session_type": "ai_proctor",
        "title": "Physics",
        "origin": "https://exam.example.edu",
        **more,
    }
    return StartRequest(external_id=external_id, profile_id=profile, **values)


def make_config(directory: Path, database: str | None = None, **sections: Any) -> Config:
    return load_config(
        {
            "secrets": {"keys": ["k" * 40]},
            "accounts": [{"name": "main", "token": "b3f6224e-d072-4gea", "domains": ["exam.example.edu"]}],
            "storage": {
                "database": database or f"sqlite:///{directory}/proview.db",
                "recordings": str(directory / "recordings"),
                "min_free_mb": 1,
            },
            **sections,
        },
        {},
    )


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    opened: list[Database] = []

    def make(database: str | None = None, **sections: Any) -> Place:
        config = make_config(tmp_path, database, **sections)
        upgrade(config.storage.database)
        db = Database(config.storage.database)
        opened.append(db)
        return Place(config, db, SessionStore(db, config))

    yield make
    for db in opened:
        db.dispose()


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """On SQLite."""
    return make_place()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def any_place(request: pytest.FixtureRequest, make_place: Callable[..., Place]) -> Place:
    """On SQLite and on PostgreSQL."""
    return make_place(request.getfixturevalue("postgres_url") if request.param == "postgresql" else None)
