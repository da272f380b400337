from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from flask_proview.recordings.pieces import PieceStore
from flask_proview.service.app import create_app
from flask_proview.service.runtime import Runtime, build_runtime

from .build import make_config


@pytest.mark.parametrize("name", ["healthz", "readyz", "metrics"])
def test_only_the_machine_itself_is_answered(client: FlaskClient, name: str) -> None:
    def status(peer: str, **headers: str) -> int:
        overrides: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": peer}}
        return client.get(f"/proview/{name}", headers=headers, **overrides).status_code

    assert status("127.0.0.1") == 200
    assert status("::1") == 200
    assert status("203.0.113.4") == 404
    assert status("127.0.0.1", **{"X-Forwarded-For": "203.0.113.4"}) == 404
    assert status("127.0.0.1", Forwarded="for=203.0.113.4") == 404


def test_health_says_what_the_server_can(client: FlaskClient) -> None:
    environ: dict[str, Any] = {"wsgi.multithread": True, "wsgi.multiprocess": False, "SERVER_SOFTWARE": "waitress"}
    assert client.get("/proview/healthz", environ_overrides=environ).get_json() == {
        "status": "ok",
        "server": "waitress",
        "worker": "threads",
        "websockets": False,
        "multithread": True,
        "multiprocess": False,
        "background_threads": True,
        "signaling": "http",
        "poll_hold_s": 0,
        "bus": "memory",
    }


def test_ready_says_what_is_ready(client: FlaskClient) -> None:
    assert client.get("/proview/readyz").get_json() == {
        "status": "ok",
        "database": "ok",
        "storage": "ok",
        "media": "off",
    }


def test_an_old_schema_is_not_ready(client: FlaskClient, runtime: Runtime) -> None:
    with runtime.db.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = client.get("/proview/readyz")
    assert answer.status_code == 503
    assert "proview db upgrade" in answer.get_json()["database"]


def test_a_full_disk_and_a_missing_media_process_are_told(tmp_path: Path) -> None:
    runtime = build_runtime(make_config(tmp_path, storage={"min_free_mb": 10_000_000}))
    runtime.start()
    try:
        answer = create_app(runtime).test_client().get("/proview/readyz")
        assert answer.status_code == 503
        assert "min_free_mb" in answer.get_json()["storage"]
        assert answer.get_json()["media"] == "link_down"
    finally:
        runtime.stop()


def test_a_store_that_could_not_sync_and_one_that_is_slow_are_not_ready(client: FlaskClient, runtime: Runtime) -> None:
    ended: list[bool] = []
    runtime.pieces.when_broken = lambda: ended.append(True)
    with mock.patch.object(PieceStore, "slow_s", 3.4):
        answer = client.get("/proview/readyz")
        assert (answer.status_code, answer.get_json()["storage"]) == (
            503,
            "slow: the disk takes 3.4 s for a batch of pieces",
        )
    runtime.pieces._break("Input/output error")
    answer = client.get("/proview/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["storage"].startswith("failed to sync (Input/output error)")
    assert ended == [True]


def test_metrics_are_in_the_text_format(client: FlaskClient, runtime: Runtime) -> None:
    runtime.counters.add("pieces_stored", 3)
    answer = client.get("/proview/metrics")
    assert answer.mimetype == "text/plain"
    assert "# TYPE proview_pieces_stored_total counter\nproview_pieces_stored_total 3\n" in answer.text
    with pytest.raises(KeyError):
        runtime.counters.add("made_up")
