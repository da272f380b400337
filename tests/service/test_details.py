from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient

from flask_proview.catalogue import RATED
from flask_proview.service.details import session_details
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import State
from flask_proview.sessions.store import StartRequest
from flask_proview.tokens import Kind


def test_what_reviewers_wrote_is_not_shown_to_holders_of_a_ticket(client: FlaskClient, runtime: Runtime) -> None:
    account = runtime.config.accounts[0].name
    session, _ = runtime.sessions.start(
        StartRequest(account, "e1", "p1", None, "ai_proctor", None, "https://exam.example.edu")
    )
    runtime.events.add_server(session.id, RATED, 0, {"rating": "low", "note": "looked away", "by": "ann"})
    runtime.events.add_server(session.id, 3, 0)
    ticket = runtime.signer.issue(Kind.TICKET, {"sid": session.uuid, "account": account}, 60)
    answer = client.get(f"/proview/v1/playback/{session.uuid}?ticket={ticket}")
    assert answer.status_code == 200, answer.text
    assert "looked away" not in answer.text
    assert [event["event_type_id"] for event in answer.get_json()["events"]] == [3]


def test_parts_of_a_sitting_name_each_other_and_one_ticket_opens_all(client: FlaskClient, runtime: Runtime) -> None:
    account = runtime.config.accounts[0].name
    asked = StartRequest(account, "e1", "p1", None, "ai_proctor", None, "https://exam.example.edu")
    first, _ = runtime.sessions.start(asked)
    alone = session_details(runtime, first.uuid)
    assert (alone["previous"], alone["next"], alone["sitting"]) == (None, None, None)
    second, _ = runtime.sessions.start(replace(asked, continues=first.uuid))
    other, _ = runtime.sessions.start(replace(asked, external_id="e2"))
    one, two = session_details(runtime, first.uuid), session_details(runtime, second.uuid)
    assert (one["previous"], one["next"]) == (None, second.uuid)
    assert (two["previous"], two["next"]) == (first.uuid, None)
    assert one["sitting"]["session_uuid"] == two["sitting"]["session_uuid"] == first.uuid
    assert [part["session_uuid"] for part in two["sitting"]["parts"]] == [first.uuid, second.uuid]
    assert one["sitting"]["ended_at"] is None
    ticket = runtime.signer.issue(Kind.TICKET, {"sid": first.uuid, "account": account}, 60)
    for uuid, status in ((first.uuid, 200), (second.uuid, 200), (other.uuid, 404)):
        assert client.get(f"/proview/v1/playback/{uuid}?ticket={ticket}").status_code == status
    shown = client.get(f"/proview/v1/playback/{second.uuid}?ticket={ticket}").get_json()
    assert shown["session"]["session_uuid"] == first.uuid
    assert shown["parts"][1]["offset_ms"] == second.started_at - first.started_at
    runtime.sessions.end(first.uuid, State.STOPPED, "limit")
    assert client.get(f"/proview/v1/playback/{first.uuid}?ticket={ticket}").get_json()["state"] == "created"
