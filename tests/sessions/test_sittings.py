"""One exam in several sessions that follow each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_proview.sessions import ledger
from flask_proview.sessions.ledger import GAP, RECORDED, Row, joined
from flask_proview.sessions.models import Outcome, Session, State
from flask_proview.sessions.sittings import end_of, ledger_of, length_ms, sitting_of

from .conftest import Place, request


def rolled_over(place: Place, earlier: Session) -> Session:
    later, resumed = place.sessions.start(request(continues=earlier.uuid))
    assert not resumed
    return later


def parts_of(place: Place, row: Session) -> list[Session]:
    with place.db.read() as db:
        return sitting_of(db, row)


def test_a_session_goes_on_in_another_one_while_it_is_still_open(any_place: Place) -> None:
    first = any_place.change(any_place.start(), approval="approved", attendee={"email": "a@b.example"})
    second = rolled_over(any_place, first)
    third = rolled_over(any_place, second)
    rows = parts_of(any_place, second)
    assert [row.uuid for row in rows] == [first.uuid, second.uuid, third.uuid]
    assert {row.sitting for row in rows} == {first.uuid}
    assert {row.state for row in rows} == {"created"}
    assert (third.approval, third.attendee) == ("approved", {"email": "a@b.example"}), "nobody is asked twice"
    assert (third.continues, second.continues) == (second.uuid, first.uuid)


def test_the_same_handover_asked_for_twice_is_one(any_place: Place) -> None:
    first = any_place.start()
    second = rolled_over(any_place, first)
    again, resumed = any_place.sessions.start(request(continues=first.uuid))
    assert resumed and again.uuid == second.uuid, "the answer to the first question was lost"


def test_a_start_after_a_regular_end_is_a_sitting_of_its_own(any_place: Place) -> None:
    first = any_place.start()
    any_place.sessions.end(first.uuid, State.STOPPED, "page")
    second = any_place.start()
    assert second.continues == first.uuid
    assert second.sitting is None
    assert [row.uuid for row in parts_of(any_place, second)] == [second.uuid]


def test_the_end_that_a_browser_names_is_believed_from_the_handover_on(any_place: Place) -> None:
    first = any_place.start()
    first = any_place.change(first, started_at=first.started_at - 60_000)
    ended, _ = any_place.sessions.end(first.uuid, State.STOPPED, "limit", at_ms=10)
    assert ended.ended_at is not None and ended.ended_at >= first.started_at + 60_000, "nothing goes on with it"
    one = any_place.start("exam-2")
    one = any_place.change(one, started_at=one.started_at - 60_000)
    two, _ = any_place.sessions.start(request("exam-2", continues=one.uuid))
    two = any_place.change(two, started_at=two.started_at - 500)
    early, _ = any_place.sessions.end(one.uuid, State.STOPPED, "limit", at_ms=10)
    assert early.ended_at == two.started_at, "evidence is not cut off"
    length = two.started_at - one.started_at
    assert length_ms([early, two]) >= length
    assert end_of([early, two]) is None, "the second part runs"


def test_a_sitting_is_deleted_as_a_whole(any_place: Place) -> None:
    first = any_place.start()
    second = rolled_over(any_place, first)
    assert any_place.sessions.delete(second.uuid)
    assert any_place.sessions.get(first.uuid) is None
    assert any_place.sessions.get(second.uuid) is None


def test_one_ledger_over_all_parts_counts_the_overlap_once(any_place: Place) -> None:
    first = any_place.start()
    first = any_place.change(first, started_at=first.started_at - 10_000, ended_at=first.started_at + 300)
    second = rolled_over(any_place, first)
    second = any_place.change(second, started_at=first.started_at + 10_000)
    rows = [
        Outcome(session_id=first.id, track="camera", from_ms=0, to_ms=1000, outcome=GAP, cause="setup"),
        Outcome(session_id=first.id, track="camera", from_ms=1000, to_ms=10_300, outcome=RECORDED, source="upload"),
        Outcome(session_id=second.id, track="camera", from_ms=0, to_ms=200, outcome=GAP, cause=ledger.HANDOVER),
        Outcome(session_id=second.id, track="camera", from_ms=200, to_ms=5000, outcome=RECORDED, source="upload"),
    ]
    with any_place.db.write() as db:
        db.add_all(rows)
    with any_place.db.read() as db:
        found = ledger_of(db, [first, second])
    assert found == {
        "camera": [Row(0, 1000, GAP, "setup", None), Row(1000, 15_000, RECORDED, None, "upload")],
    }


LEDGERS = st.lists(
    st.tuples(
        st.integers(0, 3000),
        st.lists(st.tuples(st.integers(1, 900), st.sampled_from([None, "network", ledger.HANDOVER])), max_size=6),
    ),
    max_size=4,
)


@given(LEDGERS, st.integers(0, 8000))
def test_every_moment_of_a_joined_ledger_is_what_one_of_its_parts_says(
    made: list[tuple[int, list[tuple[int, str | None]]]], moment: int
) -> None:
    parts = []
    for begin, stretches in made:
        rows, at = [], 0
        for length, cause in stretches:
            kind = RECORDED if cause is None else GAP
            rows.append(Row(at, at + length, kind, cause, "upload" if cause is None else None))
            at += length
        parts.append((begin, rows))
    result = joined(parts)
    assert all(one.to_ms == two.from_ms for one, two in zip(result, result[1:], strict=False)), "no hole, no overlap"
    there = [row for begin, rows in parts for row in rows if row.from_ms + begin <= moment < row.to_ms + begin]
    said = next((row for row in result if row.from_ms <= moment < row.to_ms), None)
    if any(row.outcome == RECORDED for row in there):
        assert said is not None and said.outcome == RECORDED
    elif there:
        known = {row.cause for row in there} - {ledger.HANDOVER} or {ledger.HANDOVER}
        assert said is not None and said.cause in known
    else:
        assert said is None or said.outcome == GAP
