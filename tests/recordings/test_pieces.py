from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import select

from flask_proview.recordings import run_files
from flask_proview.recordings.coverage import coverage
from flask_proview.recordings.pieces import PieceError, PieceStore, Verdict
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Conflict, Piece, Run, Session

from .conftest import Place, piece

ROOT = Path(__file__).resolve().parents[2]


def stored(place: Place, session: Session) -> dict[int, bytes]:
    """seq → bytes as the rows and the file say."""
    with place.db.read() as db:
        rows = db.scalars(select(Piece).where(Piece.session_id == session.id)).all()
    result = {}
    for row in rows:
        data = place.layout.run_file(session.uuid, row.track, row.run).read_bytes()[
            row.offset : row.offset + row.length
        ]
        assert hashlib.sha256(data).hexdigest() == row.sha256
        result[row.seq] = data
    return result


def test_a_stored_piece_is_on_disk_and_in_the_rows(place: Place) -> None:
    session = place.start()
    assert place.pieces.store(piece(session, 0, b"header", run=500)) is Verdict.STORED
    assert place.pieces.store(piece(session, 1, b"more", run=500, last=True)) is Verdict.STORED
    assert stored(place, session) == {0: b"header", 1: b"more"}
    with place.db.read() as db:
        run = db.scalars(select(Run)).one()
        row = db.scalars(select(Session)).one()
    assert (run.start_ms, run.last_seq, run.mime) == (500, 1, 'video/webm;codecs="vp8,opus"')
    assert row.bytes_stored == 10


def test_the_same_piece_again_is_fine_and_stored_once(place: Place) -> None:
    session = place.start()
    assert place.pieces.store(piece(session, 0, b"header")) is Verdict.STORED
    assert place.pieces.store(piece(session, 0, b"header")) is Verdict.REPLAYED
    assert stored(place, session) == {0: b"header"}


def test_other_bytes_for_a_stored_piece_are_refused_and_kept_on_record(place: Place) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"header"))
    with pytest.raises(PieceError) as caught:
        place.pieces.store(piece(session, 0, b"forged"))
    assert (caught.value.code, caught.value.status, caught.value.retry) == ("piece_conflict", 409, False)
    assert stored(place, session) == {0: b"header"}
    with place.db.read() as db:
        conflict = db.scalars(select(Conflict)).one()
    assert conflict.sha256 == hashlib.sha256(b"forged").hexdigest()


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"seq": -1}, "piece_invalid", 400),
        ({"seq": 2**63}, "piece_invalid", 400),
        ({"run": -1, "start_ms": 0}, "piece_invalid", 400),
        ({"run": 2**53, "start_ms": 0}, "piece_invalid", 400),
        ({"track": "../../etc"}, "piece_invalid", 400),
        ({"track": "microphone"}, "piece_invalid", 400),
        ({"body": b""}, "piece_invalid", 400),
        ({"duration_ms": -1}, "piece_invalid", 400),
        ({"sha256": "0" * 64}, "digest_mismatch", 400),
        ({"body": b"x" * (2**20 + 1)}, "piece_too_large", 413),
    ],
)
def test_malformed_pieces_are_refused_and_leave_nothing(
    make_place: Callable[..., Place], change: dict[str, object], code: str, status: int
) -> None:
    place = make_place(limits={"max_piece_mb": 1})
    session = place.start()
    arguments: dict[str, object] = {"seq": 0, "body": b"x", **change}
    with pytest.raises(PieceError) as caught:
        place.pieces.store(piece(session, **arguments))  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.status) == (code, status)
    assert stored(place, session) == {}


def test_a_piece_of_a_deleted_session_is_refused(place: Place) -> None:
    session = place.start()
    place.sessions.delete(session.uuid)
    with pytest.raises(PieceError) as caught:
        place.pieces.store(piece(session, 0, b"x"))
    assert caught.value.code == "unknown_session"


def test_the_session_quota_holds_and_other_sessions_go_on(make_place: Callable[..., Place]) -> None:
    place = make_place(limits={"max_session_mb": 1})
    greedy, other = place.start("greedy"), place.start("other")
    half = b"x" * (600 * 1024)
    assert place.pieces.store(piece(greedy, 0, half)) is Verdict.STORED
    with pytest.raises(PieceError) as caught:
        place.pieces.store(piece(greedy, 1, half))
    assert (caught.value.code, caught.value.status) == ("session_quota", 413)
    assert place.pieces.store(piece(greedy, 0, half)) is Verdict.REPLAYED
    assert place.pieces.store(piece(other, 0, half)) is Verdict.STORED


