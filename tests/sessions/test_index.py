"""The Proview Index as arithmetic: nothing here looks at a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_proview.catalogue import EVENTS, Severity
from flask_proview.sessions.index import MOST_OF_ONE_TYPE, proview_index

FOCUS_OUT, SCREEN_STOPPED, IDLE = 5, 12, 6


def test_a_session_without_events_is_high() -> None:
    index = proview_index({})
    assert (index.score, index.level, index.contributions) == (100, "high", ())


def test_every_event_takes_its_weight_and_is_named() -> None:
    index = proview_index({FOCUS_OUT: 4, SCREEN_STOPPED: 2, IDLE: 3})
    assert index.score == 100 - 4 * 3 - 2 * 5 - 3 * 1
    assert [(part.name, part.count, part.points) for part in index.contributions] == [
        ("Window Focus-Out", 4, 12),
        ("Screen-capture Stopped", 2, 10),
        ("User Idle", 3, 3),
    ]


@pytest.mark.parametrize(("points", "level"), [(20, "high"), (21, "medium"), (50, "medium"), (51, "low")])
def test_levels_begin_where_documented(points: int, level: str) -> None:
    # Two types, since one alone takes 40 at most.
    assert proview_index({FOCUS_OUT: 1, IDLE: 1}, {FOCUS_OUT: points // 2, IDLE: points - points // 2}).level == level


def test_one_type_alone_never_makes_it_low() -> None:
    index = proview_index({FOCUS_OUT: 10_000})
    assert (index.score, index.level) == (100 - MOST_OF_ONE_TYPE, "medium")


def test_technical_and_unknown_events_weigh_nothing() -> None:
    technical = {number: 50 for number, kind in EVENTS.items() if kind.severity == Severity.TECHNICAL}
    assert technical
    assert proview_index(technical | {999_999: 3}).score == 100


def test_an_account_can_weigh_differently() -> None:
    assert proview_index({FOCUS_OUT: 2}, {FOCUS_OUT: 0}).score == 100
    assert proview_index({FOCUS_OUT: 2}, {FOCUS_OUT: 11}).score == 78


@given(st.dictionaries(st.sampled_from(sorted(EVENTS)), st.integers(0, 10**9)))
def test_the_score_stays_between_0_and_100_and_adds_up(counts: dict[int, int]) -> None:
    index = proview_index(counts)
    assert 0 <= index.score <= 100
    assert index.score == max(0, 100 - sum(part.points for part in index.contributions))
