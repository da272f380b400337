"""Contract 1.9 and 1.10: playback tokens, playback URLs, login and details, in the shapes that clients send."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from flask_proview.sessions.database import now_ms
from flask_proview.tokens import Kind

from .conftest import API_KEY, MOODLE, OTHER_TOKEN, PASSWORD, TOKEN, Service

BACK_END = {"REMOTE_ADDR": "10.7.3.4"}
APP_ID = hashlib.md5(MOODLE.encode(), usedforsecurity=False).hexdigest()
DOCUMENTED = {"proview_token": TOKEN, "session_external_id": "17-42-1", "profile_external_id": "42", "validity": 30}


def ticket_for(service: Service, token: str) -> str:
    return str(service.runtime.signer.read(Kind.TICKET, token)["sid"])


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/v1/playback-token", "api.proview.io"),
        ("/v1/token/playback", "proctoring.talview.com"),
        ("/token/playback", "lms-connector.proview.io"),
        ("/v1/playback-token", None),
        ("/v1/token/playback", None),
        ("/token/playback", None),
    ],
)
def test_the_documented_request_by_external_ids(service: Service, path: str, host: str | None) -> None:
    row = service.session("17-42-1")
    answer = service.call(path, DOCUMENTED, host=host).get_json()
    assert (answer["session_uuid"], ticket_for(service, answer["token"])) == (row.uuid, row.uuid)


def test_the_documented_request_by_uuid(service: Service) -> None:
    row = service.session("17-42-1")
    body = {"proview_token": TOKEN, "session_uuid": row.uuid, "validity": 30}
    assert service.call("/v1/playback-token", body).get_json()["session_uuid"] == row.uuid


def test_all_mandatory_fields_at_once_must_agree(service: Service) -> None:
    row = service.session("17-42-1")
    assert service.call("/v1/playback-token", {**DOCUMENTED, "session_uuid": row.uuid}).status_code == 200
    other = {**DOCUMENTED, "session_uuid": row.uuid, "session_external_id": "18-42-1"}
    assert service.call("/v1/playback-token", other).status_code == 404


def test_lp_asks_with_a_bearer_and_rebuilds_its_link_from_the_answer(service: Service) -> None:
    row = service.session("17-42-1")
    body = {"proctor_token": TOKEN, "validity": 120, "external_session_id": "17-42-1", "external_attendee_id": 42}
    answer = service.call("/token/playback", body, host="lms-connector.proview.io").get_json()
    assert answer["session_uuid"] == row.uuid and answer["token"]


def test_the_older_lp_asks_without_a_bearer_from_a_listed_address(service: Service) -> None:
    service.session("17-42-1")
    body = {"proctor_token": TOKEN, "validity": 240, "external_session_id": "17-42-1", "external_attendee_id": "42"}
    headers = {"app-id": "7c1f4a0e-0000-4000-8000-000000000000", "is-universal-proview": "true"}
    options: dict[str, Any] = {"host": "proctoring.talview.com", "login": False, "headers": headers}
    listed = service.call("/v1/token/playback", body, **options, environ_overrides=BACK_END)
    assert listed.get_json()["token"]
    elsewhere = service.call("/v1/token/playback", body, **options, environ_overrides={"REMOTE_ADDR": "10.8.0.1"})
    assert elsewhere.get_json()["code"] == "unauthorized"


def test_q7_asks_by_uuid_with_its_app_id_and_no_bearer(service: Service) -> None:
    row = service.session("17-42-1")
    body = {"session_uuid": row.uuid, "proctor_token": TOKEN, "validity": 60}
    options: dict[str, Any] = {"host": "lms-connector.proview.io", "login": False, "headers": {"app-id": APP_ID}}
    assert service.call("/token/playback", body, **options, environ_overrides=BACK_END).get_json()["token"]
    # The app-id is the MD5 of a public address: it proves nothing.
    assert service.call("/token/playback", body, **options).status_code == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"proview_token": None}, 400),
        ({"proview_token": "unknown"}, 401),
        ({"proview_token": OTHER_TOKEN}, 404),
        ({"session_external_id": None}, 400),
        ({"session_external_id": "none"}, 404),
        ({"profile_external_id": "43"}, 404),
        ({"validity": 0}, 400),
        ({"validity": "soon"}, 400),
        ({"session_uuid": "00000000-0000-4000-8000-000000000000"}, 404),
    ],
)
def test_errors_are_json_with_the_right_status(service: Service, change: dict[str, Any], status: int) -> None:
    service.session("17-42-1")
    answer = service.call("/v1/playback-token", {**DOCUMENTED, **change})
    assert answer.status_code == status
    assert {"code", "message", "type"} <= set(answer.get_json())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth"), ("POST", "/v1/user/login"), ("POST", "/v1/playback-token"), ("POST", "/v1/token/playback"),
        ("POST", "/token/playback"), ("GET", "/v1/sessions/{uuid}"), ("GET", "/proview/token"), ("POST", "/quiz"),
        ("GET", "/proview/playback"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("host", ["lms-connector.proview.io", None])
def test_a_slash_at_the_end_changes_nothing(service: Service, method: str, path: str, host: str | None) -> None:
    row = service.session("17-42-1")
    body = {"username": "admin@example.edu", "password": PASSWORD, **DOCUMENTED, "quiz_id": 17, "action": 0}
    told = body if method == "POST" else None
    plain, slashed = (
        service.call(path.format(uuid=row.uuid) + end, told, host=host, method=method) for end in ("", "/")
    )
    assert plain.status_code == slashed.status_code == 200, slashed.text
    assert type(plain.get_json()) is type(slashed.get_json())


def test_validity_is_capped_by_the_configuration(service: Service) -> None:
    service.session("17-42-1")
    cap = service.runtime.config.limits.ticket_minutes * 60_000
    for asked in (cap, 10**12, str(cap)):
        answer = service.call("/v1/playback-token", {**DOCUMENTED, "validity": asked}).get_json()
        assert answer["expires_at"] <= now_ms() + cap
    short = service.call("/v1/playback-token", {**DOCUMENTED, "validity": 1}).get_json()
    assert short["expires_at"] <= now_ms() + 60_000


@pytest.mark.parametrize("form", ["/embedded/{uuid}?token={token}", "/embedded/{uuid}/?token={token}"])
@pytest.mark.parametrize("host", [None, "appv7.proview.io"])
def test_both_forms_of_the_playback_url_show_the_player_in_a_frame(
    service: Service, form: str, host: str | None
) -> None:
    row = service.session("17-42-1")
    token = service.call("/v1/playback-token", DOCUMENTED).get_json()["token"]
    page = service.call(form.format(uuid=row.uuid, token=token), host=host, login=False)
    assert page.status_code == 200 and page.mimetype == "text/html"
    assert "https://moodle.example.edu" in page.headers["Content-Security-Policy"].split("frame-ancestors")[1]
    assert "X-Frame-Options" not in page.headers


def test_a_playback_url_without_a_ticket_shows_nothing(service: Service) -> None:
    row = service.session("17-42-1")
    page = service.call(f"/embedded/{row.uuid}", login=False)
    assert page.status_code == 401 and row.uuid not in page.text


@pytest.mark.parametrize("host", ["auth.talview.com", None])
def test_the_documented_login(service: Service, host: str | None) -> None:
    body = {"username": "admin@example.edu", "password": PASSWORD}
    answer = service.call("/v1/user/login", body, host=host, login=False).get_json()
    assert (answer["grant_type"], answer["expires_in"]) == ("Bearer", 10800)
    assert answer["access_token"] and answer["refresh_token"]


@pytest.mark.parametrize("host", ["proctoring.talview.com", None])
def test_details_give_the_rating_by_uuid(service: Service, host: str | None) -> None:
    row = service.session("17-42-1", final_rating="medium")
    details = service.call(f"/v1/sessions/{row.uuid}", host=host).get_json()
    named = ("session_uuid", "session_external_id", "profile_external_id", "session_type", "status", "final_rating")
    assert [details[name] for name in named] == [row.uuid, "17-42-1", "42", "ai_proctor", "stopped", "medium"]
    assert details["external_session_id"] == "17-42-1" and details["external_attendee_id"] == "42"
    assert details["playback_url"] == f"https://exam.example.edu/proview/embedded/{row.uuid}"
    assert details["proview_index"]["level"] == "high"


def test_details_give_what_a_page_told_of_attendee_and_exam(service: Service) -> None:
    row = service.session("17-42-1", attendee={"identifier": "42", "first_name": "Anna"}, workflow={"identifier": "w"})
    details = service.call(f"/v1/sessions/{row.uuid}").get_json()
    assert (details["attendee"]["first_name"], details["workflow"]) == ("Anna", {"identifier": "w"})


def test_the_key_of_an_account_opens_its_own_sessions_only(service: Service) -> None:
    theirs = service.session("9-9-9", account="second")
    body = {"proview_token": TOKEN, "session_uuid": theirs.uuid}
    answer = service.call("/v1/playback-token", body, login=False, headers={"X-Api-Key": API_KEY})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_session")
