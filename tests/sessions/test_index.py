"""The Proview Index as arithmetic: nothing here looks at a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_proview.catalogue import EVENTS, Severity
from flask_proview.config import load_config
from flask_proview.config.event_weights import EventWeights, weights
from flask_proview.sessions.index import MOST_OF_ONE_TYPE, Index, proview_index, weights_of

FOCUS_OUT, SCREEN_STOPPED, IDLE = 5, 12, 6


def index_of(counts: dict[int, int], own: EventWeights = (), stake: str = "medium") -> Index:
    return proview_index(counts, weights(stake, own))


def test_a_session_without_events_is_high() -> None:
    index = index_of({})
    assert (index.score, index.level, index.contributions) == (100, "high", ())


def test_every_event_takes_its_weight_and_is_named() -> None:
    index = index_of({FOCUS_OUT: 4, SCREEN_STOPPED: 2, IDLE: 3})
    assert index.score == 100 - 4 * 3 - 2 * 5 - 3 * 1
    assert [(part.name, part.count, part.points) for part in index.contributions] == [
        ("Window Focus-Out", 4, 12),
        ("Screen-capture Stopped", 2, 10),
        ("User Idle", 3, 3),
    ]


@pytest.mark.parametrize(("points", "level"), [(20, "high"), (21, "medium"), (50, "medium"), (51, "low")])
def test_levels_begin_where_documented(points: int, level: str) -> None:
    # Two types, since one alone takes 40 at most.
    assert index_of({FOCUS_OUT: 1, IDLE: 1}, ((FOCUS_OUT, points // 2), (IDLE, points - points // 2))).level == level


def test_one_type_alone_never_makes_it_low() -> None:
    index = index_of({FOCUS_OUT: 10_000})
    assert (index.score, index.level) == (100 - MOST_OF_ONE_TYPE, "medium")


def test_technical_and_unknown_events_weigh_nothing() -> None:
    technical = {number: 50 for number, kind in EVENTS.items() if kind.severity == Severity.TECHNICAL}
    assert technical
    assert index_of(technical | {999_999: 3}).score == 100


def test_an_account_can_weigh_differently() -> None:
    assert index_of({FOCUS_OUT: 2}, ((FOCUS_OUT, 0),)).score == 100
    assert index_of({FOCUS_OUT: 2}, ((FOCUS_OUT, 11),)).score == 78


@pytest.mark.parametrize(("stake", "taken"), [("low", 1 + 2 + 0), ("medium", 3 + 5 + 1), ("high", 6 + 10 + 2)])
def test_the_stake_scales_what_an_event_weighs(stake: str, taken: int) -> None:
    assert index_of({FOCUS_OUT: 1, SCREEN_STOPPED: 1, IDLE: 1}, stake=stake).score == 100 - taken


def test_an_accounts_own_weight_stands_whatever_the_stake() -> None:
    assert index_of({FOCUS_OUT: 1, IDLE: 1}, ((FOCUS_OUT, 7),), "high").score == 100 - 7 - 2


def test_the_weights_are_those_of_the_sessions_account() -> None:
    account = {"name": "a", "token": "b3f6224e-d072", "domains": ["exam.example.edu"]}
    raw = {"secrets": {"keys": ["k" * 40]}, "accounts": [{**account, "stake": "high", "event_weights": {"5": 1}}]}
    config = load_config(raw, {})
    assert [weights_of(config, "a")[number] for number in (FOCUS_OUT, IDLE)] == [1, 2]
    assert [weights_of(config, "deleted")[number] for number in (FOCUS_OUT, IDLE)] == [3, 1]


@given(st.dictionaries(st.sampled_from(sorted(EVENTS)), st.integers(0, 10**9)))
def test_the_score_stays_between_0_and_100_and_adds_up(counts: dict[int, int]) -> None:
    index = index_of(counts)
    assert 0 <= index.score <= 100
    assert index.score == max(0, 100 - sum(part.points for part in index.contributions))
