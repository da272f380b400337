from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_proview.service.app import create_app
from flask_proview.service.quota import Quota
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.models import State
from flask_proview.tokens import Kind

from .build import ACCOUNT_TOKEN, OPEN_TOKEN, ORIGIN, OTHER_ORIGIN, launch_token, make_config, post, start

SESSIONS = "/proview/v1/sessions"


def test_a_launch_token_starts_a_session_and_says_what_to_do(app: Flask, runtime: Runtime) -> None:
    answer = start(app, runtime)
    session = runtime.sessions.get(answer["session_uuid"])
    assert session is not None
    assert (session.account, session.external_id, session.profile_id, session.route) == (
        "main",
        "attempt-7",
        "anna",
        "exam",
    )
    assert answer["state"] == "created"
    assert answer["resumed"] is False
    assert answer["signal_url"] is None, "the test client has no sockets"
    assert answer["poll_url"] == f"http://localhost/proview/v1/sessions/{session.uuid}/poll"
    assert answer["base_url"] == "http://localhost/proview"
    assert (answer["session"], answer["profile_id"]) == ("attempt-7", "anna")
    policy = answer["policy"]
    assert policy["tracks"] == ["camera"]
    assert policy["title"] == "Algebra"
    assert policy["stop_paths"] == [r"^\/exam\/[^/]+\/done$"]
    assert policy["capture"]["camera"] == {"width": 640, "height": 480, "fps": 15, "kbps": 300}
    assert runtime.signer.read(Kind.SESSION, answer["session_token"])["sid"] == session.uuid
    assert runtime.signer.read(Kind.DRAIN, answer["drain_token"])["sid"] == session.uuid


def test_the_same_candidate_resumes_the_open_session(app: Flask, runtime: Runtime) -> None:
    first = start(app, runtime)
    again = post(app.test_client(), SESSIONS, {"launch": launch_token(runtime)})
    assert again.status_code == 200
    assert again.get_json()["resumed"] is True
    assert again.get_json()["session_uuid"] == first["session_uuid"]


def test_the_launch_cookie_of_the_named_route_is_enough(app: Flask, runtime: Runtime) -> None:
    client = app.test_client()
    client.set_cookie("proview_launch_exam", launch_token(runtime), path="/proview")
    assert post(client, SESSIONS, {"route": "exam"}).status_code == 201
    assert post(client, SESSIONS, {"route": "other"}).status_code == 401
    assert post(client, SESSIONS, {}).status_code == 401


def test_an_ended_session_is_continued_by_a_new_one(app: Flask, runtime: Runtime) -> None:
    first = start(app, runtime)
    runtime.sessions.end(first["session_uuid"], State.STOPPED, "page")
    second = start(app, runtime)
    assert second["session_uuid"] != first["session_uuid"]
    row = runtime.sessions.get(second["session_uuid"])
    assert row is not None
    assert row.continues == first["session_uuid"]


def test_a_session_is_open_until_the_one_that_goes_on_with_it_has_taken_over(app: Flask, runtime: Runtime) -> None:
    first = start(app, runtime)
    body = {"launch": launch_token(runtime), "continues": first["session_uuid"]}
    second = post(app.test_client(), SESSIONS, body)
    assert (second.status_code, second.get_json()["resumed"]) == (201, False)
    earlier = runtime.sessions.get(first["session_uuid"])
    assert earlier is not None and earlier.state == "created"
    again = post(app.test_client(), SESSIONS, body)
    assert (again.status_code, again.get_json()["session_uuid"]) == (200, second.get_json()["session_uuid"])
    url = f"{SESSIONS}/{first['session_uuid']}/stop"
    for at in (0, True, -1, "x", None, 2**60, 1.5):
        answer = post(app.test_client(), url, {"reason": "limit", "at": at}, token=first["session_token"])
        assert answer.get_json() == {"state": "stopped"}
    earlier, later = (runtime.sessions.get(one["session_uuid"]) for one in (first, second.get_json()))
    assert earlier is not None and later is not None
    assert (earlier.end_reason, earlier.ended_at) == ("limit", later.started_at)


