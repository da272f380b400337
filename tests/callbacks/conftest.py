from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import Config, load_config
from flask_proview.recordings.finalise import Finaliser
from flask_proview.sessions.callbacks import CallbackStore
from flask_proview.sessions.database import Database, now_ms, upgrade
from flask_proview.sessions.models import Callback, Session, State
from flask_proview.sessions.store import SessionStore, StartRequest

from .receiver import Receiver

SECRET = "callback-secret-of-32-characters!"


@dataclass
class Place:
    config: Config
    db: Database
    sessions: SessionStore
    callbacks: CallbackStore

    def ended(self, session_type: str = "ai_proctor", external_id: str = "attempt-7", **values: Any) -> Session:
        """A session that was stopped; nothing was finalised yet."""
        request = StartRequest("main", external_id, "anna", None, session_type, "Physics", "https://exam.example.edu")
        session, _ = self.sessions.start(request)
        self.sessions.end(session.uuid, State.STOPPED, "page")
        return self.change(session, **values)

    def change(self, session: Session, **values: Any) -> Session:
        with self.db.write() as orm:
            row = orm.get(Session, session.id)
            assert row is not None
            for name, value in values.items():
                setattr(row, name, value)
            return row

    def finalise(self, session: Session) -> None:
        self.change(session, finalise_wanted_at=now_ms())
        Finaliser(self.db, self.config).finalise(session.uuid)

    def rows(self) -> list[Callback]:
        return [callback for callback, _ in reversed(self.callbacks.listed())]

    def due_now(self) -> None:
        """As if the waiting time of every callback had passed."""
        with self.db.write() as orm:
            for row in orm.query(Callback):
                row.next_at = row.leased_until = 0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def settings(directory: Path, url: str, database: str | None = None, **account: Any) -> dict[str, Any]:
    return {
        "secrets": {"keys": ["k" * 40]},
        "server": {"public_url": "https://exam.example.edu"},
        "storage": {
            "database": database or f"sqlite:///{directory}/proview.db",
            "recordings": str(directory / "recordings"),
            "min_free_mb": 1,
        },
        "accounts": [
            {
                "name": "main", "token": "b3f6224e-d072-4gea", "domains": ["exam.example.edu"],
                "callback_url": url, "callback_secret": SECRET, **account,
            }
        ],
    }  # fmt: skip


@pytest.fixture
def make_place(tmp_path: Path, receiver: Receiver) -> Iterator[Callable[..., Place]]:
    opened: list[Database] = []

    def make(database: str | None = None, url: str | None = None, **account: Any) -> Place:
        config = load_config(settings(tmp_path, url or receiver.url, database, **account), {})
        upgrade(config.storage.database)
        db = Database(config.storage.database)
        opened.append(db)
        return Place(config, db, SessionStore(db, config), CallbackStore(db))

    yield make
    for db in opened:
        db.dispose()


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    return make_place()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def any_place(request: pytest.FixtureRequest, make_place: Callable[..., Place]) -> Place:
    """On SQLite and on PostgreSQL."""
    return make_place(request.getfixturevalue("postgres_url") if request.param == "postgresql" else None)
