"""The process dies at a named step of storing a piece, and again at the next one: whatever was said is true afterwards, and nothing is doubled."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import time_machine
from sqlalchemy import select, text

from flask_proview.jobs import Jobs
from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.pieces import PieceError, PieceStore, Verdict
from flask_proview.recordings.recovery import Recovery
from flask_proview.sessions import database
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Piece, Session

from .conftest import Place, piece

pytestmark = pytest.mark.system  # a process for each step

ROOT = Path(__file__).resolve().parents[2]
PIECES, SIZE = 6, 3000
STEPS = (
    "before_write", "half_written", "written", "head_written", "before_sync", "synced", "directory_synced", "before_commit",
    "committed", "before_answer",
)  # fmt: skip

# PROVIEW_FAIL_AT=step:n ends the process, without any clean-up, when the step is reached for the n-th time.
WRITER = """
import hashlib, os, sys
from sqlalchemy import event
from flask_proview.config import load_config
from flask_proview.recordings import run_files
from flask_proview.recordings.pieces import IncomingPiece, PieceStore
from flask_proview.recordings.piece_rows import PieceRows
from flask_proview.sessions.database import Database

step, _, count = os.environ["PROVIEW_FAIL_AT"].partition(":")
left = int(count)

def reached(name):
    global left
    if name == step:
        left -= 1
        if left == 0:
            os._exit(9)

def around(owner, name, before, after):
    real = getattr(owner, name)
    def wrapped(*arguments, **options):
        reached(before)
        result = real(*arguments, **options)
        reached(after)
        return result
    setattr(owner, name, wrapped)