def test_below_the_free_space_mark_pieces_wait_and_are_taken_when_there_is_room(place: Place) -> None:
    session = place.start()
    full = os.statvfs_result((4096, 4096, 100, 0, 0, 0, 0, 0, 0, 255))
    with mock.patch.object(run_files, "FREE_CHECK_S", 0.0):
        with mock.patch("flask_proview.recordings.run_files.os.statvfs", return_value=full):
            with pytest.raises(PieceError) as caught:
                place.pieces.store(piece(session, 0, b"x"))
            assert (caught.value.code, caught.value.status, caught.value.retry) == ("storage_full", 507, True)
        assert place.pieces.store(piece(session, 0, b"x")) is Verdict.STORED


def test_a_short_write_is_not_acknowledged_and_is_never_read(place: Place) -> None:
    session = place.start()
    real = os.write
    with mock.patch("flask_proview.recordings.run_files.os.write", lambda fd, data: real(fd, data[: len(data) // 2])):
        with pytest.raises(PieceError) as caught:
            place.pieces.store(piece(session, 0, b"abcdef"))
        assert caught.value.retry
    assert place.pieces.store(piece(session, 0, b"abcdef")) is Verdict.STORED
    assert stored(place, session) == {0: b"abcdef"}


def test_after_a_failed_sync_nothing_is_acknowledged_any_more(place: Place) -> None:
    session = place.start()
    failing = mock.patch(
        "flask_proview.recordings.run_files.os.fdatasync", side_effect=OSError(5, "Input/output error")
    )
    with failing, pytest.raises(PieceError):
        place.pieces.store(piece(session, 0, b"x"))
    assert place.pieces.unhealthy
    with pytest.raises(PieceError) as caught:
        place.pieces.store(piece(session, 1, b"y"))
    assert (caught.value.code, caught.value.retry) == ("storage_full", True)
    assert stored(place, session) == {}


def test_a_sync_that_could_not_be_tried_is_tried_again_and_is_no_failed_one(place: Place) -> None:
    """No file descriptor was left for the new directory: nothing is acknowledged before it is synced after all."""
    session = place.start()
    real = run_files._sync_directory
    untried = mock.patch.object(run_files, "_sync_directory", side_effect=OSError(errno.EMFILE, "Too many open files"))
    with untried, pytest.raises(PieceError) as refused:
        place.pieces.store(piece(session, 0, b"first"))
    assert (refused.value.code, refused.value.retry) == ("busy", True)
    assert place.pieces.unhealthy is None
    with mock.patch.object(run_files, "_sync_directory", side_effect=real) as synced:
        assert place.pieces.store(piece(session, 0, b"first")) is Verdict.STORED
    assert place.layout.session_dir(session.uuid) in {call.args[0] for call in synced.call_args_list}


def test_concurrent_writers_of_one_piece_have_one_winner(place: Place) -> None:
    session = place.start()
    second = PieceStore(place.db, place.config)  # as another worker process would be
    second.start()
    answers: list[str] = []
    lock = threading.Lock()

    def send(store: PieceStore, seq: int, body: bytes) -> None:
        try:
            answer = store.store(piece(session, seq, body)).value
        except PieceError as error:
            answer = error.code
        with lock:
            answers.append(answer)

    rounds = 40
    for seq in range(rounds):
        threads = [
            threading.Thread(target=send, args=(store, seq, body))
            for store, body in ((place.pieces, b"one"), (second, b"two"), (second, b"one"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    second.stop()
    assert answers.count("stored") == rounds
    assert set(answers) <= {"stored", "replayed", "piece_conflict"}
    assert len(stored(place, session)) == rounds


def test_a_stopped_store_says_busy_and_starts_again(place: Place) -> None:
    session = place.start()
    place.pieces.stop()
    place.pieces.stop()
    with pytest.raises(PieceError) as caught:
        place.pieces.store(piece(session, 0, b"x"))
    assert (caught.value.code, caught.value.retry) == ("busy", True)
    place.pieces.start()
    assert place.pieces.store(piece(session, 0, b"x")) is Verdict.STORED


def test_a_full_queue_says_busy_instead_of_growing(place: Place) -> None:
    session = place.start()
    held = threading.Event()
    answers: list[object] = []
    waiting = mock.patch.object(place.pieces, "_commit", side_effect=lambda batch: held.wait(10))
    with waiting, mock.patch("flask_proview.recordings.pieces.QUEUE_PIECES", 5):
        for seq in range(20):
            place.pieces.submit(piece(session, seq, b"x"), answers.append)
        refused = [a for a in answers if isinstance(a, PieceError)]
        held.set()
    assert len(refused) >= 10
    assert all(e.code == "busy" and e.retry for e in refused)


def test_a_link_planted_at_a_runs_file_is_not_followed(place: Place, tmp_path: Path) -> None:
    session = place.start()
    target = tmp_path / "target"
    target.write_bytes(b"")
    file = place.layout.run_file(session.uuid, "camera", 0)
    file.parent.mkdir(parents=True)
    file.symlink_to(target)
    with pytest.raises(PieceError):
        place.pieces.store(piece(session, 0, b"x"))
    assert target.read_bytes() == b""


def test_late_pieces_of_an_ended_session_want_the_recording_made_again(place: Place) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"x"))
    place.end(session, 5000)
    with place.db.write() as db:
        row = db.get(Session, session.id)
        assert row is not None
        row.finalised_at, row.finalise_wanted_at = 2, 1
    place.pieces.store(piece(session, 1, b"y"))
    with place.db.read() as db:
        row = db.scalars(select(Session)).one()
    assert row.finalise_wanted_at is not None
    assert row.finalised_at is not None
    assert row.finalise_wanted_at > row.finalised_at


def test_coverage_names_ranges_holes_and_intervals(place: Place) -> None:
    session = place.start()
    for seq in (0, 1, 2, 5):
        place.pieces.store(piece(session, seq, b"x", run=100, last=seq == 5))
    place.pieces.store(piece(session, 0, b"x", run=9000))
    body = coverage(place.db, session.id, "camera")
    first, second = body["runs"]
    assert (first["run"], first["pieces"], first["missing"], first["complete"]) == (
        100,
        [[0, 2], [5, 5]],
        [[3, 4]],
        False,
    )
    assert first["intervals"] == [[100, 3100], [5100, 6100]]
    assert (second["pieces"], second["missing"], second["complete"]) == ([[0, 0]], [], False)


WRITER = """
import hashlib, sys
from flask_proview.config import load_config
from flask_proview.recordings.pieces import IncomingPiece, PieceStore
from flask_proview.sessions.database import Database
directory, session_id, uuid, run = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
config = load_config({"secrets": {"keys": ["k" * 40]}, "storage": {
    "database": f"sqlite:///{directory}/proview.db", "recordings": f"{directory}/recordings", "min_free_mb": 1}}, {})
store = PieceStore(Database(config.storage.database), config)
store.start()
for seq in range(10_000):
    body = (b"%d-%d-" % (run, seq)) * 500
    store.submit(IncomingPiece(session_id, uuid, "camera", run, seq, hashlib.sha256(body).hexdigest(), seq, 1, "", False, body),
                 lambda answer, seq=seq: print(seq if not isinstance(answer, Exception) else -1, flush=True))
    if seq % 20 == 19:
        import time; time.sleep(0.002)
"""


@pytest.mark.system
def test_sigkill_at_any_moment_loses_no_acknowledged_piece(place: Place, tmp_path: Path) -> None:
    session = place.start()
    acknowledged: dict[int, set[int]] = {}
    for run in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(session.id), session.uuid, str(run)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        seen = set()
        # Another moment of the batch in every round: after the 1st, 14th, 27th … acknowledgement.
        for line in process.stdout:
            seen.add(int(line))
            if len(seen) > run * 13:
                break
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.stdout.close()
        process.wait()
        seen |= {int(line) for line in rest.splitlines(keepends=True) if line.endswith(b"\n")}
        acknowledged[run] = seen - {-1}
    database = Database(place.config.storage.database)
    with database.read() as db:
        rows = {(r.run, r.seq): r for r in db.scalars(select(Piece).where(Piece.session_id == session.id))}
    database.dispose()
    total = 0
    for run, seqs in acknowledged.items():
        data = place.layout.run_file(session.uuid, "camera", run).read_bytes()
        for seq in seqs:
            row = rows[run, seq]
            assert data[row.offset : row.offset + row.length] == (b"%d-%d-" % (run, seq)) * 500
            total += 1
    for (run, _), row in rows.items():
        data = place.layout.run_file(session.uuid, "camera", run).read_bytes()
        assert hashlib.sha256(data[row.offset : row.offset + row.length]).hexdigest() == row.sha256, (
            "no row without its bytes"
        )
    assert total > 500


def test_a_stored_piece_is_a_sign_of_life(place: Place) -> None:
    session = place.start()
    with place.db.write() as db:
        row = db.get(Session, session.id)
        assert row is not None
        row.last_seen_at -= 50_000
    place.pieces.store(piece(session, 0, b"x"))
    alive = place.sessions.get(session.uuid)
    assert alive is not None
    assert alive.last_seen_at >= session.last_seen_at
    place.end(session, 5000)
    ended = place.sessions.get(session.uuid)
    place.pieces.store(piece(session, 1, b"y"))
    late = place.sessions.get(session.uuid)
    assert ended is not None
    assert late is not None
    assert late.last_seen_at == ended.last_seen_at
