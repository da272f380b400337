"""Many wishes for the same thing, one job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MAX_WAITING = 10_000


class Debounce:
    """Says whether something must be scheduled, or whether what is scheduled already comes late enough."""

    def __init__(self, delay_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._delay_s = delay_s
        self._clock = clock
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}

    def is_new(self, key: str) -> bool:
        """Whether to schedule ``key`` for ``delay_s`` from now."""
        now = self._clock()
        with self._lock:
            if now < self._due.get(key, 0.0):
                return False
            if len(self._due) >= MAX_WAITING:
                self._due = {other: due for other, due in self._due.items() if due > now}
            # A little before the job is due it may already be running; what comes then gets a job of its own.
            self._due[key] = now + self._delay_s * 0.8
            return True
