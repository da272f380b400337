from __future__ import annotations

import hashlib
import json
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pytest
import time_machine
from sqlalchemy import text

from flask_proview import jobs as jobs_module
from flask_proview.config import Config, load_config
from flask_proview.errors import ApiError
from flask_proview.jobs import Jobs, run_worker
from flask_proview.recordings.finalise import BeingFinalised, Finaliser
from flask_proview.recordings.layout import Layout
from flask_proview.recordings.pieces import IncomingPiece, PieceStore
from flask_proview.recordings.remux import remux
from flask_proview.sessions.database import Database, now_ms, upgrade
from flask_proview.sessions.events import EventStore
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import SessionStore, StartRequest
from tests.webm_factory import Recorded, record


@dataclass
class Place:
    config: Config
    db: Database
    sessions: SessionStore
    jobs: Jobs

    def start(self, external_id: str = "e1") -> Session:
        request = StartRequest("main", external_id, "p", None, "ai_proctor", None, "https://exam.example.edu")
        return self.sessions.start(request)[0]

    def row(self, session: Session) -> Session:
        found = self.sessions.get(session.uuid)
        assert found is not None
        return found

    def change(self, session: Session, **values: int) -> None:
        with self.db.write() as db:
            row = db.get(Session, session.id)
            for name, value in values.items():
                setattr(row, name, value)

    def file(self, session: Session) -> Path:
        return Layout(Path(self.config.storage.recordings)).recording_file(session.uuid, "camera")


