from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_proview.recordings import coverage as coverage_module
from flask_proview.recordings.coverage import coverage
from flask_proview.sessions.models import Run

from .conftest import Place, piece


def numbers(ranges: list[list[int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


@given(st.sets(st.integers(0, 60), min_size=1), st.none() | st.integers(0, 70))
def test_what_is_held_and_what_is_missing_make_the_run(seqs: set[int], last: int | None) -> None:
    run = Run(run=5, start_ms=0, mime="", last_seq=last)
    held = [(seq, seq * 1000, 1000, 3) for seq in sorted(seqs)]
    body = coverage_module._run(run, held)
    end = max(seqs) if last is None else max(last, max(seqs))
    assert numbers(body["pieces"]) == sorted(seqs)
    assert sorted(numbers(body["pieces"]) + numbers(body["missing"])) == list(range(end + 1))
    assert body["complete"] == (last is not None and len(seqs) == end + 1)
    assert body["bytes"] == 3 * len(seqs)
    for one, two in zip(body["pieces"], body["pieces"][1:], strict=False):
        assert two[0] > one[1] + 1, "neighbours are one range"


@given(st.lists(st.tuples(st.integers(-500, 5000), st.integers(0, 2000)), max_size=12))
def testjoined_intervals_are_sorted_apart_and_lose_nothing(spans: list[tuple[int, int]]) -> None:
    stretches = [(start, start + length) for start, length in spans]
    intervals = coverage_module.joined_intervals(stretches)
    for one, two in zip(intervals, intervals[1:], strict=False):
        assert two[0] > one[1] + coverage_module.JOIN_MS
    for start, end in stretches:
        assert any(a <= start and end <= b for a, b in intervals)


def test_a_track_without_pieces_has_no_runs(place: Place) -> None:
    assert coverage(place.db, place.start().id, "screen") == {"track": "screen", "runs": []}


def test_tracks_and_sessions_do_not_mix(place: Place) -> None:
    one, two = place.start("one"), place.start("two")
    place.pieces.store(piece(one, 0, b"abc"))
    place.pieces.store(piece(one, 0, b"abcdef", track="screen"))
    place.pieces.store(piece(two, 0, b"a", run=70))
    assert [r["bytes"] for r in coverage(place.db, one.id, "camera")["runs"]] == [3]
    assert [r["bytes"] for r in coverage(place.db, one.id, "screen")["runs"]] == [6]
    assert [r["run"] for r in coverage(place.db, two.id, "camera")["runs"]] == [70]


def test_runs_are_in_the_order_of_the_session_clock(place: Place) -> None:
    session = place.start()
    for run in (9000, 100, 5000):
        place.pieces.store(piece(session, 0, b"x", run=run))
    assert [r["run"] for r in coverage(place.db, session.id, "camera")["runs"]] == [100, 5000, 9000]
