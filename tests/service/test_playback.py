from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from flask_proview.recordings import soundness
from flask_proview.recordings.verify import digest_of
from flask_proview.service.app import create_app
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.models import Recording, Session, State
from flask_proview.tokens import Kind

from .build import ACCOUNT_TOKEN, API_KEY, OPEN_TOKEN, ORIGIN, OTHER_ORIGIN, make_config, post, start

PATHS = ("/proview/v1/playback-token", "/proview/v1/token/playback", "/proview/token/playback")
VIDEO = bytes(range(256)) * 400


@pytest.fixture
def uuid(app: Flask, runtime: Runtime) -> str:
    return str(start(app, runtime)["session_uuid"])


@pytest.fixture
def recording(runtime: Runtime, uuid: str) -> str:
    """The uuid of a session with a finished camera track."""
    path = runtime.layout.recording_file(uuid, "camera")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(VIDEO)
    row = runtime.sessions.get(uuid)
    assert row is not None
    with runtime.db.write() as db:
        db.add(
            Recording(
                session_id=row.id,
                track="camera",
                path=str(path),
                mime="video/webm",
                offset_ms=120,
                duration_ms=60_000,
                bytes=len(VIDEO),
                sha256=hashlib.sha256(VIDEO).hexdigest(),
                made_at=1,
                notes=[],
            )
        )
    return uuid


def ticket(runtime: Runtime, uuid: str, ttl_s: float = 60) -> str:
    return runtime.signer.issue(Kind.TICKET, {"sid": uuid, "account": "main"}, ttl_s)


def ask(client: FlaskClient, body: dict[str, Any], path: str = PATHS[0], **headers: str) -> TestResponse:
    """As a back end does: no Origin."""
    sent = {"X-Api-Key": API_KEY, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return post(client, path, body, origin=None, headers={name: value for name, value in sent.items() if value})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "ids",
    [
        {"session_uuid": None},
        {"session_external_id": "attempt-7", "profile_external_id": "anna"},
        {"external_session_id": "attempt-7", "external_attendee_id": "anna"},
    ],
)
@pytest.mark.parametrize("label", ["proview_token", "proctor_token"])
def test_both_naming_families_get_a_ticket(
    client: FlaskClient, runtime: Runtime, uuid: str, path: str, ids: dict[str, Any], label: str
) -> None:
    body = {label: ACCOUNT_TOKEN, "validity": 30, **ids}
    if "session_uuid" in body:
        body["session_uuid"] = uuid
    answer = ask(client, body, path)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["session_uuid"] == uuid
    claims = runtime.signer.read(Kind.TICKET, answer.get_json()["token"])
    assert claims["sid"] == uuid
    assert 29 * 60 < claims["exp"] - claims["iat"] <= 30 * 60 + 1


def test_the_validity_is_capped_by_the_setting(client: FlaskClient, runtime: Runtime, uuid: str) -> None:
    for validity in (10**9, "240", None):
        body = {"proview_token": ACCOUNT_TOKEN, "session_uuid": uuid, "validity": validity}
        claims = runtime.signer.read(Kind.TICKET, ask(client, body).get_json()["token"])
        assert claims["exp"] - claims["iat"] <= 60 * 60 + 1


@pytest.mark.parametrize("validity", [0, -5, "x", 1.5, True, [], "1" * 30])
def test_a_bad_validity_is_refused(client: FlaskClient, uuid: str, validity: object) -> None:
    answer = ask(client, {"proview_token": ACCOUNT_TOKEN, "session_uuid": uuid, "validity": validity})
    assert (answer.status_code, answer.get_json()["validationErrors"][0]["path"]) == (400, "validity")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"proview_token": None}, 400, "validation"),
        ({"proview_token": "unknown"}, 401, "account_unknown"),
        ({"session_uuid": None}, 400, "validation"),
        ({"session_uuid": ["x"]}, 400, "validation"),
        ({"session_uuid": "11111111-2222-4333-8444-555555555555"}, 404, "unknown_session"),
        ({"session_uuid": "' OR 1=1 --"}, 404, "unknown_session"),
        ({"session_external_id": "other"}, 404, "unknown_session"),
    ],
)
def test_what_is_wrong_is_said(client: FlaskClient, uuid: str, changes: dict[str, Any], status: int, code: str) -> None:
    answer = ask(client, {"proview_token": ACCOUNT_TOKEN, "session_uuid": uuid, **changes})
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_another_accounts_session_does_not_exist(client: FlaskClient, uuid: str, runtime: Runtime) -> None:
    runtime.users.add("ada", "admin", "correct horse battery")
    body = {"username": "ada", "password": "correct horse battery"}
    bearer = post(client, "/proview/auth", body, origin=None).get_json()["access_token"]
    wrong = {"proview_token": OPEN_TOKEN, "session_uuid": uuid}
    assert post(client, PATHS[0], wrong, token=bearer, origin=None).status_code == 404
    right = {"proview_token": ACCOUNT_TOKEN, "session_uuid": uuid}
    assert post(client, PATHS[0], right, token=bearer, origin=None).status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", API_KEY + "x", API_KEY[:-1], API_KEY.upper()])
