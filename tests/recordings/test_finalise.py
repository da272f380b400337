from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from sqlalchemy import select

from flask_proview.errors import ApiError
from flask_proview.recordings.finalise import Finaliser
from flask_proview.sessions.events import ClientEvent, EventStore
from flask_proview.sessions.models import Outcome, Recording, Session, State
from tests.webm_factory import CLUSTER, Recorded, record

from .conftest import Place, piece


@pytest.fixture(scope="module")
def ten() -> Recorded:
    return record(10)


def send(
    place: Place, session: Session, run: Recorded, at_ms: int, *, track: str = "camera", without: Sequence[int] = ()
) -> None:
    last = len(run.pieces) - 1
    for seq, body in enumerate(run.pieces):
        if seq not in without:
            place.pieces.store(piece(session, seq, body, run=at_ms, track=track, last=seq == last))


def finalise(place: Place, session: Session) -> dict[str, Recording]:
    return {r.track: r for r in Finaliser(place.db, place.config).finalise(session.uuid)}


def ledger(place: Place, session: Session, track: str = "camera") -> list[tuple[int, int, str, str | None]]:
    with place.db.read() as db:
        rows = db.scalars(
            select(Outcome).where(Outcome.session_id == session.id, Outcome.track == track).order_by(Outcome.from_ms)
        )
        return [(r.from_ms, r.to_ms, r.outcome, r.cause or r.source) for r in rows]


