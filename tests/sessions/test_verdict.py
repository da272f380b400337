from __future__ import annotations

import pytest

from flask_proview.sessions.models import Session
from flask_proview.sessions.verdict import Verdict, verdict_of


def part(session_type: str, rating: str | None = None, index: str | None = None) -> Session:
    return Session(session_type=session_type, final_rating=rating, proview_index=index)


@pytest.mark.parametrize("session_type", ["record_and_review", "live_proctor"])
def test_people_rate_what_people_watched(session_type: str) -> None:
    assert verdict_of([part(session_type, index="low")]) == Verdict(None, None, "low")
    assert verdict_of([part(session_type, "high", "low")]) == Verdict("high", "high", "low")


def test_the_index_counts_at_once_for_ai_proctor_until_somebody_rates() -> None:
    at_once = verdict_of([part("ai_proctor", index="medium")])
    assert (at_once.rating, at_once.by_index) == ("medium", True)
    rated = verdict_of([part("ai_proctor", "high", "medium")])
    assert (rated.rating, rated.by_index) == ("high", False)
    assert verdict_of([part("ai_proctor")]).rating is None


def test_a_sitting_has_the_newest_rating_and_the_worst_index() -> None:
    parts = [part("ai_proctor", "low", "high"), part("ai_proctor", "medium", "low"), part("ai_proctor")]
    assert verdict_of(parts) == Verdict("medium", "medium", "low")
