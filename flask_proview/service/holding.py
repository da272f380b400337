"""How long a poll may wait for news, and how many may wait at once: never at the cost of the host application.

Under gevent waiting is free. In a pool of threads each held poll takes a thread from the application, so none is held unless
``server.held_polls`` says how many may be; a server that handles one request at a time never holds one. A poll that is not
held is answered at once with the time of the next one.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from types import TracebackType

from .server_facts import ServerFacts

HOLD_S = 25.0  # below the 30 s after which the more impatient proxies give a request up
MAX_HELD = 5000
# Not held: the next poll. Answers to pieces say sooner when there is something to fetch (``X-Proview-Mail``).
POLL_AFTER_MS = 2500
JITTER = 0.2


def held_at_once(facts: ServerFacts, held_polls: int) -> int:
    """How many polls this process may hold.

    :param held_polls: the setting ``server.held_polls``; only threaded servers look at it.
    """
    if facts.worker == "gevent":
        return MAX_HELD
    return held_polls if facts.multithread else 0


def poll_after_ms(rand: Callable[[], float] = random.random) -> int:
    """When to poll again; spread, so that candidates who began together do not stay in step."""
    return round(POLL_AFTER_MS * (1 + JITTER * (2 * rand() - 1)))


class Places:
    """The places of held polls in one process; one per session, the newest wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, Place] = {}
        self._open = True

    def __len__(self) -> int:
        with self._lock:
            return len(self._held)

    def take(self, uuid: str, limit: int) -> Place | None:
        """A place for the session's poll, or None when all are taken. An older poll of the session is sent home."""
        with self._lock:
            older = self._held.get(uuid)
            if not self._open or (older is None and len(self._held) >= limit):
                return None
            place = self._held[uuid] = Place(self, uuid)
        if older is not None:
            older.send_home()
        return place

    def open(self) -> None:
        """Take polls (again)."""
        self._open = True

    def close(self) -> None:
        """Send everybody home and hold nobody: the process is going to end. Safe to call twice."""
        with self._lock:
            self._open = False
            held = list(self._held.values())
        for place in held:
            place.send_home()

    def release(self, place: Place) -> None:
        with self._lock:
            if self._held.get(place.uuid) is place:
                del self._held[place.uuid]


class Place:
    """One held poll: ``ring`` from any thread ends its wait; a context manager that gives the place back."""

    def __init__(self, places: Places, uuid: str) -> None:
        self.uuid = uuid
        self._places = places
        self._bell = threading.Event()
        self.over = False

    def ring(self, _message: object = None) -> None:
        self._bell.set()

    def send_home(self) -> None:
        """A newer poll took the place, or the process ends."""
        self.over = True
        self._bell.set()

    def wait(self, seconds: float) -> None:
        """Until rung, at most ``seconds``."""
        self._bell.wait(seconds)
        self._bell.clear()

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_exc: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._places.release(self)
