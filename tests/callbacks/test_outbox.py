"""When a callback is written, what it says, and who gets it to send."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flask_proview.service.console.ratings import rate
from flask_proview.sessions.callbacks import MOST_ATTEMPTS, CallbackStore
from flask_proview.sessions.events import ClientEvent, EventStore
from flask_proview.sessions.models import State
from flask_proview.sessions.store import StartRequest

from .conftest import Place

FOCUS_OUT = 5


def bodies(place: Place) -> list[dict[str, Any]]:
    return [json.loads(row.body) for row in place.rows()]


def test_an_ai_session_is_told_when_its_recording_is_made_with_the_computed_rating(any_place: Place) -> None:
    session = any_place.ended()
    EventStore(any_place.db, any_place.config).add(
        session, [ClientEvent(seq, FOCUS_OUT, "", 0, {}) for seq in range(9)]
    )
    assert any_place.rows() == []
    any_place.finalise(session)
    [said] = bodies(any_place)
    row = any_place.sessions.get(session.uuid)
    assert row is not None
    assert said == {
        "event": "session.completed",
        "delivery": any_place.rows()[0].delivery,
        "session_uuid": session.uuid,
        "session_external_id": "attempt-7",
        "profile_external_id": "anna",
        "account": "main",
        "session_type": "ai_proctor",
        "title": "Physics",
        "status": "stopped",
        "end_reason": "page",
        "final_rating": "medium",
        "rated_by": "index",
        "proview_index": "medium",
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "duration_ms": (row.ended_at or 0) - row.started_at,
        "sitting": [session.uuid],
        "playback_url": f"https://exam.example.edu/proview/embedded/{session.uuid}",
    }


@pytest.mark.parametrize("session_type", ["record_and_review", "live_proctor"])
def test_a_session_that_people_judge_is_told_when_they_have(place: Place, session_type: str) -> None:
    session = place.ended(session_type)
    place.finalise(session)
    assert place.rows() == []
    rate(place.db, place.config, session.uuid, "low", "phone on the table", "rita")
    [said] = bodies(place)
    assert (said["final_rating"], said["proview_index"], said["rated_by"]) == ("low", "high", "reviewer")
    assert "phone" not in place.rows()[0].body


def test_rated_before_the_recording_is_made_it_waits_for_the_recording(place: Place) -> None:
    session = place.ended("record_and_review")
    rate(place.db, place.config, session.uuid, "high", "", "rita")
    assert place.rows() == []
    place.finalise(session)
    assert [said["final_rating"] for said in bodies(place)] == ["high"]


@pytest.mark.parametrize(("when", "type_", "told"), [("rated", "ai_proctor", False), ("finalised", "live_proctor", True)])  # fmt: skip
def test_an_account_chooses_when(make_place: Callable[..., Place], when: str, type_: str, told: bool) -> None:
    place = make_place(callback_when=when)
    place.finalise(place.ended(type_))
    assert bool(place.rows()) == told


def test_what_nobody_judged_has_no_rating_even_when_it_is_told_early(make_place: Callable[..., Place]) -> None:
    place = make_place(callback_when="finalised")
    place.finalise(place.ended("live_proctor"))
    [said] = bodies(place)
    assert (said["final_rating"], said["proview_index"]) == (None, "high")


def test_only_news_is_told_again(place: Place) -> None:
    session = place.ended()
    place.finalise(session)
    place.finalise(session)  # late pieces that change nothing of what is told
    assert len(place.rows()) == 1
    rate(place.db, place.config, session.uuid, "low", "", "rita")
    rate(place.db, place.config, session.uuid, "low", "looked again", "rita")
    assert [said["final_rating"] for said in bodies(place)] == ["high", "low"]
    assert len({said["delivery"] for said in bodies(place)}) == 2


def test_without_a_url_nothing_is_written(make_place: Callable[..., Place]) -> None:
    place = make_place(callback_url=None, callback_secret=None)
    place.finalise(place.ended())
    assert place.rows() == []


def test_a_sitting_is_told_once_when_all_of_it_is_there(place: Place) -> None:
    first = place.ended(external_id="long")
    second = place.ended(external_id="long", sitting=first.uuid)
    open_one, _ = place.sessions.start(
        StartRequest("main", "long", "anna", None, "ai_proctor", None, "https://exam.example.edu")
    )
    place.change(open_one, sitting=first.uuid)
    place.finalise(first)
    place.finalise(second)
    assert place.rows() == []
    place.sessions.end(open_one.uuid, State.STOPPED, "page")
    assert place.rows() == []
    place.finalise(open_one)
    [said] = bodies(place)
    assert said["session_uuid"] == first.uuid
    assert said["sitting"] == [first.uuid, second.uuid, open_one.uuid]
    assert said["started_at"] == first.started_at


def test_each_due_callback_is_claimed_by_one(any_place: Place) -> None:
    for number in range(12):
        any_place.finalise(any_place.ended(external_id=f"e{number}"))
    taken: list[str] = []
    barrier = threading.Barrier(3)

    def claim() -> None:
        store = CallbackStore(any_place.db)
        barrier.wait()
        while due := store.claim(2):
            taken.extend(one.delivery for one in due)

    threads = [threading.Thread(target=claim) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 12
    assert any_place.callbacks.claim() == []


def test_a_claim_of_a_crashed_worker_ends_by_itself(place: Place) -> None:
    place.finalise(place.ended())
    [first] = place.callbacks.claim()
    assert place.callbacks.claim() == []
    place.due_now()  # the lease is over
    [second] = place.callbacks.claim()
    assert (second.delivery, second.body) == (first.delivery, first.body)
    assert (first.attempt, second.attempt) == (1, 2)
    place.callbacks.failed(first, 500, "the dead worker's late word")
    assert place.callbacks.claim() == [], "the late word of the first worker must not free the second one's claim"


def test_waiting_grows_and_ends_after_the_last_attempt(place: Place) -> None:
    place.finalise(place.ended())
    waits = []
    for _ in range(MOST_ATTEMPTS):
        place.due_now()
        [due] = place.callbacks.claim()
        waits.append(place.callbacks.failed(due, 500, "no"))
    assert waits[-1] is None
    numbers = [wait for wait in waits if wait is not None]
    assert 8 <= numbers[0] <= 12 and 16 <= numbers[1] <= 24
    assert all(wait <= 4320 for wait in numbers) and sum(numbers) > 18 * 3600
    assert place.callbacks.counts() == {"pending": 0, "delivered": 0, "failed": 1}
    assert place.callbacks.next_due_s() is None


def test_a_receiver_may_ask_for_more_time_but_not_for_ever(place: Place) -> None:
    place.finalise(place.ended())
    [due] = place.callbacks.claim()
    assert place.callbacks.failed(due, 503, "later", retry_after_s=120) == 120
    place.due_now()
    [due] = place.callbacks.claim()
    assert place.callbacks.failed(due, 503, "later", retry_after_s=float("inf")) == 3600


def test_replay_sends_the_same_delivery_from_the_start(place: Place) -> None:
    place.finalise(place.ended())
    [due] = place.callbacks.claim()
    place.callbacks.delivered(due, 204)
    assert place.callbacks.replay(place.rows()[0].id)
    [again] = place.callbacks.claim()
    assert (again.delivery, again.body, again.attempt) == (due.delivery, due.body, 1)
    assert not place.callbacks.replay(987_654)


def test_deleting_a_session_takes_its_callbacks_along(place: Place) -> None:
    session = place.ended()
    place.finalise(session)
    place.sessions.delete(session.uuid)
    assert place.rows() == []
