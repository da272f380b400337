from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from flask import Flask

from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import State

from .build import digest, put_piece, start


@pytest.fixture
def started(app: Flask, runtime: Runtime) -> dict[str, Any]:
    return start(app, runtime)


def test_a_piece_is_stored_once_and_the_session_runs(app: Flask, runtime: Runtime, started: dict[str, Any]) -> None:
    uuid, token = started["session_uuid"], started["session_token"]
    client = app.test_client()
    assert put_piece(client, uuid, token, b"first").status_code == 201
    assert put_piece(client, uuid, token, b"first").status_code == 200
    other = put_piece(client, uuid, token, b"other")
    assert (other.status_code, other.get_json()["code"]) == (409, "piece_conflict")
    row = runtime.sessions.get(uuid)
    assert row is not None
    assert (row.state, row.bytes_stored) == ("running", 5)


def test_coverage_lists_what_is_held(app: Flask, started: dict[str, Any]) -> None:
    uuid, token = started["session_uuid"], started["session_token"]
    client = app.test_client()
    for seq in (0, 1, 3):
        put_piece(client, uuid, token, b"%d" % seq, run=7, seq=seq)
    for bearer in (token, started["drain_token"]):
        path = f"/proview/v1/sessions/{uuid}/tracks/camera/coverage"
        answer = client.get(path, headers={"Authorization": f"Bearer {bearer}"}).get_json()
        assert answer["track"] == "camera"
        assert answer["runs"][0]["pieces"] == [[0, 1], [3, 3]]
        assert answer["runs"][0]["missing"] == [[2, 2]]


def test_the_drain_token_hands_in_after_the_end_until_the_grace_is_over(
    app: Flask, runtime: Runtime, started: dict[str, Any]
) -> None:
    uuid = started["session_uuid"]
    runtime.sessions.end(uuid, State.STOPPED, "page")
    assert put_piece(app.test_client(), uuid, started["drain_token"], b"late").status_code == 201
    with runtime.db.write() as db:
        row = runtime.sessions.get(uuid)
        assert row is not None
        row.ended_at = 1000
        db.merge(row)
    gone = put_piece(app.test_client(), uuid, started["drain_token"], b"later", seq=1)
    assert (gone.status_code, gone.get_json()["code"]) == (410, "session_ended")


def test_late_pieces_queue_one_finalisation(app: Flask, runtime: Runtime, started: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    wanted: list[str] = []
    monkeypatch.setattr(runtime.jobs, "finalise_soon", lambda uuid, delay_s=0.0: wanted.append(uuid))
    uuid = started["session_uuid"]
    runtime.sessions.end(uuid, State.STOPPED, "page")
    for seq in range(5):
        assert put_piece(app.test_client(), uuid, started["drain_token"], b"x", seq=seq).status_code == 201
    assert wanted == [uuid]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Digest": None}, 400, "digest_missing"),
        ({"Content-Digest": "md5=:AAAA:"}, 400, "digest_missing"),
        ({"Content-Digest": "sha-256=AAAA"}, 400, "digest_invalid"),
        ({"Content-Digest": "sha-256=:AAAA:"}, 400, "digest_invalid"),
        ({"Content-Digest": "sha-256=:!!!!:"}, 400, "digest_invalid"),
        ({"Content-Digest": digest(b"other bytes")}, 400, "digest_mismatch"),
        ({"Content-Encoding": "gzip"}, 415, "content_encoding"),
        ({"Content-Type": "text/html"}, 415, "mime_unsupported"),
        ({"Content-Type": "video/webm;codecs=<script>"}, 415, "mime_unsupported"),
        ({"X-Piece-Start": None}, 400, "piece_invalid"),
        ({"X-Piece-Start": "1e3"}, 400, "piece_invalid"),
        ({"X-Piece-Start": "9" * 30}, 400, "piece_invalid"),
        ({"X-Piece-Duration": "-1"}, 400, "piece_invalid"),
        ({"X-Piece-Duration": "²"}, 400, "piece_invalid"),
        ({"X-Piece-Duration": "0x10"}, 400, "piece_invalid"),
        ({"Authorization": None}, 401, "token_missing"),
        ({"Origin": None}, 403, "origin_missing"),
    ],
)
def test_bad_headers_are_refused(
    app: Flask, started: dict[str, Any], headers: dict[str, str | None], status: int, code: str
) -> None:
    client = app.test_client()
    encoded = {k: v.encode().decode("latin-1") if v else v for k, v in headers.items()}
    answer = put_piece(client, started["session_uuid"], started["session_token"], b"bytes", headers=encoded)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("place", "value", "status"),
    [
        ("track", "voice", 400),
        ("track", "..%2f..%2fetc", 404),
        ("track", "%2e%2e", 400),
        ("run", "-1", 400),
        ("run", str(2**53), 400),
        ("run", "1.0", 400),
        ("run", "01", 400),
        ("seq", "-1", 400),
        ("seq", str(2**63), 400),
        ("seq", "+1", 400),
        ("seq", "%00", 400),
        ("seq", "１", 400),
    ],
)
def test_bad_places_are_refused(app: Flask, started: dict[str, Any], place: str, value: str, status: int) -> None:
    places: dict[str, Any] = {place: value}
    answer = put_piece(app.test_client(), started["session_uuid"], started["session_token"], b"bytes", **places)
    assert answer.status_code == status


def test_several_digests_in_one_header_are_read(app: Flask, started: dict[str, Any]) -> None:
    sha512 = base64.b64encode(hashlib.sha512(b"bytes").digest()).decode()
    header = f"sha-512=:{sha512}:, {digest(b'bytes')}"
    client = app.test_client()
    answer = put_piece(
        client, started["session_uuid"], started["session_token"], b"bytes", headers={"Content-Digest": header}
    )
    assert answer.status_code == 201


def test_a_piece_may_start_just_before_the_sessions_zero(app: Flask, started: dict[str, Any]) -> None:
    client = app.test_client()
    headers: dict[str, str | None] = {"X-Piece-Start": "-40"}
    answer = put_piece(client, started["session_uuid"], started["session_token"], b"x", headers=headers)
    assert answer.status_code == 201


def test_an_empty_piece_is_refused(app: Flask, started: dict[str, Any]) -> None:
    headers: dict[str, str | None] = {"Content-Length": "0"}
    client = app.test_client()
    answer = put_piece(client, started["session_uuid"], started["session_token"], b"", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) in ((400, "piece_invalid"), (411, "length_required"))


def test_the_largest_piece_is_stored(app: Flask, started: dict[str, Any]) -> None:
    body = b"x" * (16 << 20)
    assert put_piece(app.test_client(), started["session_uuid"], started["session_token"], body).status_code == 201


def test_a_revoked_session_takes_nothing(app: Flask, runtime: Runtime, started: dict[str, Any]) -> None:
    with runtime.db.write() as db:
        row = runtime.sessions.get(started["session_uuid"])
        assert row is not None
        row.revoked = True
        db.merge(row)
    for token in (started["session_token"], started["drain_token"]):
        answer = put_piece(app.test_client(), started["session_uuid"], token, b"x")
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token_revoked")
