"""Configurations, tokens and pieces for the service's tests."""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_proview.config import Config, load_config
from flask_proview.service.runtime import Runtime
from flask_proview.tokens import Kind

KEY = "k" * 40
ORIGIN = "https://exam.example.edu"
OTHER_ORIGIN = "https://quiz.example.org"
ACCOUNT_TOKEN = "11111111-2222-4333-8444-555555555555"
OPEN_TOKEN = "aaaaaaaa-2222-4333-8444-555555555555"
API_KEY = "api-key-of-the-main-account-0123456789"


def raw_config(folder: Path, **sections: dict[str, Any]) -> dict[str, Any]:
    """Two accounts: ``main`` needs a launch token, ``open`` does not."""
    raw: dict[str, Any] = {
        "secrets": {"keys": [KEY]},
        "storage": {
            "database": f"sqlite:///{folder}/proview.db",
            "recordings": str(folder / "recordings"),
            "min_free_mb": 1,
        },
        "media": {"link": f"unix:{folder}/m.sock"},
        "accounts": [
            {"name": "main", "token": ACCOUNT_TOKEN, "domains": ["exam.example.edu"], "api_key": API_KEY},
            {"name": "open", "token": OPEN_TOKEN, "domains": ["quiz.example.org"], "require_launch": False},
        ],
        "routes": [
            {
                "path": "/exam/<attempt>/q/<int:n>",
                "account": "main",
                "name": "exam",
                "session": "path:attempt",
                "stop_paths": ["/exam/<attempt>/done"],
            }
        ],
    }
    for name, values in sections.items():
        raw[name] = {**raw.get(name, {}), **values} if isinstance(values, dict) else values
    return raw


def make_config(folder: Path, **sections: dict[str, Any]) -> Config:
    return load_config(raw_config(folder, **sections), environ={})


def launch_token(runtime: Runtime, ttl_s: float = 600, **changes: object) -> str:
    claims: dict[str, object] = {
        "account": "main",
        "route": "exam",
        "session": "attempt-7",
        "profile": "anna",
        "origin": ORIGIN,
        "session_type": "ai_proctor",
        "title": "Algebra",
    }
    return runtime.signer.issue(Kind.LAUNCH, {**claims, **changes}, ttl_s)


def post(client: FlaskClient, path: str, body: object = None, *, token: str | None = None, origin: str | None = ORIGIN, **extra: Any) -> TestResponse:  # fmt: skip
    """POST JSON as the candidate's page would."""
    headers = {"Origin": origin} if origin is not None else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    headers.update(extra.pop("headers", {}))
    return client.post(path, json={} if body is None else body, headers=headers, **extra)


def start(app: Flask, runtime: Runtime, **changes: Any) -> dict[str, Any]:
    """A session of the main account, started with a launch token."""
    body = {"launch": launch_token(runtime, **changes)}
    response = post(app.test_client(), "/proview/v1/sessions", body)
    assert response.status_code in (200, 201), response.text
    answer: dict[str, Any] = response.get_json()
    return answer


def digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def put_piece(
    client: FlaskClient,
    uuid: str,
    token: str,
    body: bytes,
    *,
    track: str = "camera",
    run: object = 0,
    seq: object = 0,
    origin: str | None = ORIGIN,
    headers: dict[str, str | None] | None = None,
) -> TestResponse:
    """PUT one piece; a header given as None is left out."""
    sent: dict[str, str | None] = {
        "Authorization": f"Bearer {token}",
        "Content-Digest": digest(body),
        "Content-Type": "video/webm;codecs=vp8,opus",
        "X-Piece-Start": "0",
        "X-Piece-Duration": "1000",
        "Origin": origin,
        **(headers or {}),
    }
    return client.put(
        f"/proview/v1/sessions/{uuid}/tracks/{track}/runs/{run}/pieces/{seq}",
        data=body,
        headers={name: value for name, value in sent.items() if value is not None},
    )


def wait_for(condition: Any, what: str, seconds: float = 15.0) -> Any:
    """The first true value of ``condition()``; fails with ``what`` at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
