from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import func, select

from flask_proview.errors import ApiError
from flask_proview.sessions import store as store_module
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import OPEN_STATES, Event, Session, State
from flask_proview.sessions.store import SessionStore

from .conftest import Place, request

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def count_open(place: Place) -> int:
    with place.db.read() as db:
        return db.scalar(select(func.count()).select_from(Session).where(Session.state.in_(OPEN_STATES))) or 0


def test_a_second_start_resumes_the_open_session(any_place: Place) -> None:
    first, resumed_first = any_place.sessions.start(request())
    second, resumed_second = any_place.sessions.start(request())
    assert (resumed_first, resumed_second) == (False, True)
    assert first.uuid == second.uuid
    assert any_place.sessions.start(request(profile="bert"))[0].uuid != first.uuid
    assert any_place.sessions.start(request(account="other"))[0].uuid != first.uuid


def test_a_start_after_the_end_is_a_new_session_that_continues_the_old(any_place: Place) -> None:
    first = any_place.start()
    any_place.sessions.end(first.uuid, State.STOPPED, "page")
    second, resumed = any_place.sessions.start(request())
    assert not resumed
    assert second.continues == first.uuid
    newest = any_place.sessions.by_external("main", "exam-1", "anna")
    assert newest is not None
    assert newest.uuid == second.uuid


def test_starts_at_once_from_many_threads_open_one_session(any_place: Place) -> None:
    for number in range(5):
        barrier = threading.Barrier(8)
        uuids: list[str] = []

        def start(number: int = number, barrier: threading.Barrier = barrier, uuids: list[str] = uuids) -> None:
            barrier.wait()
            uuids.append(any_place.sessions.start(request(f"race-{number}"))[0].uuid)

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(uuids) == 8
        assert len(set(uuids)) == 1
    assert count_open(any_place) == 5


STARTER = """
import sys
from pathlib import Path
from flask_proview.sessions.database import Database
from flask_proview.sessions.store import SessionStore
from tests.sessions.conftest import make_config, request
config = make_config(Path(sys.argv[1]), sys.argv[2])
db = Database(config.storage.database)
store = SessionStore(db, config)
sys.stdin.readline()
for number in range(10):
    print(store.start(request(f"race-{number}"))[0].uuid)
db.dispose()
"""


def test_two_processes_at_once_open_one_session_each_time(any_place: Place, tmp_path: Path) -> None:
    url = any_place.config.storage.database
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, str(tmp_path), url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(answers[0]) == 10
    assert answers[0] == answers[1]
    assert count_open(any_place) == 10


def test_states_follow_the_protocol(any_place: Place) -> None:
    store, uuid = any_place.sessions, any_place.start().uuid
    assert store.resume(uuid).state == State.CREATED, "only a paused session resumes"
    assert store.run_started(uuid).state == State.RUNNING
    assert store.run_started(uuid).state == State.RUNNING
    assert store.pause(uuid).state == State.PAUSED
    assert store.pause(uuid).state == State.PAUSED
    assert store.run_started(uuid).state == State.PAUSED, "a late first piece does not end a pause"
    assert store.resume(uuid).state == State.RUNNING
    assert store.end(uuid, State.STOPPED, "page")[0].state == State.STOPPED
    for change in (store.run_started, store.pause, store.resume):
        assert change(uuid).state == State.STOPPED


def test_an_unknown_session_is_an_error_with_a_code(place: Place) -> None:
    for change in (place.sessions.pause, place.sessions.resume, place.sessions.run_started):
        with pytest.raises(ApiError) as caught:
            change(UNKNOWN)
        assert (caught.value.code, caught.value.status) == ("unknown_session", 404)
    assert place.sessions.get(UNKNOWN) is None
    assert not place.sessions.delete(UNKNOWN)


