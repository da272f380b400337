"""What the jobs process looks after: late second sources; a run in another codec is a gap that says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_proview.jobs import Jobs
from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.upkeep import look_for_newer_live_files
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Outcome, Session
from tests.webm_factory import Recorded, record

from .conftest import Place, piece

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def four() -> Recorded:
    return record(4)


def ended_now(place: Place, length_ms: int = 8000) -> Session:
    session = place.start()
    with place.db.write() as db:
        row = db.get_one(Session, session.id)
        row.started_at = now_ms() - length_ms
    place.end(row, length_ms)
    return row


def ledger(place: Place, session: Session) -> list[Outcome]:
    with place.db.read() as db:
        return db.query(Outcome).where(Outcome.session_id == session.id).order_by(Outcome.from_ms).all()


def test_a_second_source_that_came_after_the_recording_is_used(place: Place, four: Recorded) -> None:
    session = ended_now(place)
    for seq, body in enumerate(four.pieces):
        place.pieces.store(piece(session, seq, body))
    Finaliser(place.db, place.config).finalise(session.uuid)
    assert look_for_newer_live_files(place.db, place.config) == 0
    live = place.layout.live_dir(session.uuid)
    live.mkdir()
    begin = session.started_at + 4000
    (live / f"camera-{begin}.webm").write_bytes(four.whole)
    (live / f"camera-{begin}.json").write_text(f'{{"track": "camera", "started_at": {begin}, "mime": "video/webm"}}')
    later = (now_ms() + 5000) * 1_000_000
    os.utime(live / f"camera-{begin}.webm", ns=(later, later))
    assert look_for_newer_live_files(place.db, place.config) == 1
    Jobs(place.config, immediate=True).finalise_soon(session.uuid)
    assert [row.source for row in ledger(place, session)] == ["upload", "live"]


def test_a_run_in_another_codec_is_a_gap_that_says_so(place: Place, four: Recorded) -> None:
    session = ended_now(place)
    other = record(4, audio=False, codec="libvpx-vp9")
    for at_ms, run in ((0, four), (4000, other)):
        for seq, body in enumerate(run.pieces):
            place.pieces.store(piece(session, seq, body, run=at_ms))
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    assert any(note["code"] == "other_codec" for note in made.notes)
    assert [(row.outcome, row.cause) for row in ledger(place, session)] == [("recorded", None), ("gap", "codec")]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    runs=st.lists(st.tuples(st.integers(-12_000, 40_000), st.sets(st.integers(0, 4), max_size=4)), max_size=4),
    length_ms=st.integers(0, 30_000),
)
def test_the_outcomes_of_any_session_sum_up_to_its_length(
    place: Place, four: Recorded, runs: list[tuple[int, set[int]]], length_ms: int
) -> None:
    session = place.start(profile=os.urandom(8).hex())
    for number, (start_ms, lost) in enumerate(runs):
        for seq, body in enumerate(four.pieces):
            if seq not in lost:
                place.pieces.store(piece(session, seq, body, run=number, start_ms=start_ms + seq * 1000))
    place.end(session, length_ms)
    Finaliser(place.db, place.config).finalise(session.uuid)
    rows = ledger(place, session)
    assert sum(row.to_ms - row.from_ms for row in rows) == length_ms
    assert all(a.to_ms == b.from_ms for a, b in zip(rows, rows[1:], strict=False))
    assert all(row.outcome == "recorded" or row.cause for row in rows)


def test_the_jobs_process_recovers_when_it_starts(place: Place) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"x" * 100))
    place.pieces.stop()
    path: Path = place.layout.run_file(session.uuid, "camera", 0)
    path.write_bytes(path.read_bytes() + b"torn")
    Jobs(place.config, immediate=True).recover()
    assert path.stat().st_size == 100
