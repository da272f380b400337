from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_proview.recordings.photos import MAX_PHOTO_BYTES, MAX_VERSIONS
from flask_proview.service.app import create_app
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.approvals import Approval, ask, decide
from flask_proview.sessions.models import State
from flask_proview.tokens import Kind
from tests.jpeg_factory import jpeg

from .build import OTHER_ORIGIN, digest, post, start

FACE, ID = jpeg(), jpeg(grey=60)


def put(
    client: FlaskClient, uuid: str, token: str, body: bytes, kind: str = "id", headers: dict[str, str | None] | None = None
) -> TestResponse:  # fmt: skip
    """PUT a photo; a header given as None is left out."""
    sent = {
        "X-Proview-Token": token,
        "Content-Digest": digest(body),
        "Content-Type": "image/jpeg",
        "X-Photo-At": "1200",
        "Origin": "https://exam.example.edu",
        **(headers or {}),
    }
    path = f"/proview/v1/sessions/{uuid}/photos/{kind}"
    return client.put(path, data=body, headers={name: value for name, value in sent.items() if value is not None})


@pytest.fixture
def started(app: Flask, runtime: Runtime) -> dict[str, Any]:
    return start(app, runtime)


@pytest.fixture
def uuid(started: dict[str, Any]) -> str:
    return str(started["session_uuid"])


@pytest.fixture
def token(started: dict[str, Any]) -> str:
    return str(started["session_token"])


def ticket(runtime: Runtime, uuid: str) -> str:
    return runtime.signer.issue(Kind.TICKET, {"sid": uuid, "account": "main"}, 60)


def test_a_photo_is_durable_once_and_a_retake_is_another_version(app: Flask, runtime: Runtime, uuid: str, token: str) -> None:  # fmt: skip
    client = app.test_client()
    first = put(client, uuid, token, ID)
    assert (first.status_code, first.get_json()) == (201, {"stored": True, "version": 1})
    assert put(client, uuid, token, ID).status_code == 200
    assert put(client, uuid, token, FACE).get_json()["version"] == 2
    assert put(client, uuid, token, ID).get_json()["version"] == 1
    assert put(client, uuid, token, FACE, "face").status_code == 201
    folder = runtime.layout.session_dir(uuid) / "photos"
    assert {path.read_bytes() for path in folder.iterdir()} == {ID, FACE}
    assert len(list(folder.iterdir())) == 3
    row = runtime.sessions.get(uuid)
    assert row is not None and row.bytes_stored == len(ID) + 2 * len(FACE)


def test_those_who_may_watch_see_it_as_a_picture_and_nothing_else(app: Flask, runtime: Runtime, uuid: str, token: str) -> None:  # fmt: skip
    client = app.test_client()
    put(client, uuid, token, ID)
    path = f"/proview/media/{uuid}/photos/id-1.jpg"
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"X-Proview-Token": token}).status_code == 401
    other = start(app, runtime, session="another")["session_uuid"]
    assert client.get(path + f"?ticket={ticket(runtime, other)}").status_code == 404
    shown = client.get(path + f"?ticket={ticket(runtime, uuid)}")
    assert (shown.status_code, shown.data, shown.mimetype) == (200, ID, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Content-Disposition"] == f'inline; filename="{uuid}-id-1.jpg"'
    assert "no-store" in shown.headers["Cache-Control"]
    for wrong in ("id-2", "face-1", "passport-1", "id-99999999999999999999"):
        assert client.get(f"/proview/media/{uuid}/photos/{wrong}.jpg?ticket={ticket(runtime, uuid)}").status_code == 404
    listed = client.get(f"/proview/v1/playback/{uuid}?ticket={ticket(runtime, uuid)}").get_json()["photos"]
    assert client.get(listed[0]["url"]).data == ID
    assert (listed[0]["sha256"], listed[0]["width"]) == (hashlib.sha256(ID).hexdigest(), 320)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (ID + b"<script>alert(1)</script>", {}, 422, "photo_invalid"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", {}, 422, "photo_invalid"),
        (b"", {}, 411, "length_required"),
        (ID[:-2], {}, 422, "photo_invalid"),
        (ID, {"Content-Type": "image/svg+xml"}, 415, "mime_unsupported"),
        (ID, {"Content-Type": "text/html"}, 415, "mime_unsupported"),
        (ID, {"Content-Type": None}, 415, "mime_unsupported"),
        (ID, {"Content-Encoding": "gzip"}, 415, "content_encoding"),
        (ID, {"Content-Digest": None}, 400, "digest_missing"),
        (ID, {"Content-Digest": "sha-256=:AAAA:"}, 400, "digest_invalid"),
        (ID, {"Content-Digest": digest(FACE)}, 400, "digest_mismatch"),
        (ID, {"X-Photo-At": None}, 400, "photo_invalid"),
        (ID, {"X-Photo-At": "1e9"}, 400, "photo_invalid"),
        (bytes(MAX_PHOTO_BYTES + 1), {}, 413, "photo_too_large"),
        (ID, {"X-Proview-Token": "forged"}, 401, None),
        (ID, {"Origin": OTHER_ORIGIN}, 403, "origin_refused"),
        (ID, {"Origin": None}, 403, "origin_missing"),
    ],
)
def test_hostile_photos_store_nothing(
    app: Flask, runtime: Runtime, uuid: str, token: str, body: bytes, headers: dict[str, str | None], status: int, code: str | None
) -> None:  # fmt: skip
    answer = put(app.test_client(), uuid, token, body, headers=headers)
    assert answer.status_code == status
    assert code is None or answer.get_json()["code"] == code
    assert not (runtime.layout.session_dir(uuid) / "photos").exists()


