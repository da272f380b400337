"""The HTTP twins of the signal socket, and the details for back ends."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import State

from .build import ORIGIN, post, start

SESSIONS = "/proview/v1/sessions"


def test_pause_resume_and_stop_are_idempotent_and_told_to_the_console(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    uuid, token = answer["session_uuid"], answer["session_token"]
    told: list[str] = []
    runtime.bus.subscribe("console", lambda message: told.append(message["state"]))
    runtime.sessions.run_started(uuid)
    client = app.test_client()
    states = [
        post(client, f"{SESSIONS}/{uuid}/{action}", token=token).get_json()["state"]
        for action in ("pause", "pause", "resume", "resume", "stop", "stop", "resume", "pause")
    ]
    assert states == ["paused", "paused", "running", "running", "stopped", "stopped", "stopped", "stopped"]
    assert told == ["paused", "running", "stopped"]
    row = runtime.sessions.get(uuid)
    assert row is not None
    assert row.end_reason == "api"


def test_stop_keeps_a_known_reason_and_needs_no_body(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    uuid, token = answer["session_uuid"], answer["session_token"]
    post(app.test_client(), f"{SESSIONS}/{uuid}/stop", {"reason": "page"}, token=token)
    row = runtime.sessions.get(uuid)
    assert row is not None
    assert row.end_reason == "page"
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {token}"}
    assert app.test_client().post(f"{SESSIONS}/{uuid}/stop", headers=headers).status_code == 200


def test_tokens_are_renewed_while_the_session_is_open(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    uuid, token = answer["session_uuid"], answer["session_token"]
    renewed = post(app.test_client(), f"{SESSIONS}/{uuid}/token", token=token).get_json()
    assert set(renewed) == {"session_token", "drain_token", "expires_at"}
    assert renewed["session_token"] != token
    runtime.sessions.end(uuid, State.STOPPED, "page")
    gone = post(app.test_client(), f"{SESSIONS}/{uuid}/token", token=token)
    assert (gone.status_code, gone.get_json()["code"]) == (410, "session_ended")


def test_heartbeat_answers_with_the_clock_and_the_state(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    uuid, token = answer["session_uuid"], answer["session_token"]
    beat = post(app.test_client(), f"{SESSIONS}/{uuid}/heartbeat", {"t": 12.5}, token=token).get_json()
    assert beat["t"] == 12.5
    assert beat["state"] == "created"
    assert abs(beat["server_time"] - answer["server_time"]) < 60_000


def event(seq: int, **changes: object) -> dict[str, object]:
    return {"seq": seq, "event_type_id": 5, "name": "Window Focus-Out", "at": 10, "data": {}, **changes}


def test_events_are_stored_once_by_their_sequence_number(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    path, token = f"{SESSIONS}/{answer['session_uuid']}/events", answer["session_token"]
    client = app.test_client()
    assert post(client, path, {"events": [event(0), event(1)]}, token=token).get_json() == {"seqs": [0, 1]}
    assert post(client, path, {"events": [event(1), event(2)]}, token=token).get_json() == {"seqs": [1, 2]}
    row = runtime.sessions.get(answer["session_uuid"])
    assert row is not None
    assert sorted(e.client_seq for e in runtime.events.of(row.id) if e.client_seq is not None) == [0, 1, 2]


def test_recording_started_makes_the_session_run(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    path, token = f"{SESSIONS}/{answer['session_uuid']}/events", answer["session_token"]
    post(app.test_client(), path, {"events": [event(0, event_type_id=13, name="Recording Started")]}, token=token)
    row = runtime.sessions.get(answer["session_uuid"])
    assert row is not None
    assert row.state == "running"


@pytest.mark.parametrize(
    "events",
    [
        None,
        {},
        "x",
        [1],
        [event(-1)],
        [event(2**53)],
        [event(True)],
        [event(0, at=None)],
        [event(0, at="0")],
        [event(0, name=7)],
        [event(0, data=[])],
        [event(0, event_type_id=2**40)],
        [event(n) for n in range(201)],
    ],
)
def test_malformed_events_are_refused_as_a_whole(app: Flask, runtime: Runtime, events: object) -> None:
    answer = start(app, runtime)
    path = f"{SESSIONS}/{answer['session_uuid']}/events"
    refused = post(app.test_client(), path, {"events": events}, token=answer["session_token"])
    assert (refused.status_code, refused.get_json()["code"]) == (400, "validation")


def test_hostile_text_in_events_is_stored_as_text(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    path, token = f"{SESSIONS}/{answer['session_uuid']}/events", answer["session_token"]
    hostile = "<script>\u0000\u202e=cmd|'/c calc'!A1\r\n\ud800"
    data = {"title": hostile, "big": "x" * 100}
    body = json.dumps({"events": [event(0, name=hostile * 10, data=data), event(1, data={"big": "x" * 9000})]})
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {token}"}
    sent = app.test_client().post(path, data=body, content_type="application/json", headers=headers)
    assert sent.get_json() == {"seqs": [0, 1]}


def test_session_details_need_a_login(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    path = f"{SESSIONS}/{answer['session_uuid']}"
    assert app.test_client().get(path).status_code == 401
    candidate = {"Authorization": f"Bearer {answer['session_token']}"}
    assert app.test_client().get(path, headers=candidate).status_code == 401
    runtime.users.add("ruth", "reviewer", "correct horse battery")
    login = {"username": "ruth", "password": "correct horse battery"}
    bearer = post(app.test_client(), "/proview/v1/user/login", login, origin=None).get_json()["access_token"]
    details = app.test_client().get(path, headers={"Authorization": f"Bearer {bearer}"}).get_json()
    assert details["session_external_id"] == "attempt-7"
    assert details["profile_external_id"] == "anna"
    assert details["integrity"] == {"pieces": 0, "bytes": 0, "conflicts": 0, "damaged": 0}
    missing = app.test_client().get(f"{SESSIONS}/nope", headers={"Authorization": f"Bearer {bearer}"})
    assert (missing.status_code, missing.get_json()["code"]) == (404, "unknown_session")