def test_a_page_that_was_gone_in_mid_handover_leaves_one_session_open(app: Flask, runtime: Runtime) -> None:
    first = start(app, runtime)
    second = post(app.test_client(), SESSIONS, {"launch": launch_token(runtime), "continues": first["session_uuid"]})
    page = post(app.test_client(), SESSIONS, {"launch": launch_token(runtime)})
    assert page.get_json()["session_uuid"] == second.get_json()["session_uuid"]
    earlier = runtime.sessions.get(first["session_uuid"])
    assert earlier is not None
    assert (earlier.state, earlier.end_reason) == ("stopped", "limit")


@pytest.mark.parametrize("state", [State.TERMINATED, State.STOPPED])
def test_a_session_that_somebody_ended_is_not_gone_on_with(app: Flask, runtime: Runtime, state: State) -> None:
    first = start(app, runtime)
    runtime.sessions.end(first["session_uuid"], state, "proctor")
    body = {"launch": launch_token(runtime), "continues": first["session_uuid"]}
    answer = post(app.test_client(), SESSIONS, body)
    assert (answer.status_code, answer.get_json()["code"]) == (410, "session_ended")


def test_a_silent_session_is_gone_on_with_in_the_same_sitting(app: Flask, runtime: Runtime) -> None:
    first = start(app, runtime)
    runtime.sessions.end(first["session_uuid"], State.EXPIRED, "heartbeat")
    body = {"launch": launch_token(runtime), "continues": first["session_uuid"]}
    row = runtime.sessions.get(post(app.test_client(), SESSIONS, body).get_json()["session_uuid"])
    assert row is not None and row.sitting == first["session_uuid"]


def test_nobody_continues_another_candidates_session(app: Flask, runtime: Runtime) -> None:
    foreign = start(app, runtime, profile="berta")
    body = {"launch": launch_token(runtime), "continues": foreign["session_uuid"]}
    answer = post(app.test_client(), SESSIONS, body)
    assert answer.status_code == 400
    assert answer.get_json()["validationErrors"][0]["path"] == "continues"
    untouched = runtime.sessions.get(foreign["session_uuid"])
    assert untouched is not None
    assert untouched.state == "created"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"session": "attempt-8"}, "launch_mismatch"),
        ({"profile_id": "berta"}, "launch_mismatch"),
        ({"session_type": "live_proctor"}, "launch_mismatch"),
        ({"sessionType": "live_proctor"}, "launch_mismatch"),
        ({"route": "r9"}, "launch_mismatch"),
        ({"token": OPEN_TOKEN}, "launch_mismatch"),
        ({"token": "unknown"}, "launch_mismatch"),
    ],
)
def test_a_body_that_contradicts_the_launch_token_is_refused(
    client: FlaskClient, runtime: Runtime, body: dict[str, Any], code: str
) -> None:
    answer = post(client, SESSIONS, {"launch": launch_token(runtime), **body})
    assert (answer.status_code, answer.get_json()["code"]) == (403, code)


def test_a_body_that_agrees_with_the_launch_token_is_fine(client: FlaskClient, runtime: Runtime) -> None:
    body = {
        "launch": launch_token(runtime),
        "token": ACCOUNT_TOKEN,
        "session": "attempt-7",
        "profile_id": "anna",
        "session_type": "ai_proctor",
        "sessionType": "ai_proctor",
        "unknown": {"ignored": True},
    }
    assert post(client, SESSIONS, body).status_code == 201


def test_a_launch_without_ids_takes_them_from_the_page(client: FlaskClient, runtime: Runtime) -> None:
    launch = launch_token(runtime, session=None, profile=None, session_type=None)
    assert post(client, SESSIONS, {"launch": launch}).status_code == 400
    answer = post(client, SESSIONS, {"launch": launch, "session": 4711, "session_type": "record_and_review"})
    assert answer.status_code == 201
    assert answer.get_json()["session"] == "4711"
    assert answer.get_json()["policy"]["tracks"] == ["camera", "screen"]


