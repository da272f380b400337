"""What hostile or broken browsers send as events (docs/events.md): a clear refusal, or stored as harmless as it can be."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_proview.catalogue import FORGED, SERVER_ONLY
from flask_proview.service.app import create_app
from flask_proview.service.events_input import MAX_BATCH
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.events import FUTURE_TOLERANCE_MS
from flask_proview.sessions.models import Event, State

from .build import make_config, post, start

SESSIONS = "/proview/v1/sessions"
HOSTILE = "<img src=x onerror=alert(1)>\0\u202egnp.exe\r\nSet-Cookie: a=b\u200b=cmd|'/c calc'!A1 \U0001f4a5"


@pytest.fixture
def started(app: Flask, runtime: Runtime) -> dict[str, Any]:
    return start(app, runtime)


def event(seq: int, **changes: object) -> dict[str, object]:
    return {"seq": seq, "event_type_id": 5, "name": "Window Focus-Out", "at": 10, "data": {}, **changes}


def send(client: FlaskClient, started: dict[str, Any], *events: object, kind: str = "session") -> Any:
    path = f"{SESSIONS}/{started['session_uuid']}/events"
    return post(client, path, {"events": list(events)}, token=started[f"{kind}_token"])


def stored(runtime: Runtime, started: dict[str, Any]) -> list[Event]:
    session = runtime.sessions.get(started["session_uuid"])
    assert session is not None
    return [row for row in runtime.events.of(session.id) if row.client_seq is not None]


def test_times_before_and_after_the_session_are_moved_to_its_edge(
    client: FlaskClient, runtime: Runtime, started: dict[str, Any]
) -> None:
    times = (-(2**53) + 1, -1, 2**53 - 1, 4_102_444_800_000)
    assert send(client, started, *(event(n, at=at) for n, at in enumerate(times))).status_code == 200
    rows = {row.client_seq: row for row in stored(runtime, started)}
    assert [rows[n].at_ms for n in (0, 1)] == [0, 0]
    assert all(FUTURE_TOLERANCE_MS <= rows[n].at_ms < FUTURE_TOLERANCE_MS + 600_000 for n in (2, 3))
    assert [rows[n].data["sent_at"] for n in range(4)] == list(times)


def test_names_and_severities_are_the_catalogues_whatever_is_claimed(
    client: FlaskClient, runtime: Runtime, started: dict[str, Any]
) -> None:
    claimed = event(0, event_type_id=10006, name="Network Restored", severity="info", weight=0, by="server")
    unknown = event(1, event_type_id=424_242, name=HOSTILE, severity="high")
    assert send(client, started, claimed, unknown).status_code == 200
    rows = stored(runtime, started)
    assert [row.name for row in rows] == ["Text Pasted", HOSTILE.replace("\0", "\ufffd")[:80]]
    runtime.users.add("ruth", "reviewer", "correct horse battery")
    login = {"username": "ruth", "password": "correct horse battery"}
    bearer = post(client, "/proview/v1/user/login", login, origin=None).get_json()["access_token"]
    path = f"{SESSIONS}/{started['session_uuid']}"
    details = client.get(path, headers={"Authorization": f"Bearer {bearer}"}).get_json()
    told = {row["event_type_id"]: row for row in details["events"]}
    assert (told[10006]["name"], told[10006]["severity"], told[10006]["by"]) == ("Text Pasted", "medium", "browser")
    assert (told[424_242]["severity"], told[424_242]["heuristic"]) == ("info", False)
    assert [part["event_type_id"] for part in details["proview_index"]["contributions"]] == [10006]


@pytest.mark.parametrize("claimed", sorted(SERVER_ONLY))
def test_what_only_the_server_makes_is_put_on_record_as_forged(
    client: FlaskClient, runtime: Runtime, started: dict[str, Any], claimed: int
) -> None:
    assert send(client, started, event(0, event_type_id=claimed, data={"rating": "high"})).status_code == 200
    (row,) = stored(runtime, started)
    assert (row.event_type_id, row.data) == (FORGED, {"claimed": claimed})


def test_a_number_that_was_used_keeps_its_event(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:
    send(client, started, event(7, event_type_id=10006))
    again = send(client, started, event(7, event_type_id=4, name="Window Focus-In", data={"nothing": "happened"}))
    assert again.get_json() == {"seqs": [7]}
    assert [(row.event_type_id, row.data) for row in stored(runtime, started)] == [(10006, {})]


def test_hostile_text_in_data_is_text_and_big_data_is_left_out(
    client: FlaskClient, runtime: Runtime, started: dict[str, Any]
) -> None:
    data = {"text": HOSTILE, HOSTILE: [HOSTILE], "__proto__": {"a": 1}}
    assert send(client, started, event(0, data=data), event(1, data={"x": "y" * 5000})).status_code == 200
    first, second = stored(runtime, started)
    clean = HOSTILE.replace("\0", "\ufffd")
    assert first.data == {"text": clean, clean: [clean], "__proto__": {"a": 1}}
    assert second.data == {"truncated": True}


def test_events_of_another_session_need_its_token(
    client: FlaskClient, app: Flask, runtime: Runtime, started: dict[str, Any]
) -> None:
    foreign = start(app, runtime, profile="berta", session="attempt-9")
    mixed = {**started, "session_uuid": foreign["session_uuid"]}
    for kind in ("session", "drain"):
        assert send(client, mixed, event(0), kind=kind).status_code == 401
    assert stored(runtime, foreign) == []


def test_a_flood_ends_at_the_quota_and_hurts_nobody_else(tmp_path: Any) -> None:
    runtime = build_runtime(make_config(tmp_path, media={"live": "off"}, limits={"events_per_session": 1000}))
    runtime.start()
    try:
        app = create_app(runtime)
        client = app.test_client()
        flooding, quiet = start(app, runtime), start(app, runtime, profile="berta", session="attempt-9")
        answers = []
        for first in range(0, 2000, MAX_BATCH):
            answers.append(send(client, flooding, *(event(n) for n in range(first, first + MAX_BATCH))).status_code)
        assert answers == [200] * 5 + [413] * 5
        refused = send(client, flooding, event(10**6))
        assert (refused.status_code, refused.get_json()["code"]) == (413, "event_quota")
        assert len(stored(runtime, flooding)) == 1000
        assert send(client, quiet, event(0)).status_code == 200
        # What the server itself has to say is still written down.
        row = runtime.sessions.get(flooding["session_uuid"])
        assert row is not None
        runtime.events.add_server(row.id, 10026, 0)
        assert len(runtime.events.of(row.id)) > 1000
    finally:
        runtime.stop()


def test_events_that_come_after_the_end_want_the_recording_made_again(
    client: FlaskClient, runtime: Runtime, started: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.sessions.end(started["session_uuid"], State.STOPPED, "api")
    wanted: list[str] = []
    monkeypatch.setattr(runtime.jobs, "finalise_soon", lambda uuid, delay_s=0.0: wanted.append(uuid))
    assert send(client, started, kind="drain").get_json() == {"seqs": []}
    assert wanted == []
    for n in range(5):
        assert send(client, started, event(n), kind="drain").get_json() == {"seqs": [n]}
    assert wanted == [started["session_uuid"]]
    assert len(stored(runtime, started)) == 5