class Os:
    def __getattr__(self, name):
        return getattr(os, name)
    def write(self, handle, data):
        reached("before_write")
        if step == "half_written" and left == 1:
            os.write(handle, data[: len(data) // 2])
        reached("half_written")
        return os.write(handle, data)
    def fdatasync(self, handle):
        reached("before_sync")
        os.fdatasync(handle)
        reached("synced")

run_files.os = Os()
around(run_files.RunFiles, "append", "", "written")
around(run_files.RunFiles, "append_head", "", "head_written")
around(run_files, "_sync_directory", "", "directory_synced")
around(PieceRows, "insert", "", "before_answer")
directory, session_id, uuid, pieces, size = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
config = load_config({"secrets": {"keys": ["k" * 40]}, "storage": {
    "database": f"sqlite:///{directory}/proview.db", "recordings": f"{directory}/recordings", "min_free_mb": 1}}, {})
store = PieceStore(Database(config.storage.database), config)
event.listen(store._db.engine, "commit", lambda connection: reached("before_commit"))
event.listen(store._db.engine, "checkin", lambda connection, record: reached("committed"))
store.start()
for seq in range(pieces):
    body = seq.to_bytes(4, "big") * (size // 4)
    print(seq, store.store(IncomingPiece(
        session_id, uuid, "camera", 0, seq, hashlib.sha256(body).hexdigest(), seq * 1000, 1000, "", seq == pieces - 1, body)), flush=True)
store.stop()
"""


def body_of(seq: int) -> bytes:
    return seq.to_bytes(4, "big") * (SIZE // 4)


def write_until(place: Place, session: Session, folder: Path, fail_at: str) -> tuple[dict[int, str], int]:
    """What was said of each piece before the end, and how it ended."""
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(folder), str(session.id), session.uuid, str(PIECES), str(SIZE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PROVIEW_FAIL_AT": fail_at},
    )
    assert done.returncode in (0, 9), done.stderr
    return {int(line.split()[0]): line.split()[1] for line in done.stdout.splitlines()}, done.returncode


def check(place: Place, session: Session, acknowledged: set[int]) -> set[int]:
    with place.db.read() as db:
        rows = db.scalars(select(Piece).where(Piece.session_id == session.id).order_by(Piece.offset)).all()
    path = place.layout.run_file(session.uuid, "camera", 0)
    data = path.read_bytes() if path.exists() else b""
    end = 0
    for row in rows:
        assert row.offset >= end, "two pieces share bytes"
        end = row.offset + row.length
        assert data[row.offset : end] == body_of(row.seq)
    assert acknowledged <= {row.seq for row in rows}
    assert len(data) == end, "recovery has cut what nobody was told of"
    return {row.seq for row in rows}


@pytest.mark.parametrize("step", STEPS)
def test_an_end_at_any_step_loses_nothing_that_was_acknowledged(place: Place, tmp_path: Path, step: str) -> None:
    place.pieces.stop()
    session = place.start()
    said: dict[int, str] = {}
    ends = 0
    for nth in ("1", "3"):
        answers, code = write_until(place, session, tmp_path, f"{step}:{nth}")
        ends += code == 9
        said.update(answers)
        Recovery(place.db, place.config).recover()
        check(place, session, set(said))
        assert not Recovery(place.db, place.config).recover().changed
    assert ends, f"{step} was never reached"
    answers, code = write_until(place, session, tmp_path, "never:1")
    assert code == 0
    assert set(answers) == set(range(PIECES))
    assert all(answers[seq] == "replayed" for seq in said), "known, not stored a second time"
    assert check(place, session, set(answers)) == set(range(PIECES))


@pytest.mark.system
def test_a_sync_that_fails_in_the_kernel_ends_all_acknowledgements(place: Place, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    place.pieces.stop()
    session = place.start()
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=20+",
         sys.executable, "-c", WRITER, str(tmp_path), str(session.id), session.uuid, "200", str(SIZE)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), "PROVIEW_FAIL_AT": "never:1"},
    )  # fmt: skip
    if "PTRACE" in done.stderr:
        pytest.skip("processes cannot be traced here")
    said = {int(line.split()[0]) for line in done.stdout.splitlines()}
    assert 0 < len(said) < 200
    assert "PieceError" in done.stderr, "the piece after it was refused"
    with place.db.read() as db:
        stored = set(db.scalars(select(Piece.seq).where(Piece.session_id == session.id)))
    assert said == stored, "nothing was acknowledged that is not there, nothing is there by chance"


def test_a_database_that_is_locked_refuses_for_now_and_goes_on(make_place: Callable[..., Place]) -> None:
    with mock.patch.object(database, "BUSY_TIMEOUT_MS", 200):
        place = make_place()
        session = place.start()
        store = PieceStore(place.db, place.config)
        store.start()
        assert store.store(piece(session, 0, b"before")) is Verdict.STORED
    blocker = Database(place.config.storage.database)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with blocker.write() as db:
            db.execute(text("UPDATE sessions SET title = 'held'"))
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    with pytest.raises(PieceError) as refused:
        store.store(piece(session, 1, b"while"))
    assert (refused.value.code, refused.value.retry) == ("busy", True)
    assert store.unhealthy is None
    release.set()
    thread.join()
    assert store.store(piece(session, 1, b"while")) is Verdict.STORED
    store.stop()
    blocker.dispose()


@pytest.mark.parametrize("hours", [-24, -1, 1])
def test_a_clock_that_jumps_an_hour_keeps_pieces_and_late_ones_still_remake_the_recording(
    place: Place, hours: int
) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"x"))
    place.end(session, 5000)
    Finaliser(place.db, place.config).finalise(session.uuid)
    with time_machine.travel(time.time() + hours * 3600, tick=True):
        assert place.pieces.store(piece(session, 1, b"late")) is Verdict.STORED
        assert place.pieces.store(piece(session, 1, b"late")) is Verdict.REPLAYED
        row = place.sessions.get(session.uuid)
        assert row is not None and row.finalise_wanted_at is not None and row.finalised_at is not None
        assert row.finalise_wanted_at > row.finalised_at
        Jobs(place.config, immediate=True).finalise_soon(session.uuid)
        row = place.sessions.get(session.uuid)
        assert row is not None and row.finalise_wanted_at is not None and row.finalised_at is not None
        assert row.finalised_at >= row.finalise_wanted_at


@pytest.mark.system
def test_connections_that_postgresql_cuts_cost_a_retry_and_nothing_else(
    make_place: Callable[..., Place], postgres_url: str
) -> None:
    place = make_place(storage={"database": postgres_url})
    session = place.start()
    acknowledged: set[int] = set()
    cutter = Database(postgres_url)
    for seq in range(40):
        if seq % 5 == 3:
            with cutter.write() as db:
                db.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"))  # fmt: skip
        for _ in range(5):
            try:
                place.pieces.store(piece(session, seq, b"%d" % seq))
            except PieceError as error:
                assert error.retry, error.code
            else:
                acknowledged.add(seq)
                break
    assert acknowledged == set(range(40))
    with place.db.read() as db:
        rows = db.scalars(select(Piece).where(Piece.session_id == session.id)).all()
    data = place.layout.run_file(session.uuid, "camera", 0).read_bytes()
    assert sorted(row.seq for row in rows) == list(range(40))
    for row in rows:
        assert hashlib.sha256(data[row.offset : row.offset + row.length]).hexdigest() == row.sha256
    cutter.dispose()
