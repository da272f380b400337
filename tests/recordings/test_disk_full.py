"""A disk that is really full: nothing is acknowledged that is not there, and work goes on when there is room again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.pieces import PieceError, Verdict
from flask_proview.sessions.models import Piece, Recording, Session
from tests.webm_factory import record

from .conftest import Place, piece

ROOT = Path(__file__).resolve().parents[2]
DISK_KIB = 4096
MakePlace = Callable[..., Place]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "tmpfs", directory], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    yield directory
    # Lazily: a file that a failed test left open must not keep the directory.
    subprocess.run(["umount", "-l", directory], check=True)


def fill(place: Place, session: Session) -> tuple[set[int], PieceError]:
    """Pieces until one is refused: the numbers that were acknowledged, and the refusal."""
    acknowledged: set[int] = set()
    for seq in range(1000):
        try:
            assert place.pieces.store(piece(session, seq, seq.to_bytes(4, "big") * 20_000)) is Verdict.STORED
        except PieceError as error:
            return acknowledged, error
        acknowledged.add(seq)
    raise AssertionError("the disk was never full")


def fill_up(ballast: Path) -> None:
    with open(ballast, "wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))


def kept(place: Place, session: Session) -> set[int]:
    """The numbers whose bytes are on disk as their rows say."""
    with place.db.read() as db:
        rows = db.scalars(select(Piece).where(Piece.session_id == session.id)).all()
    for row in rows:
        data = place.layout.run_file(session.uuid, row.track, row.run).read_bytes()
        assert hashlib.sha256(data[row.offset : row.offset + row.length]).hexdigest() == row.sha256
    return {row.seq for row in rows}


@pytest.mark.system
def test_a_full_recordings_disk_refuses_and_goes_on_when_there_is_room(small_disk: Path, make_place: MakePlace) -> None:
    place = make_place(storage={"recordings": str(small_disk), "min_free_mb": 0})
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    session = place.start()
    acknowledged, error = fill(place, session)
    assert (error.code, error.status, error.retry) == ("storage_full", 507, True)
    assert acknowledged and kept(place, session) == acknowledged
    assert place.pieces.unhealthy is None, "full is not broken"

    ballast.unlink()
    again = len(acknowledged)
    assert place.pieces.store(piece(session, again, again.to_bytes(4, "big") * 20_000)) is Verdict.STORED
    assert kept(place, session) == acknowledged | {again}


@pytest.mark.system
def test_a_full_database_disk_refuses_and_goes_on_when_there_is_room(small_disk: Path, make_place: MakePlace) -> None:
    place = make_place(storage={"database": f"sqlite:///{small_disk}/proview.db"})
    session = place.start()
    assert place.pieces.store(piece(session, 0, b"before")) is Verdict.STORED
    ballast = small_disk / "ballast"
    fill_up(ballast)
    with pytest.raises(PieceError) as refused:
        for number in range(1, 200):
            seq = number
            place.pieces.store(piece(session, seq, b"while it is full"))
    assert (refused.value.code, refused.value.status, refused.value.retry) == ("storage_full", 507, True)
    assert place.pieces.database_is_full
    file = place.layout.run_file(session.uuid, "camera", 0)
    size = file.stat().st_size
    for _ in range(20):
        with pytest.raises(PieceError):
            place.pieces.store(piece(session, seq, b"while it is full"))
    assert file.stat().st_size == size, "what is sent again and again is written once"

    ballast.unlink()
    assert place.pieces.store(piece(session, seq, b"while it is full")) is Verdict.STORED
    assert file.stat().st_size == size
    assert not place.pieces.database_is_full
    assert place.pieces.store(piece(session, 500, b"after")) is Verdict.STORED
    assert {0, seq, 500} <= kept(place, session)


@pytest.mark.system
@pytest.mark.media
def test_a_recording_that_does_not_fit_leaves_the_earlier_one_and_no_rubbish(
    small_disk: Path, make_place: MakePlace
) -> None:
    place = make_place(storage={"recordings": str(small_disk), "min_free_mb": 0})
    session = place.start()
    for seq, body in enumerate(record(2).pieces):
        place.pieces.store(piece(session, seq, body))
    place.end(session, 2000)
    [earlier] = Finaliser(place.db, place.config).finalise(session.uuid)
    file = place.layout.recording_file(session.uuid, "camera")
    before = file.read_bytes()
    fill_up(small_disk / "ballast")

    with pytest.raises(Exception, match="No space|write"):
        Finaliser(place.db, place.config).finalise(session.uuid)
    assert file.read_bytes() == before
    assert not [path.name for path in file.parent.iterdir() if path.suffix == ".part"]
    with place.db.read() as db:
        assert db.scalars(select(Recording.sha256)).all() == [earlier.sha256]

    (small_disk / "ballast").unlink()
    assert len(Finaliser(place.db, place.config).finalise(session.uuid)) == 1


LIMITED = """
import hashlib, resource, sys
from flask_proview.config import load_config
from flask_proview.recordings.pieces import IncomingPiece, PieceError, PieceStore
from flask_proview.sessions.database import Database
directory, session_id, uuid = sys.argv[1], int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
config = load_config({"secrets": {"keys": ["k" * 40]}, "storage": {
    "database": f"sqlite:///{directory}/proview.db", "recordings": f"{directory}/recordings", "min_free_mb": 0}}, {})
store = PieceStore(Database(config.storage.database), config)
store.start()
for run in (0, 1):
    for seq in range(20):
        body = seq.to_bytes(4, "big") * 100_000
        try:
            store.store(IncomingPiece(session_id, uuid, "camera", run, seq, hashlib.sha256(body).hexdigest(), seq, 1, "", False, body))
        except PieceError as error:
            print(run, seq, error.code, error.retry)
            break
        print(run, seq, "stored", None)
store.stop()
"""


def test_a_file_that_may_not_grow_is_like_a_full_disk_for_its_run_alone(place: Place, tmp_path: Path) -> None:
    """The write that crosses the limit is cut short, so a part of the piece is in the file: it gets no row."""
    session = place.start()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path, str(session.id), session.uuid],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    answers = [line.split() for line in done.stdout.splitlines()]
    expected = [[str(run), str(seq), "stored", "None"] for run in (0,) for seq in range(7)]
    assert answers[:8] == [*expected, ["0", "7", "storage_full", "True"]]
    assert answers[8][:3] == ["1", "0", "stored"], "another run has its own file"
    with place.db.read() as db:
        rows = db.scalars(select(Piece).where(Piece.session_id == session.id, Piece.run == 0)).all()
    data = place.layout.run_file(session.uuid, "camera", 0).read_bytes()
    assert len(data) == 3_000_000 > sum(row.length for row in rows)
    assert all(hashlib.sha256(data[r.offset : r.offset + r.length]).hexdigest() == r.sha256 for r in rows)
    # Without the limit the piece that was cut is taken, behind the part of it that nobody reads.
    body = (7).to_bytes(4, "big") * 100_000
    assert place.pieces.store(piece(session, 7, body)) is Verdict.STORED
