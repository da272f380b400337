"""Attempts and sessions: one JSON file each, replaced as a whole, so that a reader never sees half of it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from demo_app.wsgi.content import Answer
from demo_app.wsgi.http import HttpError

SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Attempt:
    id: str
    candidate: str
    name: str
    created_at: int
    finished_at: int | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    upload: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    csrf: str
    candidate: str | None = None
    name: str = ""


def state_root() -> Path:
    named = os.environ.get("DEMO_STATE")
    if named:
        return Path(named)
    root = Path(tempfile.gettempdir()) / f"exam-site-{os.geteuid()}"
    if root.is_symlink() or (root.exists() and root.stat().st_uid != os.geteuid()):
        raise RuntimeError(f"{root} belongs to somebody else; set DEMO_STATE to another folder")
    return root


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def new_session(self, candidate: str | None = None, name: str = "") -> Session:
        session = Session(secrets.token_urlsafe(32), secrets.token_hex(16), candidate, name)
        self.write(self.folder("wsgi-sessions") / f"{session.id}.json", asdict(session))
        return session

    def read_session(self, session_id: str) -> Session | None:
        if not SESSION_ID.fullmatch(session_id):
            return None
        raw = self.read(self.folder("wsgi-sessions") / f"{session_id}.json")
        return None if raw is None else Session(**raw)

    def drop_session(self, session: Session) -> None:
        (self.folder("wsgi-sessions") / f"{session.id}.json").unlink(missing_ok=True)

    def new_attempt(self, candidate: str, name: str) -> Attempt:
        attempt = Attempt(secrets.token_hex(16), candidate, name, int(time.time()))
        self.write_attempt(attempt)
        return attempt

    def read_attempt(self, attempt_id: str) -> Attempt | None:
        raw = self.read(self.folder("attempts") / f"{attempt_id}.json")
        return None if raw is None else Attempt(**raw)

    def write_attempt(self, attempt: Attempt) -> None:
        self.write(self.folder("attempts") / f"{attempt.id}.json", asdict(attempt))

    def change_attempt(self, attempt_id: str, change: Callable[[Attempt], Attempt]) -> None:
        """Reads, changes and writes an attempt under a lock; a finished one is not changed any more."""
        with (self.folder("attempts") / f"{attempt_id}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            attempt = self.read_attempt(attempt_id)
            if attempt is None or attempt.finished_at is not None:
                raise HttpError(
                    409, "Examination already finished", "This attempt was finished and can no longer be changed."
                )
            self.write_attempt(change(attempt))

    def attempts_of(self, candidate: str) -> list[Attempt]:
        """The candidate's attempts, newest first."""
        every = (self.read_attempt(file.stem) for file in self.folder("attempts").glob("*.json"))
        own = [attempt for attempt in every if attempt is not None and attempt.candidate == candidate]
        return sorted(own, key=lambda attempt: (attempt.created_at, attempt.id), reverse=True)[:10]

    def save_upload(self, attempt_id: str, data: bytes, upload: dict[str, Any]) -> None:
        def change(attempt: Attempt) -> Attempt:
            replace_file(self.folder("uploads") / attempt_id, data)
            return replace(attempt, upload=upload)

        self.change_attempt(attempt_id, change)

    @staticmethod
    def read(file: Path) -> dict[str, Any] | None:
        try:
            raw: dict[str, Any] = json.loads(file.read_bytes())
        except FileNotFoundError:
            return None
        return raw

    @staticmethod
    def write(file: Path, record: dict[str, Any]) -> None:
        replace_file(file, json.dumps(record, ensure_ascii=False).encode())


def replace_file(file: Path, data: bytes) -> None:
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    fresh.write_bytes(data)
    fresh.replace(file)
