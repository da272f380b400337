from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from flask_proview.service.app import create_app
from flask_proview.service.blueprint import create_blueprint
from flask_proview.service.runtime import Runtime, build_runtime

from .build import make_config, post


@pytest.fixture
def public(tmp_path: Path) -> Iterator[FlaskClient]:
    """A client of a service with a public URL."""
    config = make_config(
        tmp_path,
        server={"public_url": "https://proctor.example.edu"},
        compat={"hosts": ["cdn.proview.io"]},
        media={"live": "off"},
    )
    runtime = build_runtime(config)
    runtime.start()
    yield create_app(runtime).test_client()
    runtime.stop()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("proctor.example.edu", 200),
        ("exam.example.edu", 200),
        ("cdn.proview.io", 200),
        ("evil.net", 421),
        ("proctor.example.edu.evil.net", 421),
        ("proctor.example.edu@evil.net", 421),
        ("proctor.example.edu:x", 421),
        ("a b", 421),
        ("", 421),
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
    ],
)
def test_with_a_public_url_only_known_hosts_are_answered(public: FlaskClient, host: str, status: int) -> None:
    assert public.get("/proview/init.js", headers={"Host": host}).status_code == status


def test_local_names_are_for_local_callers(public: FlaskClient) -> None:
    overrides: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.4"}}
    assert public.get("/proview/init.js", headers={"Host": "127.0.0.1"}, **overrides).status_code == 421


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/proview/nothing", 404, "not_found"),
        ("GET", "/proview/", 404, "not_found"),
        ("DELETE", "/proview/v1/sessions", 405, "method_not_allowed"),
        ("GET", "/proview/v1/sessions", 405, "method_not_allowed"),
        ("POST", "/proview/init.js", 405, "method_not_allowed"),
        ("POST", "/proview/v1/sessions/x/y/z", 404, "not_found"),
        ("PATCH", "/proview/..%2f..%2fetc", 404, "not_found"),
    ],
)
def test_what_does_not_exist_is_answered_in_json(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert (status == 405) == ("Allow" in answer.headers)


def test_every_answer_carries_the_safe_headers(client: FlaskClient) -> None:
    for path in ("/proview/nothing", "/proview/init.js", "/proview/healthz"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert len(headers["X-Request-Id"]) == 16
        assert "Set-Cookie" not in headers
    policy = client.get("/proview/nothing").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_a_fault_of_ours_shows_no_trace(client: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(runtime.users, "verify", fail)
    answer = post(client, "/proview/auth", {"username": "a", "password": "b"}, origin=None)
    assert answer.status_code == 500
    body = answer.get_json()
    assert (body["code"], body["type"]) == ("internal", "critical")
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert "secret" not in answer.text
    assert runtime.counters.value("errors") == 1


def test_a_busy_database_asks_to_come_again(client: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("locked"))

    monkeypatch.setattr(runtime.users, "verify", fail)
    answer = post(client, "/proview/auth", {"username": "a", "password": "b"}, origin=None)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert "secret" not in answer.text


def test_the_blueprint_leaves_the_host_application_alone(runtime: Runtime) -> None:
    host = Flask("host")
    host.config["TESTING"] = True

    @host.get("/page")
    def page() -> str:
        return "the host's page"

    @host.errorhandler(404)
    def missing(_error: Exception) -> tuple[str, int]:
        return "the host's own 404", 404

    before = dict(host.config)
    host.register_blueprint(create_blueprint(runtime))
    assert dict(host.config) == before
    assert host.extensions["proview"] is runtime
    client = host.test_client()
    answer = client.get("/page")
    assert answer.text == "the host's page"
    assert "X-Request-Id" not in answer.headers
    assert client.get("/other").text == "the host's own 404"
    assert client.get("/proview/other").get_json()["code"] == "not_found"
    assert post(client, "/proview/v1/sessions", {}).get_json()["code"] == "token_missing"


def test_start_and_stop_are_idempotent(tmp_path: Path) -> None:
    runtime = build_runtime(make_config(tmp_path, media={"live": "off"}))
    runtime.start()
    runtime.start()
    runtime.stop()
    runtime.stop()