def frame_times(file: Path) -> list[float]:
    """Decoded to the last frame; times rise."""
    with av.open(str(file)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert times == sorted(times)
    return times


def sound_seconds(file: Path) -> float:
    with av.open(str(file)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def test_pieces_become_one_seekable_file_with_every_frame(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 500)
    place.end(session, 10_500)
    made = finalise(place, session)["camera"]
    file = place.layout.recording_file(session.uuid, "camera")
    assert len(frame_times(file)) == ten.frames
    assert sound_seconds(file) == pytest.approx(10, abs=0.2)
    assert made.duration_ms == pytest.approx(10_000, abs=100)
    assert made.offset_ms == pytest.approx(500, abs=20)
    assert made.mime == 'video/webm; codecs="vp8, opus"'
    assert made.notes == []
    with av.open(str(file)) as container:
        container.seek(7_000_000)
        assert float(next(container.decode(video=0)).time or 0) == pytest.approx(7, abs=1.1)
    assert b"\x1c\x53\xbb\x6b" in file.read_bytes(), "Cues make it seekable"


def test_pieces_that_arrived_in_any_order_play_in_order(place: Place, ten: Recorded) -> None:
    session = place.start()
    for seq in (3, 0, 7, 1, 2, 10, 9, 8, 6, 5, 4):
        place.pieces.store(piece(session, seq, ten.pieces[seq], run=0))
    place.end(session, 10_000)
    finalise(place, session)
    assert len(frame_times(place.layout.recording_file(session.uuid, "camera"))) == ten.frames


def test_a_missing_piece_is_a_gap_with_its_cause_and_costs_only_itself(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 0, without=[4])
    place.end(session, 10_000)
    made = finalise(place, session)["camera"]
    times = frame_times(place.layout.recording_file(session.uuid, "camera"))
    assert len(times) == ten.frames - 15
    assert made.notes == [{"run": 0, "code": "pieces_missing", "from": 4, "to": 4}]
    gaps = [(a, b) for a, b in zip(times, times[1:], strict=False) if b - a > 0.5]
    (gap,) = gaps
    assert gap == pytest.approx((3.93, 5.0), abs=0.1)
    assert [row[3] for row in ledger(place, session)] == ["upload", "upload", "upload"]
    assert [row[2] for row in ledger(place, session)] == ["recorded", "gap", "recorded"]


def test_a_late_piece_fills_the_gap_when_finalised_again(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 0, without=[4])
    place.end(session, 10_000)
    finalise(place, session)
    place.pieces.store(piece(session, 4, ten.pieces[4], run=0))
    made = finalise(place, session)["camera"]
    assert made.notes == []
    assert len(frame_times(place.layout.recording_file(session.uuid, "camera"))) == ten.frames
    assert ledger(place, session) == [(0, 10_000, "recorded", "upload")]


@pytest.mark.parametrize("cut", [1, 3, 40, 200])
def test_a_header_that_is_cut_into_several_pieces_is_read(place: Place, ten: Recorded, cut: int) -> None:
    first, *rest = ten.pieces
    session = place.start()
    send(place, session, Recorded([first[:cut], first[cut:], *rest], ten.piece_ms, ten.frames), 0, without=[6])
    place.end(session, 11_000)
    made = finalise(place, session)["camera"]
    assert made.notes == [{"run": 0, "code": "pieces_missing", "from": 6, "to": 6}]
    assert len(frame_times(place.layout.recording_file(session.uuid, "camera"))) == ten.frames - 15


def test_a_run_without_its_header_is_reported_and_played_when_it_comes(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 0, without=[0])
    place.end(session, 10_000)
    assert finalise(place, session) == {}
    assert ledger(place, session) == [(0, 1000, "gap", "browser"), (1000, 10_000, "gap", "upload")]
    place.pieces.store(piece(session, 0, ten.pieces[0], run=0))
    assert "camera" in finalise(place, session)


def test_runs_are_joined_on_the_session_clock(place: Place, ten: Recorded) -> None:
    session = place.start()
    short = record(3, seed=50)
    send(place, session, ten, 1000)
    send(place, session, short, 12_000)
    place.end(session, 16_000)
    made = finalise(place, session)["camera"]
    times = frame_times(place.layout.recording_file(session.uuid, "camera"))
    assert len(times) == ten.frames + short.frames
    assert made.duration_ms == pytest.approx(14_000, abs=150)
    assert sum(to - start for start, to, *_ in ledger(place, session)) == 16_000


def test_runs_that_cross_in_time_never_go_back(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 0)
    send(place, session, record(5, seed=9), 6000)
    place.end(session, 11_000)
    finalise(place, session)
    times = frame_times(place.layout.recording_file(session.uuid, "camera"))
    assert times[-1] == pytest.approx(10.9, abs=0.3)


def test_where_a_recorder_took_over_from_another_no_picture_is_lost(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 0)
    after = record(5, seed=9)
    send(place, session, after, 9_500)
    place.end(session, 14_500)
    finalise(place, session)
    file = place.layout.recording_file(session.uuid, "camera")
    times = frame_times(file)
    assert len(times) == ten.frames + after.frames
    assert max(b - a for a, b in zip(times, times[1:], strict=False)) < 0.15
    assert sound_seconds(file) == pytest.approx(14.5, abs=0.3), "sound twice would be heard"
    assert {row[2] for row in ledger(place, session)} == {"recorded"}


def test_two_tracks_get_a_file_each(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 0)
    send(place, session, record(8, audio=False), 2000, track="screen")
    place.end(session, 10_000)
    made = finalise(place, session)
    assert set(made) == {"camera", "screen"}
    assert made["screen"].mime == 'video/webm; codecs="vp8"'
    assert made["screen"].offset_ms == pytest.approx(2000, abs=50)


def test_odd_runs_are_noted_and_do_not_spoil_the_others(place: Place, ten: Recorded) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, b"#EXTM3U\n/etc/passwd\n", run=0))
    place.pieces.store(piece(session, 0, b"\x1a\x45\xdf\xa3" + b"\xff" * 2000, run=1000))
    place.pieces.store(piece(session, 0, ten.pieces[0][: ten.pieces[0].find(CLUSTER)], run=2000))
    send(place, session, record(2, codec="libvpx-vp9"), 20_000)
    send(place, session, ten, 5000)
    place.end(session, 23_000)
    made = finalise(place, session)["camera"]
    codes = {str(note["code"]) for note in made.notes}
    assert {"not_webm", "other_codec"} <= codes
    assert len(frame_times(place.layout.recording_file(session.uuid, "camera"))) == ten.frames