def test_an_end_happens_once_and_the_first_reason_stays(any_place: Place) -> None:
    session = any_place.start()
    before = now_ms()
    first, changed = any_place.sessions.end(session.uuid, State.TERMINATED, "proctor")
    again, changed_again = any_place.sessions.end(session.uuid, State.STOPPED, "page")
    assert (changed, changed_again) == (True, False)
    assert (again.state, again.end_reason, again.ended_at) == ("terminated", "proctor", first.ended_at)
    assert first.ended_at is not None
    assert first.ended_at >= before
    assert first.finalise_wanted_at is not None
    with pytest.raises(ValueError, match="not an end"):
        any_place.sessions.end(session.uuid, State.PAUSED, "x")


def test_an_expired_session_ends_at_its_last_sign_of_life(any_place: Place) -> None:
    session = any_place.start()
    any_place.change(session, started_at=1_000_000, last_seen_at=1_042_000)
    ended, _ = any_place.sessions.end(session.uuid, State.EXPIRED, "heartbeat")
    assert ended.ended_at == 1_042_000


def test_a_sign_of_life_that_came_in_between_keeps_the_session_open(any_place: Place) -> None:
    session = any_place.start()
    limit = any_place.sessions.silence_limit(now_ms())
    row, changed = any_place.sessions.end(session.uuid, State.EXPIRED, "heartbeat", silent_since=limit)
    assert not changed
    assert row.state == State.CREATED


def test_silent_are_only_open_sessions_without_a_sign_of_life(any_place: Place) -> None:
    quiet, lively, ended = (any_place.start(name) for name in ("quiet", "lively", "ended"))
    any_place.sessions.end(ended.uuid, State.STOPPED, "page")
    now = now_ms()
    for session in (quiet, ended):
        any_place.change(session, last_seen_at=now - 61_000)
    any_place.change(lively, last_seen_at=now - 59_000)
    assert any_place.sessions.silent(now) == [quiet.uuid]


def test_signs_of_life_are_written_at_most_once_in_an_interval(place: Place) -> None:
    session = place.start()
    clock = mock.patch.object(store_module, "now_ms")
    with clock as now:
        seen = []
        for at in (100_000, 101_000, 104_000, 104_600, 109_200):
            now.return_value = at
            place.sessions.touch(session.uuid)
            row = place.sessions.get(session.uuid)
            assert row is not None
            seen.append(row.last_seen_at)
    assert seen == [100_000, 100_000, 100_000, 104_600, 109_200]


def test_a_sign_of_life_that_was_not_written_is_written_the_next_time(place: Place) -> None:
    session = place.start()
    place.change(session, last_seen_at=1)
    with mock.patch.object(place.db, "write", side_effect=OSError("disk")), pytest.raises(OSError, match="disk"):
        place.sessions.touch(session.uuid)
    place.sessions.touch(session.uuid)
    row = place.sessions.get(session.uuid)
    assert row is not None
    assert row.last_seen_at > 1


def test_an_ended_session_is_not_touched(place: Place) -> None:
    session = place.start()
    place.change(session, last_seen_at=5)
    place.sessions.end(session.uuid, State.STOPPED, "page")
    place.sessions.touch(session.uuid)
    row = place.sessions.get(session.uuid)
    assert row is not None
    assert row.last_seen_at == 5


def test_remembered_signs_of_life_are_bounded(place: Place) -> None:
    with mock.patch.object(store_module, "MAX_TRACKED_TOUCHES", 3):
        for number in range(10):
            place.sessions.touch(f"{number:08d}-0000-4000-8000-000000000000")
    assert len(place.sessions._touched) <= 3


def test_late_pieces_are_taken_during_the_grace_and_never_after_a_revocation(make_place: Callable[..., Place]) -> None:
    place = make_place(limits={"drain_grace_minutes": 10})
    row = place.start()
    now = now_ms()
    assert place.sessions.accepts_pieces(row, now + 10**9)
    row = place.change(row, ended_at=now)
    assert place.sessions.accepts_pieces(row, now + 599_999)
    assert not place.sessions.accepts_pieces(row, now + 600_000)
    assert not place.sessions.accepts_pieces(place.change(row, revoked=True), now)


