from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_proview.service.app import create_app
from flask_proview.service.approval_api import let_in
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.approvals import Approval, history
from flask_proview.sessions.models import State
from tests.jpeg_factory import jpeg

from .build import ORIGIN, launch_token, make_config, post
from .test_photos_api import put


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def begin(client: FlaskClient, runtime: Runtime, session: str = "attempt-7", **more: Any) -> dict[str, Any]:
    body = {"launch": launch_token(runtime, session=session, session_type="live_proctor"), **more}
    answer: dict[str, Any] = post(client, "/proview/v1/sessions", body).get_json()
    return answer


def asks(client: FlaskClient, started: dict[str, Any], body: object = None) -> Any:
    return post(
        client, f"/proview/v1/sessions/{started['session_uuid']}/approval", body, token=started["session_token"]
    )


def photograph(client: FlaskClient, started: dict[str, Any], grey: int = 100) -> None:
    for number, kind in enumerate(("id", "face")):
        assert put(client, started["session_uuid"], started["session_token"], jpeg(64, 64, grey + number), kind).status_code in (200, 201)  # fmt: skip


@pytest.fixture
def started(client: FlaskClient, runtime: Runtime) -> dict[str, Any]:
    started = begin(client, runtime)
    photograph(client, started)
    return started


def test_live_proctor_asks_for_everything_and_a_page_cannot_take_it_away(client: FlaskClient, runtime: Runtime) -> None:
    options = {"isIDRequired": False, "skipHardwareTest": True, "screen": False, "approval": False}
    policy = begin(client, runtime, options=options)["policy"]
    assert policy["checks"] == {"id": True, "face": True, "audio": True, "approval": True}
    assert policy["screen"] is True


def test_a_page_may_ask_for_more(client: FlaskClient, runtime: Runtime) -> None:
    body = {"launch": launch_token(runtime, session="more"), "options": {"isIDRequired": True, "screen": True}}
    policy = post(client, "/proview/v1/sessions", body).get_json()["policy"]
    assert policy["checks"] == {"id": True, "face": False, "audio": False, "approval": False}
    assert policy["tracks"] == ["camera", "screen"]


def test_nobody_waits_without_the_photos(client: FlaskClient, runtime: Runtime) -> None:
    answer = asks(client, begin(client, runtime))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "photos_missing")
    assert "id, face" in answer.get_json()["message"]