@pytest.mark.parametrize(
    ("launch", "status", "code"),
    [
        ("", 401, "token_missing"),
        ("nonsense", 401, "token_invalid"),
        ("x" * 4000, 401, "token_invalid"),
        ({"kind": Kind.SESSION}, 401, "token_invalid"),
        ({"kind": Kind.TICKET}, 401, "token_invalid"),
        ({"ttl_s": -1}, 401, "token_expired"),
        ({"account": "gone"}, 403, "account_unknown"),
        ({"account": "open"}, 403, "origin_refused"),
        ({"origin": "https://exam.example.edu:8443"}, 403, "launch_origin"),
        ({"origin": None}, 403, "launch_origin"),
    ],
)
def test_bad_launch_tokens_are_refused(
    client: FlaskClient, runtime: Runtime, launch: str | dict[str, Any], status: int, code: str
) -> None:
    if isinstance(launch, dict) and "kind" in launch:
        token = runtime.signer.issue(launch["kind"], {"account": "main", "session": "s", "origin": ORIGIN}, 60)
    elif isinstance(launch, dict):
        token = launch_token(runtime, **launch)
    else:
        token = launch
    answer = post(client, SESSIONS, {"launch": token})
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


FORGED_ORIGINS = [
    None,
    "",
    "null",
    "http://exam.example.edu",
    "https://exam.example.edu:443",
    "https://exam.example.edu:8443",
    "https://exam.example.edu.",
    "https://exam.example.edu/",
    "https://EXAM.example.edu",
    "https://evilexam.example.edu",
    "https://exam.example.edu.evil.net",
    "https://exam.example.edu@evil.net",
    "https://evil.net\\@exam.example.edu",
    "https://exam.example.edu, https://evil.net",
    "https://ex\tam.example.edu",
    "https://ех\u0430m.example.edu".encode().decode("latin-1"),
    "//exam.example.edu",
    "javascript://exam.example.edu/%0a",
    "file://",
    "chrome-extension://abcdefghijklmnop",
    "https://*.example.edu",
    OTHER_ORIGIN,
    "x" * 10_000,
]


@pytest.mark.parametrize("origin", FORGED_ORIGINS)
def test_forged_origins_start_nothing_and_get_no_cors_answer(
    client: FlaskClient, runtime: Runtime, origin: str | None
) -> None:
    answer = post(client, SESSIONS, {"launch": launch_token(runtime)}, origin=origin)
    assert answer.status_code == 403
    assert answer.get_json()["code"] in ("origin_missing", "origin_refused")
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    assert allowed is None or (origin == OTHER_ORIGIN and allowed == OTHER_ORIGIN)
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", FORGED_ORIGINS)
def test_forged_origins_do_nothing_with_a_stolen_session_token(
    app: Flask, runtime: Runtime, origin: str | None
) -> None:
    answer = start(app, runtime)
    path = f"{SESSIONS}/{answer['session_uuid']}/stop"
    assert post(app.test_client(), path, token=answer["session_token"], origin=origin).status_code == 403


