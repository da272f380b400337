from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_proview.sessions.ledger import (
    GAP,
    PRIORITY,
    RECORDED,
    STARTING_MS,
    Cause,
    Interval,
    Row,
    outcomes,
    recorded_ms,
)

TIMES = st.integers(-2000, 12_000)
INTERVALS = st.lists(st.builds(Interval, TIMES, TIMES, st.sampled_from(["upload", "live"])), max_size=12)
CAUSES = st.lists(st.builds(Cause, TIMES, st.none() | TIMES, st.sampled_from([*PRIORITY, "unheard of"])), max_size=8)


def at(rows: list[Row], moment: int) -> Row:
    return next(row for row in rows if row.from_ms <= moment < row.to_ms)


@given(st.integers(-5, 10_000), INTERVALS, CAUSES)
def test_rows_cover_the_session_exactly_without_overlap(
    length: int, recorded: list[Interval], causes: list[Cause]
) -> None:
    rows = outcomes(length, recorded, causes)
    edges = [0, *(row.to_ms for row in rows)]
    assert [row.from_ms for row in rows] == edges[:-1]
    assert edges[-1] == max(0, length)
    assert sum(row.to_ms - row.from_ms for row in rows) == max(0, length)
    assert all(row.from_ms < row.to_ms for row in rows)
    for one, two in zip(rows, rows[1:], strict=False):
        assert (one.outcome, one.cause, one.source) != (two.outcome, two.cause, two.source), "neighbours are joined"


@given(INTERVALS, CAUSES, st.integers(0, 9999))
def test_every_moment_says_what_is_true_of_it(recorded: list[Interval], causes: list[Cause], moment: int) -> None:
    row = at(outcomes(10_000, recorded, causes), moment)
    sources = {i.source for i in recorded if i.from_ms <= moment < i.to_ms}
    if sources:
        assert row.outcome == RECORDED
        assert row.source == ("upload" if "upload" in sources else "live"), "uploads win"
        assert row.cause is None
    else:
        names = [c.cause for c in causes if c.from_ms <= moment and (c.to_ms is None or moment < c.to_ms)]
        ranks = {name: PRIORITY.index(name) if name in PRIORITY else len(PRIORITY) for name in names}
        assert row.outcome == GAP
        assert row.source is None
        if names:
            assert row.cause == min(names, key=ranks.__getitem__)
        else:
            # The recorder's start after a cause that ended in the same gap.
            begun = max((i.to_ms for i in recorded if i.from_ms < i.to_ms <= moment), default=0)
            ended = {c.cause for c in causes if c.to_ms is not None and begun < c.to_ms <= moment}
            assert row.cause in {"browser"} | ended


@given(st.integers(1, 10_000), INTERVALS)
def test_recorded_time_is_the_union_of_the_intervals(length: int, recorded: list[Interval]) -> None:
    union: set[int] = set()
    for interval in recorded:
        union |= set(range(max(0, interval.from_ms), min(length, interval.to_ms)))
    assert recorded_ms(outcomes(length, recorded, [])) == len(union)


def test_a_pause_explains_a_gap_before_the_network_does() -> None:
    rows = outcomes(
        10_000,
        [Interval(0, 2000, "upload"), Interval(9000, 10_000, "live")],
        [Cause(2000, None, "network"), Cause(4000, 6000, "paused")],
    )
    assert [(r.from_ms, r.to_ms, r.cause or r.source) for r in rows] == [
        (0, 2000, "upload"),
        (2000, 4000, "network"),
        (4000, 6000, "paused"),
        (6000, 9000, "network"),
        (9000, 10_000, "live"),
    ]


def test_the_recorders_start_after_a_known_cause_belongs_to_it() -> None:
    device = Cause(1000, 2000, "device")
    rows = outcomes(9000, [Interval(0, 1000, "upload"), Interval(2600, 9000, "upload")], [device])
    assert [(row.from_ms, row.to_ms, row.cause) for row in rows] == [(0, 1000, None), (1000, 2600, "device"), (2600, 9000, None)]  # fmt: skip


def test_what_follows_a_known_cause_for_longer_or_to_the_end_is_not_explained_by_it() -> None:
    device = Cause(1000, 2000, "device")
    longer = outcomes(9000, [Interval(0, 1000, "upload"), Interval(2001 + STARTING_MS, 9000, "upload")], [device])
    assert [row.cause for row in longer] == [None, "device", "browser", None]
    at_the_end = outcomes(2500, [Interval(0, 1000, "upload")], [device], "upload")
    assert [row.cause for row in at_the_end] == [None, "device", "upload"]
    alone = outcomes(3000, [Interval(0, 1000, "upload"), Interval(1500, 3000, "upload")], [])
    assert [row.cause for row in alone] == [None, "browser", None]
