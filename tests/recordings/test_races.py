"""What happens in between: deletion, late pieces, slow disks, other workers, hostile stamps."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import func, select

from flask_proview.recordings import counts, piece_rows, pieces, run_files
from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.piece_rows import PieceRows, Placed
from flask_proview.recordings.pieces import PieceError, PieceStore, Verdict
from flask_proview.recordings.remux import Remuxed, remux
from flask_proview.recordings.run_files import RunFiles
from flask_proview.recordings.sources import CLOCK_TOLERANCE_MS, Segment
from flask_proview.sessions.models import Conflict, Outcome, Session, State
from tests.webm_factory import Recorded, record

from .conftest import Place, piece

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def three() -> Recorded:
    return record(3, audio=False)


def upload(place: Place, session: Session, run: Recorded, at_ms: int, **more: int) -> None:
    for seq, body in enumerate(run.pieces):
        place.pieces.store(piece(session, seq, body, run=at_ms, **more))  # type: ignore[arg-type]


def wants_finalising(place: Place, session: Session) -> bool:
    row = place.sessions.get(session.uuid)
    assert row is not None
    assert row.finalised_at is not None
    assert row.finalise_wanted_at is not None
    return row.finalised_at < row.finalise_wanted_at


def ledger(place: Place, session: Session) -> list[tuple[int, int, str]]:
    with place.db.read() as db:
        rows = db.scalars(select(Outcome).where(Outcome.session_id == session.id).order_by(Outcome.from_ms))
        return [(r.from_ms, r.to_ms, r.outcome) for r in rows]


def test_a_piece_committed_after_a_finalisation_that_began_later_is_not_forgotten(place: Place) -> None:
    session = place.start()
    place.end(session, 5000)
    Finaliser(place.db, place.config).finalise(session.uuid)
    assert not wants_finalising(place, session)
    # Its time was taken long before; the commit had to wait for the lock.
    rows = PieceRows(place.db, 2**30)
    rows.insert([Placed(piece(session, 0, b"x"), 0)], 1)
    assert wants_finalising(place, session)


def test_a_piece_committed_during_finalisation_is_done_by_the_next(place: Place, three: Recorded) -> None:
    session = place.start()
    upload(place, session, three, 0)
    place.end(session, 5000)

    def and_a_late_piece(segments: Sequence[Segment], target: Path) -> Remuxed | None:
        place.pieces.store(piece(session, 9, b"late"))
        return remux(segments, target)

    with mock.patch("flask_proview.recordings.finalise.remux", and_a_late_piece):
        Finaliser(place.db, place.config).finalise(session.uuid)
    assert wants_finalising(place, session)
    Finaliser(place.db, place.config).finalise(session.uuid)
    assert not wants_finalising(place, session)


def test_a_deletion_between_write_and_sync_does_not_stop_the_store(place: Place) -> None:
    gone, other = place.start("gone"), place.start("other")
    real = RunFiles.sync

    def delete_first(files: RunFiles, uuids: set[str]) -> None:
        place.sessions.delete(gone.uuid)
        real(files, uuids)

    with mock.patch.object(RunFiles, "sync", delete_first), pytest.raises(PieceError) as caught:
        place.pieces.store(piece(gone, 0, b"x"))
    assert caught.value.code == "unknown_session"
    assert place.pieces.unhealthy is None
    assert place.pieces.store(piece(other, 0, b"x")) is Verdict.STORED


def test_bytes_written_while_their_session_was_deleted_do_not_stay(place: Place) -> None:
    session = place.start()
    real = RunFiles.append

    def delete_first(files: RunFiles, uuid: str, track: str, run: int, body: bytes) -> int:
        place.sessions.delete(uuid)
        return real(files, uuid, track, run, body)

    with mock.patch.object(RunFiles, "append", delete_first), pytest.raises(PieceError) as caught:
        place.pieces.store(piece(session, 0, b"private"))
    assert caught.value.code == "unknown_session"
    assert not place.layout.session_dir(session.uuid).exists()


def test_a_recording_of_a_session_deleted_meanwhile_does_not_stay(place: Place, three: Recorded) -> None:
    session = place.start()
    upload(place, session, three, 0)
    place.end(session, 5000)

    def delete_first(segments: Sequence[Segment], target: Path) -> Remuxed | None:
        done = remux(segments, target)
        with mock.patch.object(place.sessions._layout, "remove_session"):
            place.sessions.delete(session.uuid)
        return done

    with mock.patch("flask_proview.recordings.finalise.remux", delete_first):
        assert Finaliser(place.db, place.config).finalise(session.uuid) == []
    assert not place.layout.session_dir(session.uuid).exists()


def test_an_expired_session_is_not_as_long_as_a_browser_says(place: Place, three: Recorded) -> None:
    session = place.start()
    upload(place, session, three, 0, duration_ms=2**31 - 1)
    place.end(session, 4000, State.EXPIRED)
    Finaliser(place.db, place.config).finalise(session.uuid)
    row = place.sessions.get(session.uuid)
    assert row is not None
    assert row.ended_at is not None
    assert row.ended_at - row.started_at <= 3_600_000 + CLOCK_TOLERANCE_MS + 60_000


@pytest.mark.parametrize("at_ms", [2**52, 10**9])
def test_nothing_was_recorded_after_it_was_received(place: Place, three: Recorded, at_ms: int) -> None:
    session = place.start()
    upload(place, session, three, 1000)
    upload(place, session, three, at_ms)
    place.end(session, 3_600_000)
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    assert made.duration_ms <= 3_600_000 + CLOCK_TOLERANCE_MS + 60_000


@pytest.mark.parametrize("days", [-90, 90])
def test_a_browser_whose_clock_is_wrong_by_months_is_put_on_record(place: Place, three: Recorded, days: int) -> None:
    session = place.start()
    wrong = days * 86_400_000
    for seq, body in enumerate(three.pieces):
        place.pieces.store(piece(session, seq, body, start_ms=wrong + seq * 1000))
    place.end(session, 3_660_000)
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    (note,) = [note for note in made.notes if note["code"] == "clock_moved"]
    assert note["ms"] == pytest.approx(-wrong, abs=3_600_000 + 60_000)
    recorded = [(b - a) for a, b, outcome in ledger(place, session) if outcome == "recorded"]
    assert 2500 < sum(recorded) < 4500 and abs(made.duration_ms - 3000) < 1000


def test_pieces_cannot_claim_hours_that_their_packets_do_not_show(place: Place, three: Recorded) -> None:
    session = place.start()
    upload(place, session, three, 0, duration_ms=3_000_000)
    place.end(session, 3_600_000)
    Finaliser(place.db, place.config).finalise(session.uuid)
    assert sum(b - a for a, b, outcome in ledger(place, session) if outcome == "recorded") <= 15_000


def test_a_damaged_file_costs_only_its_run(place: Place, three: Recorded) -> None:
    session = place.start()
    upload(place, session, three, 0)
    upload(place, session, three, 5000)
    upload(place, session, three, 10_000)
    place.layout.run_file(session.uuid, "camera", 0).write_bytes(b"\x1a\x45")
    place.layout.run_file(session.uuid, "camera", 5000).unlink()
    place.end(session, 15_000)
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    codes = {(note.get("run"), note["code"]) for note in made.notes}
    assert {(0, "damaged"), (5000, "file_missing"), (0, "from_second_copy"), (5000, "from_second_copy")} <= codes
    assert not [run for run, _ in codes if run == 10_000]
    assert [row for row in ledger(place, session) if row[2] == "recorded"][-1][:2] == (10_000, 13_000)


def test_a_camera_that_never_sent_anything_is_one_long_gap(place: Place) -> None:
    session = place.start()
    place.end(session, 7000)
    Finaliser(place.db, place.config).finalise(session.uuid)
    assert ledger(place, session) == [(0, 7000, "gap")]


FULL = """
import resource, signal, sys
from pathlib import Path
from flask_proview.recordings.remux import remux
from flask_proview.recordings.sources import Segment
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
source, target = Path(sys.argv[1]), Path(sys.argv[2])
size = source.stat().st_size
for limit in (500, size // 2, size - 20):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        remux([Segment(source, "live", 0.0, 0.0, float("inf"))], target)
    except Exception:
        continue
    sys.exit(3)
"""


def test_a_recording_that_does_not_fit_the_disk_is_an_error_and_not_half_a_recording(
    tmp_path: Path, three: Recorded
) -> None:
    source, target = tmp_path / "a.webm", tmp_path / "camera.webm"
    source.write_bytes(three.whole)
    target.write_bytes(b"the one before")
    subprocess.run([sys.executable, "-c", FULL, str(source), str(target)], check=True, cwd=ROOT, timeout=120)
    assert target.read_bytes() == b"the one before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.webm", "camera.webm"]


def test_runs_and_pieces_of_a_session_are_bounded(place: Place) -> None:
    session, other = place.start("greedy"), place.start("other")
    with mock.patch.object(counts, "MAX_RUNS", 3), mock.patch.object(counts, "MAX_PIECES", 5):
        for run in (0, 1000, 2000):
            assert place.pieces.store(piece(session, 0, b"x", run=run)) is Verdict.STORED
        for late in (piece(session, 0, b"x", run=3000), piece(session, 0, b"x", run=4000)):
            with pytest.raises(PieceError) as caught:
                place.pieces.store(late)
            assert (caught.value.code, caught.value.retry) == ("session_quota", False)
        for seq in (1, 2):
            assert place.pieces.store(piece(session, seq, b"x", run=0)) is Verdict.STORED
        with pytest.raises(PieceError):
            place.pieces.store(piece(session, 3, b"x", run=0))
        assert place.pieces.store(piece(session, 2, b"x", run=0)) is Verdict.REPLAYED
        assert place.pieces.store(piece(other, 0, b"x")) is Verdict.STORED
        # Another worker reads what the first one counted.
        second = PieceStore(place.db, place.config)
        second.start()
        with pytest.raises(PieceError):
            second.store(piece(session, 3, b"x", run=0))
        second.stop()


def test_conflicts_kept_on_record_are_bounded(place: Place) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"true"))
    with mock.patch.object(piece_rows, "MAX_CONFLICTS", 3):
        for number in range(6):
            with pytest.raises(PieceError, match="Other bytes"):
                place.pieces.store(piece(session, 0, b"forged %d" % number))
    with place.db.read() as db:
        assert db.scalar(select(func.count()).select_from(Conflict)) == 3


def test_a_piece_twice_in_one_batch_takes_the_room_of_one(make_place: Callable[..., Place]) -> None:
    place = make_place(limits={"max_session_mb": 1})
    session = place.start()
    place.pieces.stop()
    waiting = [pieces._Waiting(piece(session, 0, b"x" * 600_000), lambda _: None) for _ in range(2)]
    place.pieces._commit(waiting)
    assert [w.verdict for w in waiting] == [Verdict.STORED, Verdict.REPLAYED]


def test_a_stop_that_cannot_wait_closes_no_file_under_a_commit(place: Place) -> None:
    session = place.start()
    inside, go_on = threading.Event(), threading.Event()
    real = RunFiles.sync
    answers: list[object] = []

    def slow(files: RunFiles, uuids: set[str]) -> None:
        inside.set()
        assert go_on.wait(60)
        real(files, uuids)

    with mock.patch.object(RunFiles, "sync", slow), mock.patch.object(pieces, "STOP_S", 0):
        place.pieces.submit(piece(session, 0, b"x"), answers.append)
        assert inside.wait(60)
        place.pieces.stop()
        assert place.pieces._files._open, "the commit goes on writing to them"
        place.pieces.start()
        go_on.set()
    assert place.pieces.store(piece(session, 1, b"y")) is Verdict.STORED
    assert answers == [Verdict.STORED]


def test_a_file_that_another_process_made_has_its_directory_synced_here_too(place: Place) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"x"))
    second = PieceStore(place.db, place.config)
    second.start()
    with mock.patch.object(run_files, "_sync_directory", wraps=run_files._sync_directory) as synced:
        second.store(piece(session, 1, b"y"))
        directory = place.layout.session_dir(session.uuid)
        assert {call.args[0] for call in synced.call_args_list} == {
            directory,
            directory.parent,
            directory.parent.parent,
        }
        synced.reset_mock()
        second.store(piece(session, 2, b"z"))
        assert synced.call_args_list == []
    second.stop()


def test_more_runs_than_open_files_are_written_right(place: Place) -> None:
    session = place.start()
    place.pieces.stop()
    with mock.patch.object(run_files, "OPEN_FILES", 2):
        for seq in range(2):
            waiting = [
                pieces._Waiting(piece(session, seq, b"%d-%d" % (run, seq), run=run * 1000), lambda _: None)
                for run in range(5)
            ]
            place.pieces._commit(waiting)
            assert {w.verdict for w in waiting} == {Verdict.STORED}
    for run in range(5):
        data = place.layout.run_file(session.uuid, "camera", run * 1000).read_bytes()
        assert data == b"%d-0%d-1" % (run, run)


GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, hashlib, sys, time
from pathlib import Path
from flask_proview.config import load_config
from flask_proview.recordings.pieces import IncomingPiece, PieceStore
from flask_proview.recordings.run_files import RunFiles
from flask_proview.sessions.database import Database
from flask_proview.sessions.store import SessionStore
url, recordings, uuid = sys.argv[1:4]
config = load_config({"secrets": {"keys": ["k" * 40]},
                      "storage": {"database": url, "recordings": recordings, "min_free_mb": 1}}, {})
db = Database(url)
session = SessionStore(db, config).get(uuid)
store = PieceStore(db, config)
store.start()
ticks, working = [], []
native = monkey.get_original("time", "sleep")
real = RunFiles.sync
def slow(files, uuids):
    working.append(True)
    native(0.3)
    real(files, uuids)
    working.pop()
RunFiles.sync = slow
def tick():
    while True:
        ticks.append(bool(working))
        gevent.sleep(0.005)
ticker = gevent.spawn(tick)
def send(seq):
    body = b"%d" % seq
    return store.store(IncomingPiece(session.id, uuid, "camera", 0, seq, hashlib.sha256(body).hexdigest(), seq, 1, "", False, body))
jobs = [gevent.spawn(send, seq) for seq in range(50)]
gevent.joinall(jobs, raise_error=True)
assert [job.value for job in jobs] == ["stored"] * 50
assert sum(ticks) >= 5, "the event loop stood still while the disk worked"
ticker.kill()
store.stop()
db.dispose()
print("done")
"""


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def test_under_gevent_the_event_loop_goes_on_while_pieces_are_stored(
    make_place: Callable[..., Place], request: pytest.FixtureRequest, database: str
) -> None:
    storage = {"database": request.getfixturevalue("postgres_url")} if database == "postgresql" else {}
    place = make_place(storage=storage)
    session = place.start()
    arguments = [place.config.storage.database, place.config.storage.recordings, session.uuid]
    done = subprocess.run(
        [sys.executable, "-c", GEVENT, *arguments], cwd=ROOT, timeout=120, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_a_late_piece_of_a_deleted_session_does_not_end_up_in_the_next_one(place: Place) -> None:
    """A socket may still hold the old session."""
    old = place.start("old")
    place.pieces.store(piece(old, 0, b"of the old one"))
    place.sessions.delete(old.uuid)
    new = place.start("new")
    assert new.id != old.id, "SQLite would give it again, if it were let"
    with pytest.raises(PieceError) as refused:
        place.pieces.store(piece(old, 1, b"late"))
    assert refused.value.code == "unknown_session"
    with pytest.raises(PieceError):
        place.pieces.store(piece(old, 0, b"of the old one"))
    assert place.pieces.store(piece(new, 0, b"of the new one")) is Verdict.STORED
    assert not place.layout.session_dir(old.uuid).exists()