def test_the_account_token_alone_starts_nothing_where_a_launch_is_required(client: FlaskClient) -> None:
    answer = post(client, SESSIONS, {"token": ACCOUNT_TOKEN, "session": "s"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "launch_required")


def test_the_account_token_starts_where_the_account_allows_it(client: FlaskClient) -> None:
    answer = post(client, SESSIONS, {"token": OPEN_TOKEN, "session": "s"}, origin=OTHER_ORIGIN)
    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == OTHER_ORIGIN
    assert post(client, SESSIONS, {"token": OPEN_TOKEN, "session": "s"}, origin=ORIGIN).status_code == 403
    assert post(client, SESSIONS, {"token": "unknown", "session": "s"}).get_json()["code"] == "account_unknown"


def test_starts_without_launch_are_limited_per_account_and_address(tmp_path: Any) -> None:
    runtime = build_runtime(make_config(tmp_path, media={"live": "off"}, limits={"starts_per_minute": 3}))
    runtime.start()
    runtime.start_quota = Quota(3, burst=3, clock=lambda: 0.0)
    try:
        client = create_app(runtime).test_client()
        statuses = [
            post(client, SESSIONS, {"token": OPEN_TOKEN, "session": f"s{n}"}, origin=OTHER_ORIGIN).status_code
            for n in range(5)
        ]
        assert statuses == [201, 201, 201, 429, 429]
        refused = post(client, SESSIONS, {"token": OPEN_TOKEN, "session": "s9"}, origin=OTHER_ORIGIN)
        assert int(refused.headers["Retry-After"]) >= 1
        elsewhere: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.7"}}
        body = {"token": OPEN_TOKEN, "session": "s9"}
        assert post(client, SESSIONS, body, origin=OTHER_ORIGIN, **elsewhere).status_code == 201
    finally:
        runtime.stop()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("session", ["x"], "type"),
        ("session", True, "type"),
        ("session", "x" * 257, "too_long"),
        ("session", "a\r\nb", "characters"),
        ("session", "a\u0000b", "characters"),
        ("profile_id", {"$ne": 1}, "type"),
        ("title", "x" * 513, "too_long"),
        ("route", "../../etc", "characters"),
        ("session_type", "noproctor", "choice"),
        ("continues", "1 OR 1=1", "format"),
        ("continues", "urn:uuid:11111111-2222-4333-8444-555555555555", "too_long"),
        ("options", [], "type"),
        ("options", {"x": "y" * 20_000}, "too_long"),
        ("token", {"a": 1}, "type"),
    ],
)
def test_invalid_fields_are_named(client: FlaskClient, runtime: Runtime, field: str, value: object, code: str) -> None:
    answer = post(client, SESSIONS, {"launch": launch_token(runtime), field: value})
    assert answer.status_code == 400
    body = answer.get_json()
    assert (body["code"], body["type"]) == ("validation", "critical")
    assert [(e["path"], e["code"]) for e in body["validationErrors"]] == [(field, code)]


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"{}", "text/plain", 415, "content_type"),
        (b"session=x", "application/x-www-form-urlencoded", 415, "content_type"),
        (b"{", "application/json", 400, "json_invalid"),
        (b"[" * 60_000, "application/json", 400, "json_invalid"),
        (b'{"session":"a","session":"b"}', "application/json", 400, "json_invalid"),
        (b" " * 70_000 + b"{}", "application/json", 413, "too_large"),
    ],
)
def test_hostile_bodies_get_a_clear_refusal(
    client: FlaskClient, data: bytes, content_type: str, status: int, code: str
) -> None:
    answer = client.post(SESSIONS, data=data, content_type=content_type, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_compressed_body_is_refused(client: FlaskClient) -> None:
    headers = {"Origin": ORIGIN, "Content-Encoding": "gzip"}
    answer = client.post(SESSIONS, data=b"\x1f\x8b", content_type="application/json", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (415, "content_encoding")


def test_many_parallel_starts_of_one_candidate_make_one_session(app: Flask, runtime: Runtime) -> None:
    answers: list[tuple[int, str]] = []
    token = launch_token(runtime)
    ready = threading.Barrier(16)

    def run() -> None:
        ready.wait()
        for _ in range(5):
            response = post(app.test_client(), SESSIONS, {"launch": token})
            answers.append((response.status_code, response.get_json()["session_uuid"]))

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 80
    assert {status for status, _ in answers} == {200, 201}
    assert [status for status, _ in answers].count(201) == 1
    assert len({uuid for _, uuid in answers}) == 1


def test_preflight_is_answered_for_listed_origins_only(client: FlaskClient) -> None:
    headers = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    path = f"{SESSIONS}/x/tracks/camera/runs/0/pieces/0"
    good = client.options(path, headers={**headers, "Origin": ORIGIN})
    assert good.status_code == 204
    assert good.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PUT" in good.headers["Access-Control-Allow-Methods"]
    assert "Content-Digest" in good.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in good.headers
    bad = client.options(path, headers={**headers, "Origin": "https://evil.net"})
    assert "Access-Control-Allow-Origin" not in bad.headers
