"""Every token kind against every endpoint: only the one that was made for it opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_proview.service.runtime import Runtime
from flask_proview.tokens import Kind, TokenSigner

from .build import ACCOUNT_TOKEN, ORIGIN, launch_token, post, put_piece, start

Call = Callable[[FlaskClient, str, str], TestResponse]
S = "/proview/v1/sessions"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Origin": ORIGIN}


ENDPOINTS: dict[str, tuple[set[str], Call]] = {
    "start": ({"launch"}, lambda c, u, t: post(c, S, {"launch": t})),
    "stop": ({"session"}, lambda c, u, t: post(c, f"{S}/{u}/stop", token=t)),
    "pause": ({"session"}, lambda c, u, t: post(c, f"{S}/{u}/pause", token=t)),
    "resume": ({"session"}, lambda c, u, t: post(c, f"{S}/{u}/resume", token=t)),
    "token": ({"session"}, lambda c, u, t: post(c, f"{S}/{u}/token", token=t)),
    "heartbeat": ({"session"}, lambda c, u, t: post(c, f"{S}/{u}/heartbeat", token=t)),
    "events": ({"session", "drain"}, lambda c, u, t: post(c, f"{S}/{u}/events", {"events": []}, token=t)),
    "piece": ({"session", "drain"}, lambda c, u, t: put_piece(c, u, t, b"piece")),
    "coverage": (
        {"session", "drain"},
        lambda c, u, t: c.get(f"{S}/{u}/tracks/camera/coverage", headers=bearer(t)),
    ),
    "details": ({"bearer"}, lambda c, u, t: c.get(f"{S}/{u}", headers=bearer(t))),
    "refresh": ({"refresh"}, lambda c, u, t: post(c, "/proview/v1/user/refresh", {"refresh_token": t})),
    "ticket": (
        {"bearer"},
        lambda c, u, t: post(
            c, "/proview/v1/playback-token", {"proview_token": ACCOUNT_TOKEN, "session_uuid": u}, token=t
        ),
    ),
    "playback": ({"ticket", "bearer"}, lambda c, u, t: c.get(f"/proview/v1/playback/{u}", headers=bearer(t))),
    "playback by URL": ({"ticket"}, lambda c, u, t: c.get(f"/proview/v1/playback/{u}?ticket={t}")),
    "media": ({"ticket"}, lambda c, u, t: c.get(f"/proview/media/{u}/camera.webm?ticket={t}")),
}
# The recording does not exist yet: let through means 404 recording_unknown.
PASSED = {"media": 404}


@pytest.fixture
def tokens(app: Flask, runtime: Runtime) -> dict[str, str]:
    """A good token of every kind for one session, and its uuid."""
    started = start(app, runtime)
    runtime.users.add("ada", "admin", "correct horse battery")
    body = {"username": "ada", "password": "correct horse battery"}
    login = post(app.test_client(), "/proview/v1/user/login", body, origin=None).get_json()
    ticket = {"sid": started["session_uuid"], "account": "main"}
    return {
        "uuid": started["session_uuid"],
        "launch": launch_token(runtime),
        "session": started["session_token"],
        "drain": started["drain_token"],
        "bearer": login["access_token"],
        "refresh": login["refresh_token"],
        "ticket": runtime.signer.issue(Kind.TICKET, ticket, 60),
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_takes_only_its_own_kind(app: Flask, tokens: dict[str, str], endpoint: str) -> None:
    allowed, call = ENDPOINTS[endpoint]
    uuid = tokens["uuid"]
    bad = ["", "x", "null", ACCOUNT_TOKEN, uuid, "a.b.c", "=" * 4000]
    for kind in (*Kind, *bad):
        token = tokens.get(str(kind), str(kind))
        status = call(app.test_client(), uuid, token).status_code
        if str(kind) in allowed:
            assert status == PASSED.get(endpoint, status), f"{kind} at {endpoint}: {status}"
            assert status in (200, 201, 404)
        else:
            assert status == 401, f"{kind} at {endpoint}: {status}"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_expired_foreign_and_forged_tokens_open_nothing(
    app: Flask, runtime: Runtime, tokens: dict[str, str], endpoint: str
) -> None:
    allowed, call = ENDPOINTS[endpoint]
    uuid = tokens["uuid"]
    for name in allowed:
        kind = Kind(name)
        claims = runtime.signer.read(kind, tokens[name])
        forger = TokenSigner(["f" * 40])
        expired = runtime.signer.issue(kind, claims, -1)
        for bad in (expired, forger.issue(kind, claims, 600), tokens[name][:-9], tokens[name] + "x" * 9):
            assert call(app.test_client(), uuid, bad).status_code == 401, f"{name} at {endpoint}"


@pytest.mark.parametrize("endpoint", ["stop", "pause", "token", "heartbeat", "events", "piece", "coverage"])
def test_a_session_token_opens_no_other_session(
    app: Flask, runtime: Runtime, tokens: dict[str, str], endpoint: str
) -> None:
    foreign = start(app, runtime, profile="berta", session="attempt-9")
    _, call = ENDPOINTS[endpoint]
    for kind in ("session", "drain"):
        answer = call(app.test_client(), foreign["session_uuid"], tokens[kind])
        assert answer.status_code == 401
    row = runtime.sessions.get(foreign["session_uuid"])
    assert row is not None
    assert row.state == "created"


def test_a_ticket_for_one_recording_says_404_for_every_other(app: Flask, runtime: Runtime, tokens: dict[str, str]) -> None:  # fmt: skip
    foreign = start(app, runtime, profile="berta", session="attempt-9")["session_uuid"]
    bodies = set()
    for uuid in (foreign, "11111111-2222-4333-8444-555555555555", "nonsense"):
        for path in (f"/proview/v1/playback/{uuid}", f"/proview/media/{uuid}/camera.webm"):
            answer = app.test_client().get(f"{path}?ticket={tokens['ticket']}")
            assert answer.status_code == 404
            bodies.add(answer.get_data())
    assert len(bodies) == 1, "existing and missing look the same"


@pytest.mark.parametrize(
    "header",
    ["Basic abc", "Bearer", "Bearer ", "Bearer a b", "bearer\ttoken", "Token x", "Bearer " + "x" * 20_000, "Bearer ä"],
)
def test_malformed_authorization_headers_are_401(app: Flask, tokens: dict[str, str], header: str) -> None:
    headers = {"Authorization": header.encode().decode("latin-1"), "Origin": ORIGIN}
    answer = app.test_client().post(f"{S}/{tokens['uuid']}/stop", json={}, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("others", [{}, {"Authorization": "Basic dXNlcjpwdw=="}, {"Authorization": "Bearer wrong"}])
def test_a_token_in_our_own_header_leaves_authorization_to_the_site(
    app: Flask, tokens: dict[str, str], others: dict[str, str]
) -> None:
    headers = {"X-Proview-Token": tokens["session"], "Origin": ORIGIN, **others}
    answer = app.test_client().post(f"{S}/{tokens['uuid']}/heartbeat", json={"t": 1}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["", " ", "Bearer abc", "a b", "x" * 20_000, "ä"])
def test_malformed_tokens_in_our_own_header_are_401_whatever_else_is_sent(
    app: Flask, tokens: dict[str, str], header: str
) -> None:
    headers = {**bearer(tokens["session"]), "X-Proview-Token": header.encode().decode("latin-1")}
    answer = app.test_client().post(f"{S}/{tokens['uuid']}/stop", json={}, headers=headers)
    assert answer.status_code == 401


def test_a_token_in_the_url_is_not_read(app: Flask, tokens: dict[str, str]) -> None:
    answer = app.test_client().post(
        f"{S}/{tokens['uuid']}/stop?token={tokens['session']}", json={}, headers={"Origin": ORIGIN}
    )
    assert answer.status_code == 401


def test_disabled_people_and_changed_passwords_end_bearer_tokens(app: Flask, runtime: Runtime, tokens: dict[str, str]) -> None:  # fmt: skip
    path, headers = f"{S}/{tokens['uuid']}", bearer(tokens["bearer"])
    assert app.test_client().get(path, headers=headers).status_code == 200
    runtime.users.set_disabled("ada", True)
    assert app.test_client().get(path, headers=headers).status_code == 401
    runtime.users.set_disabled("ada", False)
    assert app.test_client().get(path, headers=headers).status_code == 200
    runtime.users.set_password("ada", "another good password")
    answer: Any = app.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token_revoked")
