"""How web workers tell each other things: commands to a candidate's socket, console updates.

Delivery is at most once and unordered between topics: what must not be lost stands in the database, the bus only makes it
quick. Handlers are called in the publisher's (memory) or the listener's (Redis) thread and must return at once. Topics:
``session:<uuid>`` and ``console`` (docs/architecture.md).
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from flask_proview.errors import ConfigError

if TYPE_CHECKING:
    from flask_proview.config import Config

Message = dict[str, Any]
Handler = Callable[[Message], None]
MAX_MESSAGE_BYTES = 64 * 1024
MAX_UNSENT = 1000
RETRY_DELAYS_S = (0.1, 0.3, 1.0, 3.0)
POLL_S = 0.5
SOCKET_TIMEOUT_S = 5.0
PREFIX = "proview:"
logger = logging.getLogger(__name__)


class Subscription:
    """A handler's place on a topic; ``close`` may be called twice."""

    def __init__(self, closing: Callable[[], object]) -> None:
        self._closing: Callable[[], object] | None = closing

    def close(self) -> None:
        closing, self._closing = self._closing, None
        if closing is not None:
            closing()


class Bus(Protocol):
    """What both buses can do."""

    def publish(self, topic: str, message: Mapping[str, Any]) -> None: ...

    def subscribe(self, topic: str, handler: Handler) -> Subscription: ...

    def close(self) -> None: ...


def make_bus(config: Config) -> Bus:
    """The bus of ``bus.url``."""
    if config.bus.url.startswith("memory:"):
        return MemoryBus()
    return RedisBus(config.bus.url)


class _Handlers:
    """topic → handlers; the registry that both buses share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_topic: dict[str, list[Handler]] = {}

    def add(self, topic: str, handler: Handler) -> bool:
        """Whether it is the first one of the topic."""
        with self._lock:
            handlers = self._by_topic.setdefault(topic, [])
            self._by_topic[topic] = [*handlers, handler]
            return not handlers

    def remove(self, topic: str, handler: Handler) -> bool:
        """Whether it was the last one of the topic."""
        with self._lock:
            left = list(self._by_topic.get(topic, ()))
            if handler in left:
                left.remove(handler)
            if left:
                self._by_topic[topic] = left
                return False
            return self._by_topic.pop(topic, None) is not None

    def topics(self) -> list[str]:
        with self._lock:
            return list(self._by_topic)

    def deliver(self, topic: str, body: bytes) -> None:
        with self._lock:
            handlers = self._by_topic.get(topic, [])
        for handler in handlers:
            try:
                handler(json.loads(body))
            except Exception:
                logger.exception("a bus handler of %s failed", topic.partition(":")[0])


class MemoryBus:
    """Within one process: the handlers run inside ``publish``."""

    def __init__(self) -> None:
        self._handlers = _Handlers()

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """Tell all handlers of the topic; each gets a copy of its own."""
        self._handlers.deliver(topic, _encode(message))

    def subscribe(self, topic: str, handler: Handler) -> Subscription:
        self._handlers.add(topic, handler)
        return Subscription(lambda: self._handlers.remove(topic, handler))

    def close(self) -> None:
        """Nothing to release."""


class RedisBus:
    """Between processes. Connects on first use and again by itself; at most 1000 messages wait while Redis is away."""

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError:
            raise ConfigError(
                "[bus] url = 'redis://…' needs the redis package: pip install 'flask-proview[redis]'"
            ) from None
        self._errors = redis.RedisError
        options: dict[str, Any] = {"socket_timeout": SOCKET_TIMEOUT_S, "socket_connect_timeout": SOCKET_TIMEOUT_S}
        self._client: Any = redis.Redis.from_url(url, **options)
        self._handlers = _Handlers()
        self._unsent: queue.Queue[tuple[str, bytes] | None] = queue.Queue(MAX_UNSENT)
        # Topic changes are carried out by the listening thread: redis-py's PubSub is not for two threads.
        self._changes: queue.SimpleQueue[tuple[bool, str, threading.Event]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.dropped = 0

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """Queue for sending; returns at once. When 1000 wait, the new one is dropped and counted."""
        self._start()
        try:
            self._unsent.put_nowait((topic, _encode(message)))
        except queue.Full:
            self.dropped += 1
            logger.warning("bus: Redis does not take messages, one was dropped")

    def subscribe(self, topic: str, handler: Handler) -> Subscription:
        """Returns when Redis has confirmed the topic, or after a short wait while it is away (it is confirmed later then)."""
        self._start()
        if self._handlers.add(topic, handler):
            done = threading.Event()
            self._changes.put((True, topic, done))
            done.wait(2 * POLL_S)
        return Subscription(lambda: self._unsubscribe(topic, handler))

    def close(self) -> None:
        """Stop both threads. Safe to call twice."""
        self._closed.set()
        with contextlib.suppress(queue.Full):
            self._unsent.put_nowait(None)
        with self._lock:
            threads, self._threads = self._threads, []
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(SOCKET_TIMEOUT_S)
        self._client.close()

    def _unsubscribe(self, topic: str, handler: Handler) -> None:
        if self._handlers.remove(topic, handler):
            self._changes.put((False, topic, threading.Event()))

    def _start(self) -> None:
        with self._lock:
            if self._threads or self._closed.is_set():
                return
            for target, name in ((self._send, "bus-send"), (self._listen, "bus-listen")):
                thread = threading.Thread(target=target, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _send(self) -> None:
        while not self._closed.is_set():
            item = self._unsent.get()
            if item is None:
                return
            failures = 0
            while not self._closed.is_set():
                try:
                    self._client.publish(PREFIX + item[0], item[1])
                    break
                except self._errors as error:
                    failures = _pause(self._closed, failures, error)

    def _listen(self) -> None:
        failures = 0
        while not self._closed.is_set():
            pubsub = self._client.pubsub()
            try:
                # A topic nobody publishes on keeps the connection subscribed when all others are gone.
                pubsub.subscribe(PREFIX, *(PREFIX + topic for topic in self._handlers.topics()))
                while not self._closed.is_set():
                    self._apply_changes(pubsub)
                    message = pubsub.get_message(timeout=0.05)
                    failures = 0
                    if message is not None and message["type"] == "message":
                        topic = message["channel"].decode().removeprefix(PREFIX)
                        self._handlers.deliver(topic, message["data"])
            except (self._errors, OSError) as error:
                failures = _pause(self._closed, failures, error)
            finally:
                pubsub.close()

    def _apply_changes(self, pubsub: Any) -> None:
        while not self._changes.empty():
            subscribe, topic, done = self._changes.get_nowait()
            # The newest state decides: a topic may have been dropped and taken again in between.
            if subscribe and topic in self._handlers.topics():
                pubsub.subscribe(PREFIX + topic)
            elif not subscribe and topic not in self._handlers.topics():
                pubsub.unsubscribe(PREFIX + topic)
            done.set()


def _pause(closed: threading.Event, failures: int, error: Exception) -> int:
    if failures == 0:
        logger.warning("bus: Redis is away (%s), trying again", error)
    closed.wait(RETRY_DELAYS_S[min(failures, len(RETRY_DELAYS_S) - 1)])
    return failures + 1


def _encode(message: Mapping[str, Any]) -> bytes:
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a bus message may have {MAX_MESSAGE_BYTES} bytes, this one has {len(body)}")
    return body