def test_a_truncated_tail_plays_up_to_where_it_was_cut(place: Place, ten: Recorded) -> None:
    session = place.start()
    for seq in range(5):
        place.pieces.store(piece(session, seq, ten.pieces[seq], run=0))
    place.pieces.store(piece(session, 5, ten.pieces[5][:2000], run=0))
    place.end(session, 10_000)
    finalise(place, session)
    assert 75 <= len(frame_times(place.layout.recording_file(session.uuid, "camera"))) < 90


def test_sound_without_a_picture_in_one_run_keeps_both(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, record(3, audio=False), 0)
    send(place, session, ten, 4000)
    place.end(session, 14_000)
    finalise(place, session)
    file = place.layout.recording_file(session.uuid, "camera")
    assert len(frame_times(file)) == 45 + ten.frames
    assert sound_seconds(file) == pytest.approx(10, abs=0.3)


def test_what_was_never_uploaded_is_filled_from_the_second_source(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, record(4), 0)
    live = place.layout.live_dir(session.uuid)
    live.mkdir(parents=True)
    started_at = session.started_at + 2000
    (live / f"camera-{started_at}.webm").write_bytes(ten.whole)
    (live / f"camera-{started_at}.json").write_text(
        json.dumps({"track": "camera", "started_at": started_at, "mime": "video/webm"})
    )
    (live / "camera-7.json").write_text("not json")
    place.end(session, 12_000)
    finalise(place, session)
    times = frame_times(place.layout.recording_file(session.uuid, "camera"))
    assert times[-1] == pytest.approx(11.9, abs=0.3)
    rows = ledger(place, session)
    assert [row[3] for row in rows if row[2] == "recorded"] == ["upload", "live"]
    assert sum(b - a for a, b, outcome, _ in rows if outcome == "gap") < 1500


def test_gaps_carry_the_causes_that_the_events_tell(place: Place, ten: Recorded) -> None:
    session = place.start()
    EventStore(place.db, place.config).add(
        session, [ClientEvent(1, 10010, "Session Paused", 5000), ClientEvent(2, 10011, "Session Resumed", 8000)]
    )
    with place.db.write() as db:
        row = db.get(Session, session.id)
        assert row is not None
        row.started_at -= 60_000
    session = place.sessions.get(session.uuid) or session
    EventStore(place.db, place.config).add(
        session, [ClientEvent(3, 10010, "Session Paused", 5000), ClientEvent(4, 10011, "Session Resumed", 8000)]
    )
    send(place, session, record(4), 1000)
    send(place, session, record(2), 8000)
    place.end(session, 12_000)
    finalise(place, session)
    causes = [(a, b, cause) for a, b, outcome, cause in ledger(place, session) if outcome == "gap"]
    assert [c for *_, c in causes] == ["setup", "paused", "browser"]


def test_an_expired_session_is_as_long_as_what_came_later(place: Place, ten: Recorded) -> None:
    session = place.start()
    send(place, session, ten, 0)
    place.end(session, 4000, State.EXPIRED)
    finalise(place, session)
    row = place.sessions.get(session.uuid)
    assert row is not None
    assert row.ended_at is not None
    assert row.ended_at - row.started_at == pytest.approx(11_000, abs=1100)


def test_an_empty_session_has_no_recording_and_no_error(place: Place) -> None:
    session = place.start()
    place.end(session, 1000)
    assert finalise(place, session) == {}
    row = place.sessions.get(session.uuid)
    assert row is not None
    assert row.finalised_at is not None


def test_an_unknown_session_is_an_error(place: Place) -> None:
    with pytest.raises(ApiError) as caught:
        Finaliser(place.db, place.config).finalise("00000000-0000-4000-8000-000000000000")
    assert caught.value.code == "unknown_session"
