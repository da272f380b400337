from __future__ import annotations

from flask.testing import FlaskClient

from flask_proview.catalogue import RATED
from flask_proview.service.runtime import Runtime
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
