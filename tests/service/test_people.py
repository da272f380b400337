"""Attendee and workflow: checked, kept, shown to back ends, and never decisive."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Session

from .build import launch_token, post, start

ANNA = {"identifier": "anna", "first_name": "Anna", "email": "anna@example.edu", "country_code": "DEU"}


def row_of(runtime: Runtime, uuid: str) -> Session:
    row = runtime.sessions.get(uuid)
    assert row is not None
    return row


def begin(app: Flask, runtime: Runtime, **body: Any) -> Any:
    return post(app.test_client(), "/proview/v1/sessions", {"launch": launch_token(runtime), **body})


def test_told_at_the_start_and_kept(app: Flask, runtime: Runtime) -> None:
    told = {**ANNA, "shoe_size": 41, "__proto__": {"x": 1}, "last_name": "", "phone": None}
    answer = begin(app, runtime, attendee=told, workflow={"identifier": 17, "title": "Algebra"}).get_json()
    row = row_of(runtime, answer["session_uuid"])
    assert row.attendee == ANNA and row.workflow == {"identifier": "17", "title": "Algebra"}


def test_a_resumed_session_learns_and_does_not_forget(app: Flask, runtime: Runtime) -> None:
    uuid = begin(app, runtime, attendee=ANNA).get_json()["session_uuid"]
    again = begin(app, runtime, workflow={"identifier": "w"})
    assert again.status_code == 200 and again.get_json()["session_uuid"] == uuid
    assert (row_of(runtime, uuid).attendee, row_of(runtime, uuid).workflow) == (ANNA, {"identifier": "w"})


def test_told_later(app: Flask, runtime: Runtime) -> None:
    started = start(app, runtime)
    path, token = f"/proview/v1/sessions/{started['session_uuid']}/describe", started["session_token"]
    answer = post(app.test_client(), path, {"attendee": ANNA}, token=token)
    assert answer.get_json() == {"attendee": ANNA, "workflow": {}}
    assert post(app.test_client(), path, {}, token=token).get_json()["attendee"] == ANNA
    assert post(app.test_client(), path, {"attendee": ANNA}).status_code == 401
    other = post(app.test_client(), path, {"attendee": ANNA}, token=token, origin="https://evil.example")
    assert other.status_code == 403


def test_after_the_end_nothing_is_taken(app: Flask, runtime: Runtime) -> None:
    started = start(app, runtime)
    base, token = f"/proview/v1/sessions/{started['session_uuid']}", started["session_token"]
    post(app.test_client(), f"{base}/stop", {}, token=token)
    answer = post(app.test_client(), f"{base}/describe", {"attendee": ANNA}, token=token)
    assert (answer.status_code, answer.get_json()["code"]) == (410, "session_ended")


def test_somebody_elses_name_is_refused(app: Flask, runtime: Runtime) -> None:
    refused = begin(app, runtime, attendee={"identifier": "bob"})
    assert refused.status_code == 400
    assert refused.get_json()["validationErrors"][0]["path"] == "attendee.identifier"
    started = start(app, runtime)
    path = f"/proview/v1/sessions/{started['session_uuid']}/describe"
    later = post(app.test_client(), path, {"attendee": {"identifier": "bob"}}, token=started["session_token"])
    assert later.status_code == 400 and row_of(runtime, started["session_uuid"]).attendee == {}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"attendee": "anna"}, "attendee"),
        ({"attendee": ["anna"]}, "attendee"),
        ({"workflow": 7}, "workflow"),
        ({"attendee": {"identifier": {}}}, "attendee.identifier"),
        ({"attendee": {"identifier": True}}, "attendee.identifier"),
        ({"attendee": {"first_name": "x" * 129}}, "attendee.first_name"),
        ({"attendee": {"country_code": "GERMANY"}}, "attendee.country_code"),
        ({"attendee": {"email": "a\r\nBcc: b@example.edu"}}, "attendee.email"),
        ({"attendee": {"first_name": "\ud800"}}, "attendee.first_name"),
        ({"workflow": {"title": "\0"}}, "workflow.title"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    app: Flask, runtime: Runtime, body: dict[str, Any], path: str
) -> None:
    refused = begin(app, runtime, **body)
    assert refused.status_code == 400, refused.text
    assert [one["path"] for one in refused.get_json()["validationErrors"]] == [path]
    assert runtime.sessions.search().rows == []
    started = start(app, runtime)
    later = f"/proview/v1/sessions/{started['session_uuid']}/describe"
    assert post(app.test_client(), later, body, token=started["session_token"]).status_code == 400


def test_a_huge_body_is_refused_unread(app: Flask, runtime: Runtime) -> None:
    assert begin(app, runtime, attendee={"identifier": "x" * 10_000_000}).status_code == 413
