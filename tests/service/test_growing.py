from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_proview.service.runtime import Runtime
from flask_proview.tokens import Kind
from tests.webm_factory import record

from .build import put_piece, start

pytestmark = pytest.mark.media


@pytest.fixture
def running(app: Flask, runtime: Runtime, client: FlaskClient) -> str:
    """The query-ready address of a running session with four seconds of camera."""
    started = start(app, runtime)
    uuid = started["session_uuid"]
    for seq, body in enumerate(record(4).pieces):
        headers: dict[str, str | None] = {"X-Piece-Start": str(seq * 1000)}
        assert put_piece(client, uuid, started["session_token"], body, seq=seq, headers=headers).status_code == 201
    ticket = runtime.signer.issue(Kind.TICKET, {"sid": uuid, "account": "main"}, 60)
    return f"/proview/v1/dvr/{uuid}/camera?ticket={ticket}"


def test_a_running_session_is_handed_out_in_stretches(client: FlaskClient, running: str) -> None:
    first = client.get(running + "&at=0")
    assert (first.status_code, first.mimetype, first.headers["X-Stretch-Fresh"]) == (200, "video/webm", "1")
    assert first.data.startswith(b"\x1a\x45\xdf\xa3")
    assert first.headers["Cache-Control"] == "private, no-store"
    assert "sandbox" in first.headers["Content-Security-Policy"]
    after = client.get(running + f"&run={first.headers['X-Stretch-Run']}&seq={first.headers['X-Stretch-Next']}")
    assert (after.status_code, after.data) == (204, b"")


def test_the_player_learns_of_growing_tracks_and_of_the_ledger_so_far(client: FlaskClient, running: str) -> None:
    address = running.replace("/v1/dvr/", "/v1/playback/").replace("/camera?", "?")
    answer = client.get(address).get_json()
    (track,) = answer["tracks"]
    assert (track["growing"], track["track"], answer["finalised"]) == (True, "camera", False)
    assert track["url"].startswith(running.partition("?")[0])
    assert sum(row["to_ms"] - row["from_ms"] for row in answer["outcomes"]) == track["duration_ms"]


@pytest.mark.parametrize(
    "query",
    ["", "&at=-1", "&at=1e3", "&at=9007199254740993", "&run=0", "&seq=0", "&run=0&seq=-1", "&run=x&seq=0", "&run=0&seq=2147483648", "&at=%00"],
)  # fmt: skip
def test_what_is_no_number_is_refused(client: FlaskClient, running: str, query: str) -> None:
    assert client.get(running + query).status_code == 400


@pytest.mark.parametrize(("query", "status"), [("&at=9000000", 204), ("&run=77&seq=3", 204), ("&run=0&seq=0", 204)])
def test_what_is_not_there_is_empty(client: FlaskClient, running: str, query: str, status: int) -> None:
    assert client.get(running + query).status_code == status


def test_other_tracks_other_sessions_and_no_ticket_are_refused(client: FlaskClient, running: str, app: Flask, runtime: Runtime) -> None:  # fmt: skip
    assert client.get(running.partition("?")[0] + "?at=0").status_code == 401
    assert client.get(running.replace("/camera?", "/microphone?") + "&at=0").status_code == 400
    other = start(app, runtime, session="other")["session_uuid"]
    uuid = running.split("/")[4]
    assert client.get(running.replace(uuid, other) + "&at=0").status_code == 404
