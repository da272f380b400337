"""A console with sessions in it: rows, events, and recordings finalised from real WebM pieces."""

from __future__ import annotations

import hashlib
import shutil
import threading
import uuid as uuids
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.pieces import IncomingPiece
from flask_proview.service.app import create_app
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Event, Session, State
from flask_proview.sessions.sittings import join
from tests.service.build import make_config
from tests.webm_factory import record

PASSWORD = "correct-horse-battery"
ROLES = {"admin": "admin", "pat": "proctor", "rita": "reviewer"}
HERE = "http://localhost"
CONSOLE = "/proview/console"


class World:
    """A runtime with people, and the means to put sessions into it."""

    def __init__(self, folder: Path, template: Path | None = None, **sections: Any) -> None:
        self.config = make_config(folder, **{"media": {"live": "off"}, **sections})
        if template is not None:
            # Migrations and three Argon2 hashes for every test would be most of the suite's time.
            shutil.copy(template, folder / "proview.db")
        self.runtime: Runtime = build_runtime(self.config)
        self.runtime.start()
        if template is None:
            for name, role in ROLES.items():
                self.runtime.users.add(name, role, PASSWORD)
        self.app = create_app(self.runtime)

    def close(self) -> None:
        self.runtime.stop()

    def add_session(
        self, *, state: str = "stopped", length_ms: int = 20_000, ago_ms: int = 60_000, **values: Any
    ) -> Session:
        """A session that started ``ago_ms`` before it ended (or before now)."""
        now = now_ms()
        started = now - ago_ms - length_ms
        ended = state in ("stopped", "terminated", "expired")
        defaults: dict[str, Any] = {
            "uuid": str(uuids.uuid4()),
            "account": "main",
            "external_id": "attempt-7",
            "profile_id": "anna",
            "session_type": "record_and_review",
            "title": "Algebra",
            "origin": "https://exam.example.edu",
            "user_agent": "Mozilla/5.0",
            "address": "192.0.2.7",
            "created_at": started,
            "started_at": started,
            "ended_at": started + length_ms if ended else None,
            "end_reason": "page" if ended else None,
            "last_seen_at": started + length_ms if ended else now,
            "finalise_wanted_at": started + length_ms if ended else None,
        }
        row = Session(state=state, options={}, **{**defaults, **values})
        with self.runtime.db.write() as db:
            db.add(row)
        return row

    def add_event(self, row: Session, at_ms: int, event_type_id: int, name: str = "", **data: object) -> None:
        with self.runtime.db.write() as db:
            taken = db.query(Event).where(Event.session_id == row.id).count()
            event = Event(session_id=row.id, client_seq=taken, event_type_id=event_type_id, name=name, at_ms=at_ms)
            event.received_at, event.data = row.started_at + at_ms, data
            db.add(event)

    def add_run(
        self,
        row: Session,
        track: str,
        start_ms: int,
        seconds: float,
        *,
        audio: bool = True,
        codec: str = "libvpx",
        mime: str = "",
    ) -> None:
        """One recorder run of ``seconds``, as pieces of a second, durable."""
        sound = audio and track == "camera"
        made = record(seconds, audio=sound, codec=codec, seed=1 if track == "screen" else 0, video_after_ms=1)
        for seq, body in enumerate(made.pieces):
            piece = IncomingPiece(
                session_id=row.id,
                session_uuid=row.uuid,
                track=track,
                run=start_ms,
                seq=seq,
                sha256=hashlib.sha256(body).hexdigest(),
                start_ms=start_ms + seq * made.piece_ms,
                duration_ms=made.piece_ms,
                mime=mime or ("video/webm;codecs=vp8,opus" if sound else "video/webm;codecs=vp8"),
                last=seq == len(made.pieces) - 1,
                body=body,
            )
            self.runtime.pieces.store(piece)

    def end(self, row: Session) -> None:
        """Stop it now, and make its recording."""
        self.runtime.sessions.end(row.uuid, State.STOPPED, "page")
        self.finalise(row)

    def finalise(self, row: Session) -> None:
        Finaliser(self.runtime.db, self.config).finalise(row.uuid)

    def recorded_session(self, **values: Any) -> Session:
        """20 s with camera and screen; the camera lost the network from 8 s to 12 s, the screen came 2 s late."""
        row = self.add_session(**values)
        self.add_run(row, "camera", 0, 8)
        self.add_run(row, "camera", 12_000, 8)
        self.add_run(row, "screen", 2_000, 18)
        self.add_event(row, 500, 13)
        self.add_event(row, 5_000, 5, idle="no")
        self.add_event(row, 6_500, 4)
        self.add_event(row, 8_000, 10007)
        self.add_event(row, 12_000, 10008)
        self.add_event(row, 15_000, 16)
        self.finalise(row)
        return row

    def rolled_over_session(self) -> tuple[Session, Session]:
        """20 s in two sessions: the second began at 10 s, the first went on to 10.4 s; the network was away from 14 s to 16 s."""
        first = self.add_session(length_ms=10_400, ago_ms=60_000, end_reason="limit")
        values: dict[str, Any] = {"started_at": first.started_at + 10_000, "ended_at": first.started_at + 20_000}
        second = self.add_session(length_ms=10_000, ago_ms=0, continues=first.uuid, **values)
        with self.runtime.db.write() as db:
            first, second = db.merge(first), db.merge(second)
            join(first, second)
        self.add_run(first, "camera", 0, 10.4)
        self.add_run(second, "camera", 200, 3.8)
        self.add_run(second, "camera", 6_000, 4)
        self.add_event(first, 5_000, 5)
        self.add_event(second, 4_000, 10007)
        self.add_event(second, 6_000, 10008)
        for row in (first, second):
            self.finalise(row)
        return self.refresh(first), self.refresh(second)

    def refresh(self, row: Session) -> Session:
        found = self.runtime.sessions.get(row.uuid)
        assert found is not None
        return found


class Person:
    """Somebody with a browser (Flask's test client)."""

    def __init__(self, world: World) -> None:
        self.client: FlaskClient = world.app.test_client()
        self.world = world

    def log_in(self, name: str, password: str = PASSWORD, next: str = "", origin: str | None = HERE) -> TestResponse:
        form = {"name": name, "password": password, "next": next}
        return self.client.post(f"{CONSOLE}/login", data=form, headers=_origin(origin))

    def enter(self, name: str) -> None:
        """Logged in, without the form and its slow hash."""
        user = self.world.runtime.users.get(name)
        assert user is not None
        value, _ = self.world.runtime.logins.open(user, "127.0.0.1")
        self.client.set_cookie("proview_console", value, path="/proview")

    def get(self, path: str) -> TestResponse:
        return self.client.get(CONSOLE + path)

    @property
    def csrf(self) -> str:
        cookie = self.client.get_cookie("proview_console", path="/proview")
        found = self.world.runtime.logins.read(cookie.value if cookie else "")
        return found[1].csrf if found else ""

    def post(
        self, path: str, form: dict[str, str] | None = None, *, csrf: str | None = None, origin: str | None = HERE
    ) -> TestResponse:
        fields = {**(form or {}), "csrf": self.csrf if csrf is None else csrf}
        return self.client.post(CONSOLE + path, data=fields, headers=_origin(origin))


def _origin(origin: str | None) -> dict[str, str]:
    return {} if origin is None else {"Origin": origin}


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: the test says what went wrong."""


@contextmanager
def served(world: World) -> Iterator[str]:
    """The world on a real port of this machine."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