def test_the_account_token_proves_nothing_without_the_key(client: FlaskClient, uuid: str, key: str) -> None:
    answer = ask(client, {"proview_token": ACCOUNT_TOKEN, "session_uuid": uuid}, X_Api_Key=key)
    assert answer.status_code == 401


def test_an_account_without_a_key_has_no_key(client: FlaskClient) -> None:
    answer = ask(client, {"proview_token": OPEN_TOKEN, "session_uuid": "x"}, X_Api_Key="None")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "api_key")


def test_listed_addresses_need_no_key_unless_a_browser_asks(tmp_path: Any) -> None:
    account = {"name": "main", "token": ACCOUNT_TOKEN, "domains": ["exam.example.edu"], "api_networks": ["10.1.0.0/16"]}
    config = make_config(tmp_path, accounts=[account], server={"trusted_proxies": ["127.0.0.1"]}, media={"live": "off"})  # type: ignore[arg-type]
    runtime = build_runtime(config)
    runtime.start()
    try:
        app = create_app(runtime)
        uuid = start(app, runtime)["session_uuid"]
        body = {"proview_token": ACCOUNT_TOKEN, "session_uuid": uuid}

        def status(peer: str, origin: str | None = None, **headers: str) -> int:
            extra: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": peer}, "headers": headers}
            return post(app.test_client(), PATHS[0], body, origin=origin, **extra).status_code

        assert status("10.1.2.3") == 200
        assert status("10.2.2.3") == 401
        assert status("10.1.2.3", origin=ORIGIN) == 401, "a browser inside the network proves nothing"
        assert status("10.1.2.3", origin="https://evil.net") == 403
        assert status("203.0.113.5", **{"X-Forwarded-For": "10.1.2.3"}) == 401, "not our proxy"
        assert status("127.0.0.1", **{"X-Forwarded-For": "10.1.2.3"}) == 200
        assert status("127.0.0.1", **{"X-Forwarded-For": "10.1.2.3, 203.0.113.5"}) == 401
    finally:
        runtime.stop()


def test_a_proctor_may_not_hand_out_recordings(client: FlaskClient, runtime: Runtime, uuid: str) -> None:
    runtime.users.add("paul", "proctor", "correct horse battery")
    body = {"username": "paul", "password": "correct horse battery"}
    bearer = post(client, "/proview/auth", body, origin=None).get_json()["access_token"]
    wanted = {"proview_token": ACCOUNT_TOKEN, "session_uuid": uuid}
    assert post(client, PATHS[0], wanted, token=bearer, origin=None).status_code == 403


def test_the_recording_is_only_ever_a_video(client: FlaskClient, runtime: Runtime, recording: str) -> None:
    answer = client.get(f"/proview/media/{recording}/camera.webm?ticket={ticket(runtime, recording)}")
    assert answer.status_code == 200
    assert answer.data == VIDEO
    assert answer.headers["Content-Type"] == "video/webm"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    answer.close()


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=100-199", 206, 100, 199),
        ("bytes=102300-", 206, 102_300, 102_399),
        ("bytes=-100", 206, 102_300, 102_399),
        ("bytes=0-999999", 206, 0, 102_399),
        ("bytes=102400-", 416, 0, 0),
        ("bytes=" + "9" * 30 + "-", 416, 0, 0),
        ("bytes=" + ",".join(["0-"] * 1000), 416, 0, 0),
    ],
)
def test_ranges(
    client: FlaskClient, runtime: Runtime, recording: str, wanted: str, status: int, first: int, last: int
) -> None:
    url = f"/proview/media/{recording}/camera.webm?ticket={ticket(runtime, recording)}"
    answer = client.get(url, headers={"Range": wanted})
    assert answer.status_code == status
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(VIDEO)}"
        assert answer.data == VIDEO[first : last + 1]
    answer.close()


def test_a_recording_whose_bytes_changed_is_refused_and_made_again(
    client: FlaskClient, runtime: Runtime, recording: str
) -> None:
    url = f"/proview/media/{recording}/camera.webm?ticket={ticket(runtime, recording)}"
    runtime.sessions.end(recording, State.STOPPED, "page")
    path = runtime.layout.recording_file(recording, "camera")
    stat = path.stat()
    rotten = bytearray(VIDEO)
    rotten[50_000] ^= 1
    path.write_bytes(rotten)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    before = runtime.sessions.get(recording)
    assert before is not None
    refused = client.get(url, headers={"Range": "bytes=0-99"})
    assert (refused.status_code, refused.get_json()["code"], refused.headers["Retry-After"]) == (503, "recording_damaged", "60")  # fmt: skip
    after = runtime.sessions.get(recording)
    assert (
        after is not None and after.finalise_wanted_at and after.finalise_wanted_at > (before.finalise_wanted_at or 0)
    )
    assert client.get(url).status_code == 404, "it is not shown any more"


