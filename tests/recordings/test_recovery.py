from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.pieces import Verdict
from flask_proview.recordings.recovery import MAX_TAIL_BYTES, Recovered, Recovery
from flask_proview.sessions.models import Damage, Session

from .conftest import Place, piece

FOREIGN = "11111111-2222-4333-8444-555555555555"


def recover(place: Place) -> Recovered:
    return Recovery(place.db, place.config).recover()


def with_pieces(place: Place, count: int = 3) -> tuple[Session, Path]:
    """A session whose process is gone: nobody holds its files."""
    session = place.start()
    for seq in range(count):
        place.pieces.store(piece(session, seq, b"%d" % seq * 100))
    place.pieces.stop()
    return session, place.layout.run_file(session.uuid, "camera", 0)


def append(path: Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


def damages(place: Place) -> list[tuple[int, int, str]]:
    with place.db.read() as db:
        return [(d.run, d.seq, d.what) for d in db.query(Damage).order_by(Damage.run, Damage.seq)]


def test_a_torn_tail_is_cut_and_the_second_look_finds_nothing(place: Place) -> None:
    session, path = with_pieces(place)
    append(path, b"half of a piece")
    done = recover(place)
    assert list(done.cut.values()) == [15]
    assert path.stat().st_size == 300
    again = recover(place)
    assert (again.changed, again.files) == (False, 1)
    place.pieces.start()
    assert place.pieces.store(piece(session, 3, b"3" * 100)) is Verdict.STORED
    assert path.read_bytes() == b"0" * 100 + b"1" * 100 + b"2" * 100 + b"3" * 100


def test_a_file_without_any_row_is_emptied(place: Place) -> None:
    session, path = with_pieces(place)
    other = path.with_name("screen-77.pieces")
    other.write_bytes(b"never acknowledged")
    done = recover(place)
    assert list(done.cut) == [f"{session.uuid[:2]}/{session.uuid}/screen-77.pieces"]
    assert other.stat().st_size == 0


def test_files_that_are_being_written_are_left_alone(place: Place) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"x" * 100))
    path = place.layout.run_file(session.uuid, "camera", 0)
    append(path, b"of the batch on its way")
    done = recover(place)
    assert (done.in_use, done.cut) == (1, {})
    assert path.stat().st_size == 123


def test_pieces_whose_bytes_are_gone_are_marked_and_the_recording_is_wanted_again(place: Place) -> None:
    session, path = with_pieces(place)
    place.end(session, 5000)
    with place.db.write() as db:
        row = db.get_one(Session, session.id)
        row.finalised_at = row.finalise_wanted_at
    os.truncate(path, 150)
    done = recover(place)
    assert list(done.short.values()) == [2]
    assert damages(place) == [(0, 1, "short"), (0, 2, "short")]
    with place.db.read() as db:
        row = db.get_one(Session, session.id)
        assert row.finalise_wanted_at is not None and row.finalised_at is not None
        assert row.finalise_wanted_at > row.finalised_at
    assert not recover(place).changed, "it is known now"
    path.unlink()
    recover(place)
    assert damages(place)[0] == (0, 0, "missing")


def test_more_than_a_crash_can_leave_is_not_touched(place: Place) -> None:
    """A database that was restored from a backup knows less than the files."""
    session, path = with_pieces(place)
    os.truncate(path, 300 + MAX_TAIL_BYTES + 1)
    directory = place.layout.session_dir(FOREIGN)
    directory.mkdir(parents=True)
    (directory / "camera-0.pieces").write_bytes(b"evidence")
    done = recover(place)
    assert done.unexplained == [f"{session.uuid[:2]}/{session.uuid}/camera-0.pieces"]
    assert done.strangers == [f"{FOREIGN[:2]}/{FOREIGN}"]
    assert path.stat().st_size == 300 + MAX_TAIL_BYTES + 1
    assert (directory / "camera-0.pieces").read_bytes() == b"evidence"
    assert any("restored from a backup" in line for line in done.lines())


def test_what_an_interrupted_finalise_left_is_removed(place: Place) -> None:
    _, path = with_pieces(place)
    part = path.with_name("camera.part")
    part.write_bytes(b"half a recording")
    assert len(recover(place).leftovers) == 1
    assert not part.exists()


def test_a_link_in_place_of_a_file_is_not_followed(place: Place, tmp_path: Path) -> None:
    _, path = with_pieces(place)
    target = tmp_path / "target"
    target.write_bytes(b"of somebody else")
    path.with_name("camera-5.pieces").symlink_to(target)
    recover(place)
    assert target.read_bytes() == b"of somebody else"


@pytest.mark.parametrize("grace", [1, 10_080])
def test_only_sessions_that_may_have_been_written_to_are_looked_at_unless_asked(place: Place, grace: int) -> None:
    session, path = with_pieces(place)
    place.end(session, 3_600_000 - 120_000)
    append(path, b"tail")
    config = replace(place.config, limits=replace(place.config.limits, drain_grace_minutes=grace))
    assert bool(Recovery(place.db, config).recover().cut) is (grace > 1)
    Recovery(place.db, config).recover(everything=True)
    assert path.stat().st_size == 300


def test_recordings_are_made_from_what_recovery_left(place: Place) -> None:
    session, path = with_pieces(place)
    append(path, b"tail")
    recover(place)
    place.end(session, 5000)
    assert Finaliser(place.db, place.config).finalise(session.uuid) == []
