from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import load_config
from flask_proview.doctor import Finding, Level, examine
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.users import UserStore

from .site import KEY


def findings(folder: Path, topic: str, **sections: dict[str, Any]) -> list[Finding]:
    raw: dict[str, Any] = {
        "secrets": {"keys": [KEY]},
        "storage": {"database": f"sqlite:///{folder}/proview.db", "recordings": str(folder), "min_free_mb": 1},
        "media": {"link": f"unix:{folder}/m"},
        "server": {"listen": "127.0.0.1:0"},
    }
    for name, values in sections.items():
        raw[name] = {**raw.get(name, {}), **values}
    return [f for f in examine(load_config(raw, environ={})) if f.topic == topic]


def test_inside_an_application_the_worker_and_a_missing_media_process_are_named(tmp_path: Path) -> None:
    assert "proview worker" in findings(tmp_path, "worker")[0].message
    assert "run `proview media` beside" in findings(tmp_path, "media")[0].message


def test_behind_the_proxy_the_supervisor_starts_both(tmp_path: Path) -> None:
    server = {"upstream": "http://127.0.0.1:1"}
    assert findings(tmp_path, "worker", server=server) == []
    assert findings(tmp_path, "media", server=server) == []


def test_a_media_process_that_answers_is_not_missed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        assert findings(tmp_path, "media", media={"link": link}) == []
    assert findings(tmp_path, "media", media={"link": link})
    assert findings(tmp_path, "media", media={"live": "off"}) == []


def test_sqlite_with_several_workers_is_a_warning(tmp_path: Path) -> None:
    many: dict[str, dict[str, Any]] = {"server": {"workers": 2}, "bus": {"url": "redis://127.0.0.1:1/0"}}
    assert any("one writer" in f.message and f.level is Level.WARNING for f in findings(tmp_path, "database", **many))
    assert not any("one writer" in f.message for f in findings(tmp_path, "database"))


@pytest.mark.parametrize(
    ("sections", "warned"),
    [
        ({"bus": {"url": "redis://cache.example:6379/0"}}, True),
        ({"media": {"link": "tcp:10.0.0.7:9000"}}, True),
        ({"bus": {"url": "redis://localhost/0"}, "media": {"link": "tcp:127.0.0.1:9000"}}, False),
    ],
)
def test_sqlite_and_parts_on_other_machines_are_a_warning(
    tmp_path: Path, sections: dict[str, Any], warned: bool
) -> None:
    assert any("cannot be shared" in f.message for f in findings(tmp_path, "database", **sections)) is warned


def test_candidates_who_wait_for_a_proctor_need_one(tmp_path: Path) -> None:
    def approval(**route: Any) -> list[str]:
        account = {"name": "main", "token": "b3f6224e-d072", "domains": ["exam.example.edu"]}
        raw = {
            "secrets": {"keys": [KEY]},
            "storage": {"database": url, "recordings": str(tmp_path), "min_free_mb": 1},
            "media": {"live": "off"},
            "accounts": [account],
            "routes": [{"name": "exam", "path": "/exam/<attempt>", "session": "path:attempt", **route}],
        }
        return [f.message for f in examine(load_config(raw, environ={})) if f.topic == "approval"]

    url = f"sqlite:///{tmp_path}/proview.db"
    upgrade(url)
    database = Database(url)
    people = UserStore(database)
    try:
        people.add("rita", "reviewer", "correct-horse-battery")
        assert "--role proctor" in approval(session_type="live_proctor")[0]
        assert "of exam wait" in approval(approval=True)[0]
        assert approval(session_type="live_proctor", approval=False) == approval() == []
        people.add("pat", "proctor", "correct-horse-battery")
        assert approval(session_type="live_proctor") == []
        people.set_disabled("pat", True)
        assert approval(session_type="live_proctor")
    finally:
        database.dispose()
