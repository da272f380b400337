from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_proview.config import load_config
from flask_proview.middleware.observer import Refusal, StopReached
from flask_proview.observing import MAX_PLACES, RuntimeObserver
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.store import StartRequest


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    config = load_config(
        {
            "secrets": {"keys": ["k" * 40]},
            "storage": {"database": f"sqlite:///{tmp_path}/p.db", "recordings": str(tmp_path / "recordings")},
            "media": {"live": "off"},
            "accounts": [{"name": "main", "token": "b3f6224e-d072", "domains": ["exam.example.edu"]}],
        },
        {},
    )
    built = build_runtime(config)
    built.start()
    yield built
    built.stop()


def refusal(host: str = "evil.test", reason: str = "domain") -> Refusal:
    return Refusal(route="exam", account="main", reason=reason, host=host, path="/exam/7/q/1", detail="not listed")  # type: ignore[arg-type]


def test_a_refused_page_is_counted_at_once_and_then_at_most_every_few_seconds(runtime: Runtime) -> None:
    observer = RuntimeObserver(runtime)
    for _ in range(50):
        observer.refused(refusal())
    (row,) = runtime.refusals.list()
    assert (row.route, row.account, row.reason, row.host, row.path) == (
        "exam",
        "main",
        "domain",
        "evil.test",
        "/exam/7/q/1",
    )
    assert row.count == 1, "the other 49 wait for the next write"
    observer._written.clear()
    observer.refused(refusal())
    assert runtime.refusals.list()[0].count == 51


def test_hostile_host_headers_do_not_fill_the_memory(runtime: Runtime) -> None:
    observer = RuntimeObserver(runtime)
    observer._pending = {("r", "main", "domain", str(n)): 1 for n in range(MAX_PLACES)}
    observer.refused(refusal("one.more.test"))
    assert len(observer._pending) == MAX_PLACES
    assert runtime.refusals.list() == []


def test_a_reached_stop_path_ends_the_open_session_once(runtime: Runtime) -> None:
    session, _ = runtime.sessions.start(
        StartRequest("main", "a1", "p1", "exam", "ai_proctor", None, "https://exam.example.edu")
    )
    observer = RuntimeObserver(runtime)
    stop = StopReached(account="main", route="exam", session="a1", profile="p1", path="/exam/a1/done")
    observer.stop_reached(stop)
    ended = runtime.sessions.get(session.uuid)
    assert ended is not None
    assert (ended.state, ended.end_reason) == ("stopped", "path")
    observer.stop_reached(stop)
    again = runtime.sessions.get(session.uuid)
    assert again is not None
    assert again.ended_at == ended.ended_at


def test_a_stop_path_of_nobody_changes_nothing(runtime: Runtime) -> None:
    observer = RuntimeObserver(runtime)
    observer.stop_reached(
        StopReached(account="main", route="exam", session="unknown", profile=None, path="/exam/x/done")
    )
    assert runtime.sessions.search().rows == []
