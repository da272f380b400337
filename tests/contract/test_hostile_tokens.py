"""Tokens that are forged, replayed, another account's or of another kind, at the calls that classic clients and back ends make
under Proview's host names: a clear refusal, and nothing stored. (Each endpoint against each kind: tests/service/test_access.py.)"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from flask_proview.sessions.models import Base
from flask_proview.tokens import Kind, TokenSigner

from .conftest import API_KEY, MOODLE, OTHER_TOKEN, TOKEN, Service

CDN, API = "cdn.proview.io", "api.proview.io"
QUIZ = "https://quiz.example.org"
# Who logged in, and when, is no session.
APART = ("users", "logins")


def stored(service: Service) -> dict[str, int]:
    with service.runtime.db.read() as orm:
        return {
            name: orm.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
            if name not in APART
        }


def init(service: Service, body: dict[str, Any], origin: str = MOODLE) -> TestResponse:
    """What ``tv('init', …)`` sends, to the address that the loader's own name gives."""
    return service.call("/v1/sessions", body, host=CDN, login=False, headers={"Origin": origin})


@pytest.fixture
def kinds(service: Service) -> dict[str, str]:
    """A good token of every kind, for one session of the account ``main``."""
    row = service.session("5-42-1", end=False)
    claims: dict[str, object] = {
        "sid": row.uuid, "account": "main", "session": "5-42-1", "profile": "42", "origin": MOODLE, "user": "admin@example.edu",
    }  # fmt: skip
    tokens = {str(kind): service.runtime.signer.issue(kind, claims, 600) for kind in Kind}
    return tokens | {"account": TOKEN, "api_key": API_KEY, "uuid": row.uuid, "bearer of a login": service.bearer}


def test_no_other_kind_launches_a_session(service: Service, kinds: dict[str, str]) -> None:
    before = stored(service)
    for name, token in kinds.items():
        if name == "launch":
            continue
        answer = init(service, {"launch": token, "session": "new", "profile_id": "42"})
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token_invalid"), name
        if name != "account":
            answer = init(service, {"token": token, "session": "new", "profile_id": "42"})
            assert (answer.status_code, answer.get_json()["code"]) == (403, "account_unknown"), name
    assert stored(service) == before


def test_no_other_kind_opens_the_calls_of_back_ends(service: Service, kinds: dict[str, str]) -> None:
    calls: list[Callable[[dict[str, str]], TestResponse]] = [
        lambda headers: service.call("/v1/playback-token", {"proview_token": TOKEN, "session_uuid": kinds["uuid"], "validity": 5}, host=API, login=False, headers=headers),
        lambda headers: service.call(f"/v1/sessions/{kinds['uuid']}", host=API, login=False, headers=headers),
        lambda headers: service.call("/quiz", {"id": "9", "title": "x", "action": 0}, host=API, login=False, headers=headers),
        lambda headers: service.call("/proview/token", host="lms-connector.proview.io", login=False, headers=headers),
    ]  # fmt: skip
    before = stored(service)
    for name, token in kinds.items():
        if name == "bearer of a login":
            continue
        for call in calls:
            assert call({"Authorization": f"Bearer {token}"}).status_code == 401, name
            assert call({"X-Proview-Token": token}).status_code == 401, name
    assert stored(service) == before


def forged(token: str, change: Callable[[dict[str, Any]], object]) -> str:
    """The payload changed, the signature of the original beside it."""
    payload, _, signature = token.partition(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    change(claims)
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + "." + signature


def test_forged_launch_tokens_start_nothing(service: Service, kinds: dict[str, str]) -> None:
    launch = kinds["launch"]
    claims = service.runtime.signer.read(Kind.LAUNCH, launch)
    payload, _, signature = launch.partition(".")
    attempts = [
        forged(launch, lambda claims: claims.update(profile="berta")),
        forged(launch, lambda claims: claims.update(exp=2**40)),
        forged(launch, lambda claims: claims.update(account="second")),
        TokenSigner(["f" * 40]).issue(Kind.LAUNCH, claims, 600),
        payload, payload + ".", "." + signature, signature + "." + payload, launch + "." + signature, launch * 2, launch + "\n", " " + launch,
        base64.urlsafe_b64encode(b'{"typ":"launch"}').decode() + ".", launch.swapcase(), launch.replace(".", "%2e"), "eyJhbGciOiJub25lIn0." + payload + ".",
    ]  # fmt: skip
    before = stored(service)
    for attempt in attempts:
        answer = init(service, {"launch": attempt})
        assert answer.status_code in (400, 401), attempt[:60]
        assert answer.get_json()["code"] in ("token_invalid", "validation")
        assert answer.get_json()["message"]
    for value in ([launch], {"launch": launch}, True, 17, 1.5):
        answer = init(service, {"launch": value})
        assert answer.status_code == 400
        assert [one["path"] for one in answer.get_json()["validationErrors"]] == ["launch"]
    assert stored(service) == before


def test_a_launch_token_that_is_used_again_only_resumes(service: Service, kinds: dict[str, str]) -> None:
    """Whoever copied it gets nothing beside the one sitting it names, and nothing at all from another site."""
    before = stored(service)
    first, again = init(service, {"launch": kinds["launch"]}), init(service, {"launch": kinds["launch"]})
    assert [answer.status_code for answer in (first, again)] == [200, 200]
    assert {answer.get_json()["session_uuid"] for answer in (first, again)} == {kinds["uuid"]}
    for origin in (QUIZ, "https://evil.example", "null"):
        answer = init(service, {"launch": kinds["launch"]}, origin)
        assert (answer.status_code, answer.get_json()["code"]) in [(403, "launch_origin"), (403, "origin_refused")]
    for name, value in (("session", "5-43-1"), ("profile_id", "43"), ("token", OTHER_TOKEN)):
        assert init(service, {"launch": kinds["launch"], name: value}).get_json()["code"] == "launch_mismatch"
    assert stored(service) == before


def test_another_accounts_token_neither_starts_nor_opens_anything(service: Service, kinds: dict[str, str]) -> None:
    before = stored(service)
    answer = init(service, {"token": OTHER_TOKEN, "session": "5-42-1", "profile_id": "42"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "origin_refused")
    for body in (
        {"session_uuid": kinds["uuid"]},
        {"session_external_id": "5-42-1", "profile_external_id": "42"},
        {"external_session_id": "5-42-1", "external_attendee_id": "42"},
    ):
        for name in ("proview_token", "proctor_token"):
            answer = service.call("/v1/playback-token", {name: OTHER_TOKEN, "validity": 5, **body}, host=API)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_session")
    headers = {"X-Api-Key": API_KEY}
    foreign = {"proview_token": OTHER_TOKEN, "session_uuid": kinds["uuid"], "validity": 5}
    assert service.call("/v1/playback-token", foreign, host=API, login=False, headers=headers).status_code == 401
    assert stored(service) == before


def test_what_is_too_large_is_refused_before_it_is_read(service: Service) -> None:
    before = stored(service)
    for name in ("title", "token", "launch", "session", "options"):
        answer = init(service, {"token": TOKEN, "session": "s", name: "x" * 10 * 2**20})
        assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large"), name
    assert stored(service) == before