@pytest.fixture(scope="module")
def two() -> Recorded:
    return record(2, audio=False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    config = load_config(
        {
            "secrets": {"keys": ["old-key-" + "o" * 40, "k" * 40]},
            "storage": {
                "database": f"sqlite:///{tmp_path}/proview.db",
                "recordings": str(tmp_path / "recordings"),
                "min_free_mb": 1,
            },
            "limits": {"heartbeat_timeout_s": 3, "heartbeat_s": 1},
        },
        {},
    )
    upgrade(config.storage.database)
    db = Database(config.storage.database)
    jobs = Jobs(config)
    yield Place(config, db, SessionStore(db, config), jobs)
    jobs.huey.storage.close()
    db.dispose()


def upload(place: Place, session: Session, run: Recorded, first: int = 0, last: int | None = None) -> None:
    store = PieceStore(place.db, place.config)
    store.start()
    for seq, body in list(enumerate(run.pieces))[first:last]:
        digest = hashlib.sha256(body).hexdigest()
        store.store(
            IncomingPiece(session.id, session.uuid, "camera", 0, seq, digest, seq * 1000, 1000, "", False, body)
        )
    store.stop()


@contextmanager
def working(place: Place) -> Iterator[threading.Thread]:
    """The jobs process, as a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(place.config, stop))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def later(place: Place) -> int:
    """How many tasks are queued for a later time."""
    return sum(task.eta is not None for task in place.jobs.huey.pending())


def wait_for(condition: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_queued_session_is_finalised_by_the_worker(place: Place, two: Recorded) -> None:
    session = place.start()
    upload(place, session, two)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    with mock.patch.object(Jobs, "reconcile"), working(place):
        place.jobs.finalise_soon(session.uuid)
        wait_for(lambda: place.row(session).finalised_at)
    assert place.file(session).stat().st_size > 1000


def test_a_delayed_task_runs_when_its_time_comes(place: Place, two: Recorded) -> None:
    session = place.start()
    upload(place, session, two)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    place.jobs.finalise_soon(session.uuid, 0.5)
    assert later(place) == 1
    with mock.patch.object(Jobs, "reconcile"), working(place):
        wait_for(lambda: place.row(session).finalised_at)


def test_a_session_that_needs_nothing_is_left_alone(place: Place, two: Recorded) -> None:
    session = place.start()
    upload(place, session, two)
    immediate = Jobs(place.config, immediate=True)
    immediate.finalise_soon(session.uuid)
    assert place.row(session).finalised_at is None, "it goes on"
    place.sessions.end(session.uuid, State.STOPPED, "page")
    immediate.finalise_soon(session.uuid)
    made = place.file(session).stat().st_mtime_ns
    immediate.finalise_soon(session.uuid)
    immediate.finalise_soon("00000000-0000-4000-8000-000000000000")
    assert place.file(session).stat().st_mtime_ns == made


def test_a_silent_session_is_closed_with_its_event_and_finalised(place: Place, two: Recorded) -> None:
    session = place.start()
    upload(place, session, two)
    last_seen = place.row(session).last_seen_at - 10_000
    place.change(session, last_seen_at=last_seen, started_at=last_seen - 5000)
    with mock.patch.object(Jobs, "reconcile"), working(place):
        place.jobs.watch_heartbeat(session.uuid, 0.1)
        wait_for(lambda: place.row(session).finalised_at)
    row = place.row(session)
    assert (row.state, row.end_reason) == ("expired", "heartbeat")
    assert row.ended_at == last_seen
    events = EventStore(place.db, place.config).of(session.id)
    assert [(e.event_type_id, e.at_ms) for e in events] == [(10025, 5000)]
    assert place.file(session).exists()


def test_a_living_session_is_looked_at_again(place: Place) -> None:
    session = place.start()
    place.jobs._run_watch(session.uuid)
    assert place.row(session).state == State.CREATED
    assert later(place) == 1


def test_a_sign_of_life_during_the_look_keeps_session_and_watch(place: Place) -> None:
    session = place.start()
    place.change(session, last_seen_at=1)
    real = SessionStore.silence_limit

    def and_the_browser_calls(store: SessionStore, now: int) -> int:
        place.change(session, last_seen_at=now_ms())
        return real(store, now)

    with mock.patch.object(SessionStore, "silence_limit", and_the_browser_calls):
        place.jobs._run_watch(session.uuid)
    assert place.row(session).state == State.CREATED
    assert EventStore(place.db, place.config).of(session.id) == []
    assert later(place) == 1


@pytest.mark.parametrize("hours", [-24, -1, 1])
def test_a_clock_that_is_set_closes_nobody_before_they_could_give_a_sign(place: Place, hours: int) -> None:
    session = place.start()
    jobs = Jobs(replace(place.config, limits=replace(place.config.limits, heartbeat_timeout_s=60)))
    assert jobs.grace_s() == 0
    place.sessions.touch(session.uuid)
    with time_machine.travel(time.time() + hours * 3600, tick=True):
        jobs.reconcile()
        jobs._run_watch(session.uuid)
        assert place.row(session).state == State.CREATED
        assert jobs.grace_s() > 30
        place.sessions.touch(session.uuid)
        assert abs(place.row(session).last_seen_at - now_ms()) < 5000, (
            "a sign of life by the new time, also when it is earlier"
        )
        with mock.patch.object(Jobs, "grace_s", return_value=0.0):
            place.change(session, last_seen_at=now_ms() - 61_000)
            jobs.reconcile()
        assert place.row(session).state == State.EXPIRED, "and then silence counts again"


def test_a_reader_that_stays_is_told_of_and_the_log_is_short_again_when_it_goes(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    session = place.start()
    with closing(sqlite3.connect(place.db.engine.url.database or "", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sessions").fetchone()
        for letter in "abcdefghijklmnop":
            with place.db.write() as db:
                db.execute(
                    text("UPDATE sessions SET attendee = :data"), {"data": json.dumps({"name": letter * 2_000_000})}
                )
        with mock.patch.object(jobs_module, "WAL_ALARM_BYTES", 16 << 20):
            place.jobs.reconcile()
        assert "the database's write-ahead log has" in caplog.text
        reader.execute("COMMIT")
    longest = place.db.wal_bytes()
    for _ in range(20):
        place.change(session, proview_score=1)
    assert place.db.wal_bytes() < longest + 50_000, "the log is used anew and does not grow"
    with place.db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_size_limit").scalar() == 64 << 20


def test_an_ended_session_is_watched_no_longer(place: Place) -> None:
    session = place.start()
    place.sessions.end(session.uuid, State.STOPPED, "page")
    place.jobs._run_watch(session.uuid)
    place.jobs._run_watch("00000000-0000-4000-8000-000000000000")
    assert len(place.jobs.huey) == 0


def test_what_a_lost_queue_forgot_is_found_at_start(place: Place, two: Recorded) -> None:
    ended, silent = place.start("ended"), place.start("silent")
    for session in (ended, silent):
        upload(place, session, two)
    place.sessions.end(ended.uuid, State.STOPPED, "page")
    place.change(silent, last_seen_at=now_ms() - 60_000)
    with working(place):
        wait_for(lambda: all(place.row(session).finalised_at for session in (ended, silent)))
    assert place.row(silent).state == State.EXPIRED


def test_one_session_that_cannot_be_closed_does_not_keep_the_others(place: Place) -> None:
    first, second = place.start("first"), place.start("second")
    for session in (first, second):
        place.change(session, last_seen_at=1)
    real = SessionStore.end

    def end(store: SessionStore, uuid: str, *arguments: object, **more: object) -> tuple[Session, bool]:
        if uuid == first.uuid:
            raise ApiError("gone", code="unknown_session", status=404)
        return real(store, uuid, *arguments, **more)  # type: ignore[arg-type]

    with mock.patch.object(SessionStore, "end", end):
        place.jobs.reconcile()
    assert place.row(second).state == State.EXPIRED


def test_a_session_has_one_finaliser_at_a_time(place: Place, two: Recorded) -> None:
    session = place.start()
    upload(place, session, two)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    inside, go_on = threading.Event(), threading.Event()

    def slow(*arguments: object) -> object:
        inside.set()
        assert go_on.wait(60)
        return remux(*arguments)  # type: ignore[arg-type]

    with mock.patch("flask_proview.recordings.finalise.remux", slow):
        thread = threading.Thread(target=place.jobs._run_finalise, args=(session.uuid,))
        thread.start()
        assert inside.wait(60)
        with pytest.raises(BeingFinalised):
            Finaliser(place.db, place.config).finalise(session.uuid)
        place.jobs._run_finalise(session.uuid)
        assert later(place) == 1, "it is tried again"
        go_on.set()
        thread.join(60)
    assert place.row(session).finalised_at is not None


def test_a_piece_that_arrives_while_the_recording_is_made_gets_another_look(place: Place, two: Recorded) -> None:
    """Its request read the session before the end, so nobody queues the recording again on its behalf."""
    session = place.start()
    upload(place, session, two, last=-1)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    late: list[int] = []

    def with_a_late_piece(*arguments: object) -> object:
        if not late:
            late.append(1)
            upload(place, session, two, first=-1)
        return remux(*arguments)  # type: ignore[arg-type]

    with mock.patch("flask_proview.recordings.finalise.remux", with_a_late_piece):
        place.jobs._run_finalise(session.uuid)
    assert (place.row(session).finalised_at or 0) < (place.row(session).finalise_wanted_at or 0)
    assert later(place) == 1, "it is looked at again"
    place.jobs._run_finalise(session.uuid)
    assert (place.row(session).finalised_at or 0) >= (place.row(session).finalise_wanted_at or 0)
    assert later(place) == 2, "and once more after that, in case another one came between"
    place.jobs._run_finalise(session.uuid)
    assert later(place) == 2, "where there was nothing to do, nothing follows"


def test_what_fails_is_tried_again(place: Place, two: Recorded) -> None:
    session = place.start()
    upload(place, session, two)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    calls: list[int] = []
    real = Finaliser.finalise

    def fail_once(finaliser: Finaliser, uuid: str) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        return real(finaliser, uuid)

    place.jobs._finalise.default_retry_delay = 0
    failing = mock.patch.object(Finaliser, "finalise", fail_once)
    with mock.patch.object(Jobs, "reconcile"), failing, working(place):
        place.jobs.finalise_soon(session.uuid)
        wait_for(lambda: place.row(session).finalised_at)
    assert len(calls) == 2


def test_a_forged_task_in_the_queue_runs_nothing_and_stops_nothing(place: Place, two: Recorded, tmp_path: Path) -> None:
    trap = tmp_path / "trapped"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (eval, (f"open({str(trap)!r}, 'w').close()",))

    session = place.start()
    upload(place, session, two)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    forged = pickle.dumps(Trap())
    with sqlite3.connect(Path(place.config.storage.recordings) / "jobs.db") as connection:
        for blob in (forged, forged + b":" + b"0" * 40):
            connection.execute("INSERT INTO task (queue, data, priority) VALUES (?, ?, 9)", ("proview", blob))
            connection.execute("INSERT INTO schedule (queue, data, timestamp) VALUES (?, ?, 1)", ("proview", blob))
    connection.close()
    with mock.patch.object(Jobs, "reconcile"), working(place):
        place.jobs.finalise_soon(session.uuid)
        place.jobs.finalise_soon(session.uuid, 0.1)
        wait_for(lambda: place.row(session).finalised_at)
    assert not trap.exists()


def test_immediate_jobs_do_the_work_at_once_and_never_watch(place: Place, two: Recorded) -> None:
    session = place.start()
    upload(place, session, two)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    jobs = Jobs(place.config, immediate=True)
    jobs.watch_heartbeat(session.uuid, 60)
    jobs.finalise_soon(session.uuid, 60)
    assert place.file(session).exists()


def test_the_web_process_loads_no_demultiplexer(place: Place) -> None:
    code = "import sys, flask_proview.jobs; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
