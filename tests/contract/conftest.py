"""The service as clients of Proview reach it: below the mount, and under Proview's own host names (``compat.hosts``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from flask_proview import ProviewMiddleware
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import StartRequest

PASSWORD = "correct horse battery"
TOKEN, OTHER_TOKEN = "0b1c2d3e-4f50-6g7h-8899-aabbccddeeff", "second-account-token"
API_KEY = "api-key-of-the-main-account-0123456789"
HOSTS = ["cdn.proview.io", "api.proview.io", "auth.talview.com", "proctoring.talview.com", "lms-connector.proview.io", "appv7.proview.io"]  # fmt: skip
MOODLE = "https://moodle.example.edu"


def _application(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"host"]


@dataclass
class Service:
    """``call("/auth", …)`` goes to the mount, ``call("/auth", host="lms-connector.proview.io", …)`` to that host's root."""

    application: ProviewMiddleware
    bearer: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def runtime(self) -> Runtime:
        return self.application.runtime

    def call(
        self, path: str, body: object = None, *, host: str | None = None, login: bool = True, **options: Any
    ) -> TestResponse:
        headers = {"Accept": "application/json", **options.pop("headers", {})}
        if login and self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        if body is not None:
            options.setdefault("data", json.dumps(body))
            options.setdefault("content_type", "application/json")
        base = f"https://{host}" if host else "https://exam.example.edu"
        target = path if host else f"/proview{path}"
        method = options.pop("method", "GET" if body is None else "POST")
        return Client(self.application).open(target, base_url=base, method=method, headers=headers, **options)

    def session(
        self, external: str, profile: str = "42", *, end: bool = True, account: str = "main", **values: Any
    ) -> Session:
        request = StartRequest(account, external, profile, None, "ai_proctor", "Algebra", MOODLE)
        row, _ = self.runtime.sessions.start(request)
        if end:
            self.runtime.sessions.end(row.uuid, State.STOPPED, "page")
        with self.runtime.db.write() as orm:
            stored = orm.get(Session, row.id)
            assert stored is not None
            for name, value in values.items():
                setattr(stored, name, value)
            return stored


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"public_url": "https://exam.example.edu"}


@pytest.fixture
def service(tmp_path: Path, server_settings: dict[str, Any]) -> Iterator[Service]:
    settings = {
        "secrets": {"keys": ["k" * 40]},
        "server": server_settings,
        "storage": {
            "database": f"sqlite:///{tmp_path}/proview.db", "recordings": str(tmp_path / "recordings"), "min_free_mb": 1,
        },
        "media": {"live": "off"},
        "compat": {"hosts": HOSTS},
        "accounts": [
            {
                "name": "main", "title": "Example University", "token": TOKEN, "require_launch": False, "api_key": API_KEY,
                "domains": ["moodle.example.edu", "https://lms.example.edu:8443"], "api_networks": ["10.7.0.0/16"],
            },
            {"name": "second", "token": OTHER_TOKEN, "domains": ["quiz.example.org"], "require_launch": False},
        ],
    }  # fmt: skip
    application = ProviewMiddleware(_application, settings)
    application.runtime.start()
    application.runtime.users.add("admin@example.edu", "admin", PASSWORD)
    service = Service(application)
    answer = service.call("/auth", {"username": "admin@example.edu", "password": PASSWORD})
    service.bearer = answer.get_json()["access_token"]
    yield service
    application.runtime.stop()
