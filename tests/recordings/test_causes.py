"""Why a track may have gaps, read from the session's events."""

from __future__ import annotations

from typing import Any

import pytest

from flask_proview.recordings.causes import causes_of
from flask_proview.sessions.ledger import Interval, outcomes
from flask_proview.sessions.models import Event


def event(event_type_id: int, at_ms: int, **data: Any) -> Event:
    return Event(id=at_ms, event_type_id=event_type_id, at_ms=at_ms, data=data)


@pytest.mark.parametrize(
    "load",
    [event(10009, 20_000, path="/q/2"), event(3, 20_000, resumed=True), event(113, 20_000, reason="path")],
)
def test_a_page_load_explains_a_gap_around_it(load: Event) -> None:
    (cause,) = causes_of([load], "camera", None)
    assert (cause.from_ms, cause.to_ms, cause.cause) == (15_000, 25_000, "page")


@pytest.mark.parametrize("data", [{}, {"resumed": False}, {"resumed": "yes"}])
def test_the_first_page_of_a_session_explains_nothing(data: dict[str, Any]) -> None:
    assert causes_of([event(3, 100, **data)], "camera", None) == []


def test_an_end_that_a_click_brought_is_no_page_load() -> None:
    assert causes_of([event(113, 100, reason="page")], "camera", None) == []


def test_a_withdrawn_permission_is_the_cause_and_not_the_device_that_it_took_away() -> None:
    told = [event(10014, 20_000), event(10078, 20_040, device="camera"), event(10079, 24_000), event(10016, 25_500)]
    rows = outcomes(
        30_000, [Interval(0, 19_900, "upload"), Interval(25_600, 30_000, "upload")], causes_of(told, "camera", 0)
    )
    assert [(row.outcome, row.cause) for row in rows] == [("recorded", None), ("gap", "permission"), ("recorded", None)]
    assert all(cause.cause != "permission" for cause in causes_of(told, "screen", 0))


def test_before_the_first_recorded_moment_the_candidate_was_being_checked() -> None:
    (cause,) = causes_of([], "screen", 4000)
    assert (cause.from_ms, cause.to_ms, cause.cause) == (0, 4000, "setup")


def test_a_pause_without_an_end_lasts_and_concerns_both_tracks() -> None:
    for track in ("camera", "screen"):
        (cause,) = causes_of([event(10010, 7000)], track, None)
        assert (cause.from_ms, cause.to_ms, cause.cause) == (7000, None, "paused")


def test_a_lost_camera_does_not_excuse_the_screen() -> None:
    lost = [event(10014, 1000), event(10016, 3000)]
    assert [(c.from_ms, c.to_ms, c.cause) for c in causes_of(lost, "camera", None)] == [(1000, 3000, "device")]
    assert causes_of(lost, "screen", None) == []


def test_what_was_so_when_another_session_took_over_is_still_so() -> None:
    paused, resumed = event(10010, 50_000), event(10011, 3000)
    causes = causes_of([resumed], "camera", 3000, [(-4000, paused)], goes_on=True)
    assert [(cause.from_ms, cause.to_ms, cause.cause) for cause in causes] == [
        (0, 3000, "handover"),
        (-4000, 3000, "paused"),
    ]


def test_sleep_and_changes_of_quality_explain_the_gaps_that_they_made() -> None:
    slept, lowered = event(10110, 70_000, slept_ms=60_000), event(10111, 90_000, level=1)
    causes = [(c.from_ms, c.to_ms, c.cause) for c in causes_of([slept, lowered], "camera", None)]
    assert causes == [(7_000, 73_000, "sleep"), (87_000, 93_000, "quality")]


@pytest.mark.parametrize("claim", [None, "long", -5, 10**15, [], 1.5])
def test_a_sleep_of_nonsense_explains_nothing_but_the_moment(claim: object) -> None:
    (cause,) = causes_of([event(10110, 70_000, slept_ms=claim)], "camera", None)
    assert (cause.from_ms, cause.to_ms) == (67_000, 73_000)


def test_a_full_buffer_explains_the_gap_until_there_is_room() -> None:
    (cause,) = causes_of([event(10018, 5000), event(9, 6000), event(10113, 9000)], "screen", None)
    assert (cause.from_ms, cause.to_ms, cause.cause) == (5000, 9000, "storage")