HOSTILE = ("100%", "under_score", "back\\slash", "quote'quote", 'double"quote', "'; DROP TABLE sessions; --", "ünï💥")


def test_a_search_takes_every_character_literally(any_place: Place) -> None:
    for text in HOSTILE:
        any_place.start(f"exam {text} end")
    any_place.start("exam plain end")
    for text in HOSTILE:
        found = any_place.sessions.search(text=text).rows
        assert [row.external_id for row in found] == [f"exam {text} end"]
    assert any_place.sessions.search(text="%%").rows == []
    assert any_place.sessions.search(text="a\0b\ud800").rows == []


def test_a_search_finds_by_id_profile_title_and_start_of_the_uuid(any_place: Place) -> None:
    one = any_place.start("alpha", "beta", title="Gamma")
    any_place.start("other", "other", title=None)
    for text in ("LPH", "bet", "gamma", one.uuid[:8], one.uuid.upper()):
        assert [row.uuid for row in any_place.sessions.search(text=text).rows] == [one.uuid]
    assert any_place.sessions.search(text=one.uuid[9:13]).rows == []


def test_a_search_pages_newest_first_and_filters(any_place: Place) -> None:
    for number in range(7):
        any_place.start(f"n{number}", account="even" if number % 2 == 0 else "odd")
    first = any_place.sessions.search(limit=3)
    second = any_place.sessions.search(limit=3, before=first.next)
    third = any_place.sessions.search(limit=3, before=second.next)
    assert [r.external_id for p in (first, second, third) for r in p.rows] == [f"n{n}" for n in range(6, -1, -1)]
    assert third.next is None
    assert len(any_place.sessions.search(account="odd").rows) == 3
    assert any_place.sessions.search(state="running").rows == []


def test_deleting_removes_rows_and_files_and_nothing_else(any_place: Place) -> None:
    gone, kept = any_place.start("gone"), any_place.start("kept")
    layout = any_place.sessions._layout
    for session in (gone, kept):
        file = layout.run_file(session.uuid, "camera", 0)
        file.parent.mkdir(parents=True)
        file.write_bytes(b"evidence")
    with any_place.db.write() as db:
        db.add(Event(session_id=gone.id, event_type_id=13, name="x", at_ms=0, received_at=0, data={}))
    assert any_place.sessions.delete(gone.uuid)
    assert not any_place.sessions.delete(gone.uuid)
    assert not layout.session_dir(gone.uuid).exists()
    assert layout.run_file(kept.uuid, "camera", 0).read_bytes() == b"evidence"
    with any_place.db.read() as db:
        assert db.scalars(select(Event)).all() == [], "what belongs to a session goes with it"


def test_what_is_written_while_a_session_is_deleted_does_not_stay(place: Place) -> None:
    session = place.start()
    layout = place.sessions._layout
    real = SessionStore.get

    def get_and_write(store: SessionStore, uuid: str) -> Session | None:
        row = real(store, uuid)
        layout.run_file(uuid, "camera", 7).parent.mkdir(parents=True)
        return row

    original = layout.remove_session
    calls = []

    def remove(uuid: str) -> None:
        original(uuid)
        calls.append(uuid)
        if len(calls) == 1:
            layout.session_dir(uuid).mkdir(parents=True)
            layout.run_file(uuid, "camera", 8).write_bytes(b"late")

    with mock.patch.object(SessionStore, "get", get_and_write), mock.patch.object(layout, "remove_session", remove):
        place.sessions.delete(session.uuid)
    assert not layout.session_dir(session.uuid).exists()


def test_long_and_unstorable_text_of_a_browser_is_cut_not_refused(any_place: Place) -> None:
    session = any_place.start(user_agent="A\0" * 2000, address="x" * 500, title="t\ud800" * 900)
    row = any_place.sessions.get(session.uuid)
    assert row is not None
    assert (len(row.user_agent), len(row.address), len(row.title or "")) == (512, 64, 512)
