from __future__ import annotations

from flask import Flask

from flask_proview.catalogue import EVENTS


def test_anybody_may_read_what_events_mean(app: Flask) -> None:
    answer = app.test_client().get("/proview/v1/events/catalogue", headers={"Origin": "https://lms.example"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    listed = answer.get_json()["events"]
    assert [row["event_type_id"] for row in listed] == sorted(EVENTS)
    by_number = {row["event_type_id"]: row for row in listed}
    assert by_number[5] == {
        "event_type_id": 5,
        "name": "Window Focus-Out",
        "meaning": EVENTS[5].meaning,
        "severity": "medium",
        "weight": 3,
        "documented": True,
        "source": "browser",
        "rests_on": EVENTS[5].basis.rests_on,
        "heuristic": False,
    }
    assert by_number[10058]["heuristic"] is True


def test_the_list_of_events_is_not_taken_for_a_session(app: Flask) -> None:
    assert app.test_client().post("/proview/v1/events/catalogue").status_code == 405