def test_a_recording_is_read_once_however_many_parts_are_asked_for(
    client: FlaskClient, runtime: Runtime, recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def reading(path: Path) -> str:
        read.append(path)
        return digest_of(path)

    monkeypatch.setattr(soundness, "digest_of", reading)
    url = f"/proview/media/{recording}/camera.webm?ticket={ticket(runtime, recording)}"
    for _ in range(3):
        client.get(url, headers={"Range": "bytes=0-99"}).close()
    assert len(read) == 1
    monkeypatch.setattr(soundness, "CHECKED_S", 0.0)
    client.get(url).close()
    assert len(read) == 2, "what was whole a while ago is looked at again"


def test_a_recording_that_finalise_replaces_meanwhile_is_no_damage(
    client: FlaskClient, runtime: Runtime, recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, newer = runtime.layout.recording_file(recording, "camera"), VIDEO[::-1]
    row = runtime.sessions.get(recording)
    assert row is not None

    def replaced(path: Path) -> str:
        with runtime.db.write() as db:
            db.execute(update(Recording).values(sha256=hashlib.sha256(newer).hexdigest()))
        return digest_of(path)

    path.write_bytes(newer)
    monkeypatch.setattr(soundness, "digest_of", replaced)
    answer = client.get(f"/proview/media/{recording}/camera.webm?ticket={ticket(runtime, recording)}")
    assert (answer.status_code, answer.data) == (200, newer)
    answer.close()


@pytest.mark.parametrize("track", ["screen", "..", "%2e%2e%2fcamera", "camera%00"])
def test_tracks_that_do_not_exist_are_404(client: FlaskClient, runtime: Runtime, recording: str, track: str) -> None:
    assert client.get(f"/proview/media/{recording}/{track}.webm?ticket={ticket(runtime, recording)}").status_code == 404


def test_a_link_in_place_of_the_file_is_not_followed(client: FlaskClient, runtime: Runtime, recording: str, tmp_path: Any) -> None:  # fmt: skip
    path = runtime.layout.recording_file(recording, "camera")
    path.unlink()
    path.symlink_to(tmp_path / "proview.db")
    assert client.get(f"/proview/media/{recording}/camera.webm?ticket={ticket(runtime, recording)}").status_code == 404


def test_the_player_learns_what_to_show(client: FlaskClient, runtime: Runtime, recording: str) -> None:
    row, _ = runtime.sessions.end(recording, State.STOPPED, "api")
    with runtime.db.write() as db:
        db.execute(update(Session).where(Session.id == row.id).values(finalised_at=row.ended_at))
    good = ticket(runtime, recording)
    shown = client.get(f"/proview/v1/playback/{recording}?ticket={good}").get_json()
    assert shown["session"]["session"] == "attempt-7"
    assert shown["state"] == "stopped"
    (track,) = shown["tracks"]
    assert (track["track"], track["offset_ms"], track["duration_ms"]) == ("camera", 120, 60_000)
    with client.get(track["url"]) as video:
        assert video.status_code == 200
    assert shown["events"] == []
    assert shown["outcomes"] == []


def test_a_console_login_opens_playback_too(client: FlaskClient, runtime: Runtime, recording: str) -> None:
    runtime.playback_gates.append(lambda request, uuid: request.headers.get("X-Test") == uuid)
    for path in (f"/proview/media/{recording}/camera.webm", f"/proview/v1/playback/{recording}"):
        assert client.get(path).status_code == 401
        answer = client.get(path, headers={"X-Test": recording})
        assert answer.status_code == 200
        answer.close()


@pytest.mark.parametrize("form", ["/proview/embedded/{}?token={}", "/proview/embedded/{}/?token={}"])
def test_the_embedded_player_may_be_framed_by_the_accounts_pages_only(
    client: FlaskClient, runtime: Runtime, recording: str, form: str
) -> None:
    good = ticket(runtime, recording)
    page = client.get(form.format(recording, good))
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {ORIGIN}" in policy
    assert OTHER_ORIGIN not in policy
    assert "X-Frame-Options" not in page.headers
    assert "unsafe-inline" not in policy
    assert good in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_an_embedded_link_without_a_good_ticket_shows_a_sentence_and_nothing_else(
    client: FlaskClient, runtime: Runtime, recording: str
) -> None:
    foreign = ticket(runtime, "11111111-2222-4333-8444-555555555555")
    for token, status in (("", 401), ("x", 401), (ticket(runtime, recording, -1), 401), (foreign, 404)):
        page = client.get(f"/proview/embedded/{recording}?token={token}")
        assert page.status_code == status
        assert page.mimetype == "text/html"
        assert "anna" not in page.text
    hostile = client.get("/proview/embedded/%3Cscript%3E?token=x")
    assert "<script>" not in hostile.text
