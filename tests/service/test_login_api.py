from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient

from flask_proview.service.quota import Quota
from flask_proview.service.runtime import Runtime
from flask_proview.tokens import Kind

from .build import post

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def person(runtime: Runtime) -> None:
    runtime.users.add("ada@example.edu", "admin", PASSWORD)


@pytest.mark.parametrize("path", ["/proview/v1/user/login", "/proview/auth"])
def test_name_and_password_give_a_bearer(client: FlaskClient, runtime: Runtime, path: str) -> None:
    answer = post(client, path, {"username": "ada@example.edu", "password": PASSWORD}, origin=None)
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["grant_type"], body["expires_in"]) == ("Bearer", 10800)
    assert runtime.signer.read(Kind.BEARER, body["access_token"])["user"] == "ada@example.edu"
    renewed = post(client, "/proview/v1/user/refresh", {"refresh_token": body["refresh_token"]}, origin=None)
    assert runtime.signer.read(Kind.BEARER, renewed.get_json()["access_token"])["user"] == "ada@example.edu"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_login_that_renews_an_old_hash_gets_a_bearer_that_opens(client: FlaskClient, runtime: Runtime) -> None:
    """A bearer is bound to the hash; the one of a person whose hash was just renewed was dead at once."""
    runtime.users._hasher = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    answer = post(client, "/proview/v1/user/login", {"username": "ada@example.edu", "password": PASSWORD}, origin=None)
    headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    asked = client.get("/proview/v1/sessions/273387ef-d2c2-443c-9fe9-4103418d3dad", headers=headers)
    assert asked.get_json()["code"] == "unknown_session"


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada@example.edu", "wrong password"), ("nobody", PASSWORD), ("ADA@example.edu", PASSWORD), ("a' OR '1'='1", "x")],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(client: FlaskClient, name: str, password: str) -> None:
    answer = post(client, "/proview/auth", {"username": name, "password": password}, origin=None)
    assert answer.status_code == 401
    body = answer.get_json()
    assert (body["code"], body["message"]) == ("login_failed", "The name or the password is not right.")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "a"},
        {"username": 1, "password": "x"},
        {"username": "a", "password": "x" * 2000},
        {"username": "x" * 200, "password": "y"},
    ],  # fmt: skip
)
def test_malformed_credentials_are_400(client: FlaskClient, body: dict[str, Any]) -> None:
    answer = post(client, "/proview/auth", body, origin=None)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation")


def test_guessing_is_slowed_down_for_that_name_and_address_only(client: FlaskClient, runtime: Runtime) -> None:
    runtime.login_quota = Quota(10, burst=10, clock=lambda: 0.0)
    wrong = {"username": "ada@example.edu", "password": "wrong password"}
    statuses = [post(client, "/proview/auth", wrong, origin=None).status_code for _ in range(12)]
    assert statuses[:10] == [401] * 10
    assert statuses[10:] == [429, 429]
    right = {"username": "ada@example.edu", "password": PASSWORD}
    refused = post(client, "/proview/auth", right, origin=None)
    assert int(refused.headers["Retry-After"]) >= 1
    elsewhere: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.1"}}
    assert post(client, "/proview/auth", right, origin=None, **elsewhere).status_code == 200


def test_one_address_does_not_get_to_try_every_name(client: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(runtime.users, "verify", lambda name, password: None)
    runtime.address_quota = Quota(60, burst=60, clock=lambda: 0.0)
    bodies = [{"username": f"name{n}", "password": "x"} for n in range(70)]
    statuses = [post(client, "/proview/auth", body, origin=None).status_code for body in bodies]
    assert statuses.count(401) == 60
    assert statuses[-1] == 429
