"""Bits that rot: found, said, gone round; never served as if nothing were wrong."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.heads import MAGIC
from flask_proview.recordings.scrub import Pace, Scrubbed, Scrubber, Stopped
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Damage, Outcome, Piece, Recording, Session
from tests.webm_factory import Recorded, record

from .conftest import Place, piece


@pytest.fixture(scope="module")
def six() -> Recorded:
    return record(6)


def stored(place: Place, run: Recorded, at_ms: int = 0) -> Session:
    session = place.start()
    for seq, body in enumerate(run.pieces):
        place.pieces.store(piece(session, seq, body, run=at_ms, last=seq == len(run.pieces) - 1))
    place.end(session, 6000)
    Finaliser(place.db, place.config).finalise(session.uuid)
    return session


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


def offset_of(place: Place, session: Session, seq: int) -> int:
    with place.db.read() as db:
        return db.get_one(Piece, (session.id, "camera", 0, seq)).offset


def scrub(place: Place, session: Session) -> Scrubbed:
    return Scrubber(place.db, place.config).scrub(session)


def ledger(place: Place, session: Session) -> list[tuple[int, int, str | None]]:
    with place.db.read() as db:
        rows = db.query(Outcome).where(Outcome.session_id == session.id).order_by(Outcome.from_ms)
        return [(r.from_ms, r.to_ms, r.cause or r.source) for r in rows]


def wanted_again(place: Place, session: Session) -> bool:
    row = place.sessions.get(session.uuid)
    assert row is not None and row.finalise_wanted_at is not None and row.finalised_at is not None
    return row.finalise_wanted_at > row.finalised_at


def test_sound_evidence_passes_and_its_time_is_remembered(place: Place, six: Recorded) -> None:
    session = stored(place, six)
    done = scrub(place, session)
    assert (done.sound, done.pieces, done.bytes) == (True, len(six.pieces), len(six.whole))
    row = place.sessions.get(session.uuid)
    assert row is not None and row.scrubbed_at is not None
    assert not wanted_again(place, session)


@pytest.mark.media
def test_one_flipped_bit_is_found_named_and_becomes_a_gap(place: Place, six: Recorded) -> None:
    session = stored(place, six)
    flip(place.layout.run_file(session.uuid, "camera", 0), offset_of(place, session, 3) + 500)
    done = scrub(place, session)
    assert done.damaged == [("camera", 0, 3, "digest")]
    assert any("piece 3: digest" in line for line in done.lines())
    assert wanted_again(place, session)
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    assert {"run": 0, "code": "damaged", "pieces": [3]} in made.notes
    assert [cause for *_, cause in ledger(place, session)] == ["upload", "damaged", "upload"]
    gap = next((a, b) for a, b, cause in ledger(place, session) if cause == "damaged")
    assert gap == pytest.approx((3000, 4000), abs=120)
    assert scrub(place, session).new == 0, "it is known"


@pytest.mark.media
def test_a_disk_that_comes_back_takes_the_mark_away(place: Place, six: Recorded) -> None:
    session = stored(place, six)
    path = place.layout.run_file(session.uuid, "camera", 0)
    path.rename(path.with_suffix(".away"))
    assert {what for *_, what in scrub(place, session).damaged} == {"missing"}
    Finaliser(place.db, place.config).finalise(session.uuid)
    path.with_suffix(".away").rename(path)
    done = scrub(place, session)
    assert (done.sound, done.recovered) == (True, len(six.pieces) - 1), "the first piece was never lost"
    Finaliser(place.db, place.config).finalise(session.uuid)
    assert ledger(place, session) == [(0, 6000, "upload")]
    with place.db.read() as db:
        assert db.query(Damage).count() == 0


@pytest.mark.media
@pytest.mark.parametrize("lost", [1, 4096, 200_000])
def test_a_lost_first_block_of_a_run_costs_nothing(place: Place, six: Recorded, lost: int) -> None:
    session = stored(place, six)
    path = place.layout.run_file(session.uuid, "camera", 0)
    first = offset_of(place, session, 1)
    data = path.read_bytes()
    lost = min(lost, first)
    path.write_bytes(bytes(lost) + data[lost:])
    assert scrub(place, session).sound, "the second copy is sound"
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    assert made.notes == [{"run": 0, "code": "from_second_copy", "pieces": [0]}]
    assert ledger(place, session) == [(0, 6000, "upload")]


@pytest.mark.media
def test_a_lost_second_copy_costs_nothing_either(place: Place, six: Recorded) -> None:
    session = stored(place, six)
    heads = place.layout.heads_file(session.uuid, "camera")
    assert heads.read_bytes().startswith(MAGIC)
    heads.unlink()
    assert scrub(place, session).sound


@pytest.mark.media
def test_a_damaged_recording_is_not_served_and_is_made_again(place: Place, six: Recorded) -> None:
    session = stored(place, six)
    file = place.layout.recording_file(session.uuid, "camera")
    before = file.read_bytes()
    flip(file, len(before) // 2)
    assert scrub(place, session).recordings == ["camera"]
    with place.db.read() as db:
        assert db.query(Recording).count() == 0, "playback follows the row"
    assert wanted_again(place, session)
    Finaliser(place.db, place.config).finalise(session.uuid)
    assert file.stat().st_size == len(before)
    assert scrub(place, session).sound


def test_only_old_sessions_have_their_turn_the_longest_ago_first(place: Place, six: Recorded) -> None:
    session = stored(place, six)
    scrubber = Scrubber(place.db, place.config)
    assert scrubber.due(now_ms()) == []
    with place.db.write() as db:
        row = db.get_one(Session, session.id)
        row.ended_at = now_ms() - 40 * 86_400_000
    assert [row.uuid for row in scrubber.due(now_ms())] == [session.uuid]
    assert [done.uuid for done in scrubber.turn(5)] == [session.uuid]
    assert scrubber.due(now_ms()) == []
    assert [row.uuid for row in scrubber.due(now_ms() + 31 * 86_400_000)] == [session.uuid]


def test_the_rate_is_bounded_and_a_stop_ends_it() -> None:
    waits: list[float] = []
    stop = threading.Event()
    stop.wait = lambda timeout=None: waits.append(timeout or 0) or False  # type: ignore[method-assign, func-returns-value]
    pace = Pace(1000, stop)
    for _ in range(5):
        pace(500)
    assert max(waits) == pytest.approx(2.5, abs=0.2), "nobody really waited, so the debt grew"
    stop.set()
    with pytest.raises(Stopped):
        pace(1)
