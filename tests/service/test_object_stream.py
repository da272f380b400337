"""A recording that has left for the object store plays by ranges, exactly as from the local disk."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from flask_proview.recordings.archive import key_of
from flask_proview.service.app import create_app
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.models import Copy, Recording
from flask_proview.tokens import Kind

from .build import make_config, start

VIDEO = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(VIDEO).hexdigest()


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = build_runtime(make_config(tmp_path, storage={"objects": f"file://{tmp_path}/far"}, media={"live": "off"}))
    runtime.start()
    yield runtime
    runtime.stop()


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime).test_client()


@pytest.fixture
def url(runtime: Runtime, client: FlaskClient, tmp_path: Path) -> str:
    """Of a recording that lies in the object store only."""
    uuid = str(start(client.application, runtime)["session_uuid"])
    row = runtime.sessions.get(uuid)
    assert row is not None
    path = tmp_path / "far" / key_of(uuid, "camera.webm")
    path.parent.mkdir(parents=True)
    path.write_bytes(VIDEO)
    copy = {"session_id": row.id, "sha256": SHA256, "bytes": len(VIDEO)}
    with runtime.db.write() as db:
        db.add(Recording(**copy, track="camera", path="camera.webm", mime="video/webm", offset_ms=0, duration_ms=9, made_at=1, notes=[]))  # fmt: skip
        db.add(Copy(**copy, name="camera.webm", mtime_ns=1, copied_at=1))
    ticket = runtime.signer.issue(Kind.TICKET, {"sid": uuid, "account": "main"}, 60)
    return f"/proview/media/{uuid}/camera.webm?ticket={ticket}"


def test_the_whole_and_its_headers(client: FlaskClient, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, VIDEO, "video/webm")
    assert answer.headers["Content-Length"] == str(len(VIDEO))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    head = client.head(url)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(len(VIDEO)))


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-", (0, len(VIDEO))),
        ("bytes=0-0", (0, 1)),
        ("bytes=1000-70000", (1000, 70_001)),
        ("bytes=-5", (len(VIDEO) - 5, len(VIDEO))),
        ("bytes=1000-99999999999", (1000, len(VIDEO))),
    ],
)
def test_ranges(client: FlaskClient, url: str, asked: str, span: tuple[int, int]) -> None:
    answer = client.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.data) == (206, VIDEO[span[0] : span[1]])
    assert answer.headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/{len(VIDEO)}"
    assert answer.headers["Content-Length"] == str(span[1] - span[0])


@pytest.mark.parametrize("asked", [f"bytes={len(VIDEO)}-", "bytes=0-1,5-9"])
def test_ranges_outside_and_several_are_refused(client: FlaskClient, url: str, asked: str) -> None:
    answer = client.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.get_json()["code"]) == (416, "range_invalid")


def test_the_same_version_is_not_sent_again_and_another_one_is_sent_whole(client: FlaskClient, url: str) -> None:
    assert client.get(url, headers={"If-None-Match": f'"{SHA256}"'}).status_code == 304
    other = client.get(url, headers={"Range": "bytes=5-9", "If-Range": '"another"'})
    assert (other.status_code, other.data) == (200, VIDEO)
    same = client.get(url, headers={"Range": "bytes=5-9", "If-Range": f'"{SHA256}"'})
    assert (same.status_code, same.data) == (206, VIDEO[5:10])


def test_what_is_gone_is_404_and_a_store_that_is_away_503(client: FlaskClient, url: str, runtime: Runtime, tmp_path: Path) -> None:  # fmt: skip
    shutil.rmtree(tmp_path / "far")
    assert client.get(url).status_code in (404, 503)
    with runtime.db.write() as db:
        db.query(Copy).delete()
    answer = client.get(url)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "recording_unknown")


def test_without_a_ticket_nothing_is_told(client: FlaskClient, url: str) -> None:
    assert client.get(url.partition("?")[0]).status_code == 401