def test_kinds_are_two_and_sessions_are_ones_own(app: Flask, runtime: Runtime, uuid: str, token: str) -> None:
    client = app.test_client()
    for kind in ("passport", "..", "ID", "id%00"):
        assert put(client, uuid, token, ID, kind).status_code == 404
    other = start(app, runtime, session="another")["session_uuid"]
    foreign = put(client, other, token, ID)
    assert (foreign.status_code, foreign.get_json()["code"]) == (401, "token_foreign")
    assert not runtime.layout.session_dir(other).exists()


def test_times_outside_the_session_are_clamped(app: Flask, uuid: str, token: str, runtime: Runtime) -> None:
    client = app.test_client()
    put(client, uuid, token, ID, headers={"X-Photo-At": "-5"})
    put(client, uuid, token, FACE, "face", headers={"X-Photo-At": str(2**50)})
    photos = client.get(f"/proview/v1/playback/{uuid}?ticket={ticket(runtime, uuid)}").get_json()["photos"]
    assert photos[0]["at"] == 0 and 0 <= photos[1]["at"] < 60_000


def test_there_is_an_end_to_retakes(app: Flask, uuid: str, token: str) -> None:
    client = app.test_client()
    for grey in range(MAX_VERSIONS):
        assert put(client, uuid, token, jpeg(64, 64, grey)).status_code in (201, 429)
    codes = {put(client, uuid, token, jpeg(64, 64, 80)).get_json().get("code") for _ in range(2)}
    assert codes <= {"photo_limit", "too_many_requests"} and codes


def test_nothing_changes_while_a_proctor_looks_or_after_they_approved(app: Flask, runtime: Runtime, uuid: str, token: str) -> None:  # fmt: skip
    client = app.test_client()
    put(client, uuid, token, ID)
    ask(runtime.db, uuid, again=False)
    late = put(client, uuid, token, FACE)
    assert (late.status_code, late.get_json()["code"]) == (409, "photo_locked")
    assert put(client, uuid, token, ID).status_code == 200
    assert len(list((runtime.layout.session_dir(uuid) / "photos").iterdir())) == 1
    decide(runtime.db, uuid, Approval.REJECTED, "Too dark.", "pat")
    assert put(client, uuid, token, FACE).status_code == 201


def test_a_late_photo_is_handed_in_with_the_drain_token_until_the_grace_is_over(
    app: Flask, runtime: Runtime, started: dict[str, Any], uuid: str
) -> None:
    runtime.sessions.end(uuid, State.EXPIRED, "heartbeat")
    assert put(app.test_client(), uuid, started["drain_token"], ID).status_code == 201
    with runtime.db.write() as db:
        row = runtime.sessions.get(uuid)
        assert row is not None
        row.ended_at = 1000
        db.merge(row)
    assert put(app.test_client(), uuid, started["drain_token"], FACE).get_json()["code"] == "session_ended"


def test_a_deleted_session_takes_its_photos_along(app: Flask, runtime: Runtime, uuid: str, token: str) -> None:
    client = app.test_client()
    put(client, uuid, token, ID)
    runtime.sessions.delete(uuid)
    assert not runtime.layout.session_dir(uuid).exists()
    assert client.get(f"/proview/media/{uuid}/photos/id-1.jpg?ticket={ticket(runtime, uuid)}").status_code == 404
    assert put(client, uuid, token, ID).status_code == 404
    assert not runtime.layout.session_dir(uuid).exists()


def test_a_planted_link_is_not_followed(app: Flask, runtime: Runtime, uuid: str, token: str, tmp_path: Path) -> None:
    client = app.test_client()
    put(client, uuid, token, ID)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    file = runtime.layout.photo_file(uuid, "id", hashlib.sha256(ID).hexdigest())
    file.unlink()
    file.symlink_to(secret)
    assert client.get(f"/proview/media/{uuid}/photos/id-1.jpg?ticket={ticket(runtime, uuid)}").status_code == 404
    assert put(client, uuid, token, ID).status_code == 200
    assert file.read_bytes() == ID and secret.read_bytes() == b"secret"


def test_a_full_disk_is_told_and_the_photo_can_come_later(app: Flask, uuid: str, token: str, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    full = create_app(runtime)
    with monkeypatch.context() as patch:
        patch.setattr("flask_proview.recordings.photos.os.fsync", _no_space)
        answer = put(full.test_client(), uuid, token, ID)
        assert (answer.status_code, answer.get_json()["code"]) == (507, "storage_full")
        assert answer.headers["Retry-After"]
    assert list((runtime.layout.session_dir(uuid) / "photos").iterdir()) == []
    assert put(full.test_client(), uuid, token, ID).status_code == 201


def test_details_and_the_answer_of_a_start_name_what_is_done(app: Flask, runtime: Runtime, started: dict[str, Any], uuid: str, token: str) -> None:  # fmt: skip
    assert started["checks"] == {"photos": [], "approval": None, "reason": None}
    client = app.test_client()
    put(client, uuid, token, ID)
    assert start(app, runtime)["checks"]["photos"] == ["id"]
    runtime.users.add("rita", "reviewer", "correct-horse-battery")
    login = post(client, "/proview/v1/user/login", {"username": "rita", "password": "correct-horse-battery"})
    bearer = {"X-Proview-Token": login.get_json()["access_token"]}
    details = client.get(f"/proview/v1/sessions/{uuid}", headers=bearer).get_json()
    assert [(one["kind"], one["version"]) for one in details["photos"]] == [("id", 1)]
    assert client.get(details["photos"][0]["url"], headers=bearer).data == ID
    assert details["approval"] == {"state": None, "reason": None, "history": []}


def _no_space(_handle: int) -> None:
    raise OSError(28, "No space left on device")
