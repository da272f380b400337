from __future__ import annotations

import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_proview.bus import MAX_MESSAGE_BYTES, MAX_UNSENT, Bus, MemoryBus, RedisBus, make_bus
from flask_proview.config import load_config


class RedisServer:
    """A Redis of our own on a unix socket."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "r.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.path), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([*command, "--dir", str(self.path.parent)], stdout=subprocess.DEVNULL)
        wait_for(self.path.exists, "redis")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.path.unlink(missing_ok=True)


def wait_for(condition: Any, what: str) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.02)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.system)])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    bus: Bus
    bus = MemoryBus() if request.param == "memory" else RedisBus(request.getfixturevalue("redis").url)
    yield bus
    bus.close()


class Inbox:
    def __init__(self) -> None:
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()

    def __call__(self, message: dict[str, Any]) -> None:
        self._messages.put(message)

    def get(self) -> dict[str, Any]:
        return self._messages.get(timeout=10)

    @property
    def empty(self) -> bool:
        return self._messages.empty()


def test_every_handler_of_a_topic_gets_the_message_and_nobody_else(bus: Bus) -> None:
    first, second, other = Inbox(), Inbox(), Inbox()
    bus.subscribe("session:a", first)
    bus.subscribe("session:a", second)
    bus.subscribe("session:b", other)
    bus.publish("session:a", {"type": "stop", "n": [1, "ä"]})
    assert first.get() == second.get() == {"type": "stop", "n": [1, "ä"]}
    bus.publish("session:b", {"last": True})
    assert other.get() == {"last": True}


def test_handlers_get_copies_of_their_own(bus: Bus) -> None:
    inbox = Inbox()

    def spoil(message: dict[str, Any]) -> None:
        message["list"].clear()

    bus.subscribe("t", spoil)
    bus.subscribe("t", inbox)
    bus.publish("t", {"list": [1]})
    assert inbox.get() == {"list": [1]}


def test_a_closed_subscription_hears_nothing_and_closes_twice(bus: Bus) -> None:
    closed, stays = Inbox(), Inbox()
    subscription = bus.subscribe("t", closed)
    bus.subscribe("t", stays)
    subscription.close()
    subscription.close()
    bus.publish("t", {"x": 1})
    assert stays.get() == {"x": 1}
    assert closed.empty


def test_a_topic_can_be_left_and_taken_again(bus: Bus) -> None:
    for number in range(5):
        inbox = Inbox()
        subscription = bus.subscribe("t", inbox)
        bus.publish("t", {"n": number})
        assert inbox.get() == {"n": number}
        subscription.close()


def test_a_failing_handler_does_not_keep_the_others_from_hearing(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    def fail(message: dict[str, Any]) -> None:
        raise RuntimeError("handler")

    inbox = Inbox()
    bus.subscribe("t", fail)
    bus.subscribe("t", inbox)
    bus.publish("t", {})
    assert inbox.get() == {}
    assert "handler of t failed" in caplog.text


def test_messages_from_many_threads_all_arrive(bus: Bus) -> None:
    inbox = Inbox()
    bus.subscribe("t", inbox)

    def publish(n: int) -> None:
        for i in range(50):
            bus.publish("t", {"n": n * 100 + i})

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {inbox.get()["n"] for _ in range(400)} == {n * 100 + i for n in range(8) for i in range(50)}


def test_an_oversized_message_is_refused(bus: Bus) -> None:
    with pytest.raises(ValueError, match="may have"):
        bus.publish("t", {"x": "y" * MAX_MESSAGE_BYTES})


def test_closing_twice_is_fine(bus: Bus) -> None:
    bus.subscribe("t", Inbox())
    bus.close()
    bus.close()


@pytest.mark.system
def test_messages_travel_between_processes_worth_of_buses(redis: RedisServer) -> None:
    here, there = RedisBus(redis.url), RedisBus(redis.url)
    try:
        inbox = Inbox()
        there.subscribe("t", inbox)
        here.publish("t", {"from": "here"})
        assert inbox.get() == {"from": "here"}
    finally:
        here.close()
        there.close()


@pytest.mark.system
def test_subscriptions_come_back_when_redis_does(redis: RedisServer) -> None:
    bus = RedisBus(redis.url)
    try:
        inbox = Inbox()
        bus.subscribe("t", inbox)
        redis.stop()
        redis.start()

        def heard() -> bool:
            bus.publish("t", {"again": True})
            time.sleep(0.1)
            return not inbox.empty

        wait_for(heard, "the subscription")
    finally:
        bus.close()


def test_without_redis_messages_are_dropped_beyond_the_bound_and_nothing_blocks(tmp_path: Path) -> None:
    bus = RedisBus(f"unix://{tmp_path}/nobody.sock")
    try:
        for number in range(MAX_UNSENT + 50):
            bus.publish("t", {"n": number})
        assert 48 <= bus.dropped <= 50
    finally:
        bus.close()


def test_the_url_decides(tmp_path: Path) -> None:
    keys = {"secrets": {"keys": ["k" * 40]}}
    assert isinstance(make_bus(load_config(keys, environ={})), MemoryBus)
    bus = make_bus(load_config({**keys, "bus": {"url": "redis://127.0.0.1:1/0"}}, environ={}))
    assert isinstance(bus, RedisBus)
    bus.close()