def test_a_candidate_waits_is_rejected_tries_again_and_is_let_in(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:  # fmt: skip
    uuid = started["session_uuid"]
    assert asks(client, started).get_json() == {"approval": "waiting", "reason": None, "somebody": False}
    assert asks(client, started).get_json()["approval"] == "waiting"
    let_in(runtime, uuid, Approval.REJECTED, " The name cannot be read. ", "pat")
    rejected = {"approval": "rejected", "reason": "The name cannot be read.", "somebody": False}
    assert asks(client, started).get_json() == rejected
    assert begin(client, runtime)["checks"] == {"photos": ["id", "face"], "approval": "rejected", "reason": rejected["reason"]}  # fmt: skip
    photograph(client, started, 140)
    assert asks(client, started, {"again": True}).get_json()["approval"] == "waiting"
    let_in(runtime, uuid, Approval.APPROVED, "", "rob")
    assert asks(client, started, {"again": True}).get_json()["approval"] == "approved"
    row = runtime.sessions.get(uuid)
    assert row is not None
    with runtime.db.read() as orm:
        words = [(word.approval, word.by, word.reason) for word in history(orm, row)]
    assert words == [
        ("approved", "rob", ""),
        ("waiting", "", ""),
        ("rejected", "pat", "The name cannot be read."),
        ("waiting", "", ""),
    ]


def test_the_word_waits_in_the_mailbox_and_polls_bring_it(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:  # fmt: skip
    asks(client, started)
    path, token = f"/proview/v1/sessions/{started['session_uuid']}/poll", started["session_token"]
    cursor = post(client, path, {"client": "a" * 8}, token=token).get_json()["cursor"]
    let_in(runtime, started["session_uuid"], Approval.APPROVED, "", "pat")
    answer = post(client, path, {"client": "a" * 8, "cursor": cursor}, token=token).get_json()
    assert answer["messages"] == [{"type": "approval"}]


def test_another_worker_and_a_restart_know_it(runtime: Runtime, client: FlaskClient, started: dict[str, Any]) -> None:
    asks(client, started)
    other = build_runtime(runtime.config)
    other.start()
    try:
        let_in(other, started["session_uuid"], Approval.APPROVED, "", "pat")
        assert asks(client, started).get_json()["approval"] == "approved"
        assert begin(create_app(other).test_client(), other)["checks"]["approval"] == "approved"
    finally:
        other.stop()


def test_a_sitting_is_let_in_once(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:
    asks(client, started)
    let_in(runtime, started["session_uuid"], Approval.APPROVED, "", "pat")
    following = begin(client, runtime, continues=started["session_uuid"])
    assert following["session_uuid"] != started["session_uuid"]
    assert following["checks"]["approval"] == "approved"


def test_another_attempt_of_the_same_candidate_is_looked_at_again(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:  # fmt: skip
    asks(client, started)
    let_in(runtime, started["session_uuid"], Approval.APPROVED, "", "pat")
    runtime.sessions.end(started["session_uuid"], State.STOPPED, "page")
    assert begin(client, runtime)["checks"] == {"photos": [], "approval": None, "reason": None}


def test_an_open_console_says_that_somebody_is_there(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:  # fmt: skip
    reviewer = runtime.users.add("rita", "reviewer", "correct-horse-battery")
    runtime.logins.open(reviewer, "127.0.0.1")
    assert asks(client, started).get_json()["somebody"] is False
    runtime.logins.open(runtime.users.add("pat", "proctor", "correct-horse-battery"), "127.0.0.1")
    assert asks(client, started).get_json()["somebody"] is True
    runtime.users.set_disabled("pat", True)
    assert asks(client, started).get_json()["somebody"] is False


def test_types_without_approval_let_everybody_in(client: FlaskClient, runtime: Runtime) -> None:
    answer = post(client, "/proview/v1/sessions", {"launch": launch_token(runtime, session="plain")}).get_json()
    assert asks(client, answer).get_json()["approval"] == "approved"
    row = runtime.sessions.get(answer["session_uuid"])
    assert row is not None and row.approval is None


def test_an_ended_session_waits_for_nobody(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:
    runtime.sessions.end(started["session_uuid"], State.STOPPED, "page")
    assert asks(client, started).get_json()["code"] == "session_ended"


@pytest.mark.parametrize("body", [[], "yes", 7])
def test_nonsense_is_refused(client: FlaskClient, started: dict[str, Any], body: object) -> None:
    assert asks(client, started, body).status_code == 400


def test_tokens_and_origins_are_checked(client: FlaskClient, runtime: Runtime, started: dict[str, Any]) -> None:
    path = f"/proview/v1/sessions/{started['session_uuid']}/approval"
    other = begin(client, runtime, session="another")
    for token in (None, "x", other["session_token"], started["drain_token"], launch_token(runtime)):
        assert post(client, path, token=token).status_code == 401
    assert post(client, path, token=started["session_token"], origin=None).status_code == 403
    assert post(client, path, token=started["session_token"], origin=ORIGIN).status_code == 200


@pytest.fixture
def lax(tmp_path: Path) -> Iterator[Runtime]:
    """An account that wants no photos and no screen from live_proctor, only the approval."""
    types = {"live_proctor": {"id_photo": False, "face_photo": False, "audio_check": False, "screen": False}}
    account = {"name": "main", "token": "11111111-2222", "domains": ["exam.example.edu"], "types": types}
    runtime = build_runtime(make_config(tmp_path / "lax", media={"live": "off"}, accounts=[account]))  # type: ignore[arg-type]
    runtime.start()
    yield runtime
    runtime.stop()


def test_an_account_can_ask_for_the_approval_alone(lax: Runtime) -> None:
    client = create_app(lax).test_client()
    started = begin(client, lax)
    assert started["policy"]["checks"] == {"id": False, "face": False, "audio": False, "approval": True}
    assert started["policy"]["live"] == "off"
    assert asks(client, started).get_json()["approval"] == "waiting"
