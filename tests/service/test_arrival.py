from __future__ import annotations

import base64
import hashlib

import pytest
from flask.testing import FlaskClient

from flask_proview.service.runtime import Runtime
from flask_proview.tokens import Kind

PATH = "/proview/v1/check"


def authorized(runtime: Runtime, kind: Kind = Kind.CHECK) -> dict[str, str]:
    return {"Authorization": f"Bearer {runtime.signer.issue(kind, {}, 60)}"}


def digest(body: bytes) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"}


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CHECK])
def test_no_other_token_opens_it(runtime: Runtime, client: FlaskClient, kind: Kind) -> None:
    for method in ("GET", "PUT"):
        assert client.open(PATH, method=method, headers=authorized(runtime, kind)).status_code == 401
        assert client.open(PATH, method=method).status_code == 401


def test_it_tells_how_the_request_arrived(runtime: Runtime, client: FlaskClient) -> None:
    headers = {**authorized(runtime), "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Via": "x" * 9000}
    told = client.get(PATH, headers=headers).get_json()
    seen = told["seen"]
    assert (seen["peer"], seen["address"], seen["trusted"], seen["scheme"]) == ("127.0.0.1", "127.0.0.1", False, "http")
    assert seen["headers"]["X-Forwarded-Proto"] == "https"
    assert len(seen["headers"]["Via"]) == 300
    assert "Authorization" not in seen["headers"]
    assert told["body"] is None
    assert told["server"]["signaling"] == "http"


def test_a_body_is_counted_and_compared_with_its_digest(runtime: Runtime, client: FlaskClient) -> None:
    body = bytes(200_000)
    answer = client.put(PATH, data=body, headers={**authorized(runtime), **digest(body)})
    assert answer.get_json()["body"] == {"bytes": 200_000, "digest": "same"}
    answer = client.put(PATH, data=body, headers={**authorized(runtime), **digest(b"other")})
    assert answer.get_json()["body"] == {"bytes": 200_000, "digest": "other"}


def test_a_body_without_digest_or_too_large_is_refused(runtime: Runtime, client: FlaskClient) -> None:
    assert client.put(PATH, data=b"x", headers=authorized(runtime)).get_json()["code"] == "digest_missing"
    limit = runtime.config.limits.max_piece_mb << 20
    largest = client.put(PATH, data=bytes(limit), headers={**authorized(runtime), **digest(bytes(limit))})
    assert largest.get_json()["body"]["bytes"] == limit
    larger = client.put(PATH, data=bytes(limit + 2), headers={**authorized(runtime), **digest(b"")})
    assert larger.status_code == 413


def test_an_answer_in_two_steps_is_written_in_two_steps(
    runtime: Runtime, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_proview.service.arrival.STEP_S", 0.0)
    answer = client.get(f"{PATH}?steps=2", headers=authorized(runtime))
    assert list(answer.iter_encoded()) == [b"first\n", b"second\n"]
