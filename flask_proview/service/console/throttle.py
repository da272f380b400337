"""Slows down password guessing: per name with address, per address, and per name. Counted in this worker's memory.

A name alone gets a high limit and a short wait, so that nobody can lock a proctor out of a running exam for long.
With several workers the limits are divided by their number: an attacker spread over all of them gains nothing.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_KEYS = 20_000
FORGET_S = 900.0


@dataclass(frozen=True, slots=True)
class Rule:
    """After ``free`` failures every further one doubles the wait from ``first_s`` up to ``longest_s``."""

    free: int
    first_s: float
    longest_s: float


RULES = {"pair": Rule(5, 5.0, 900.0), "address": Rule(30, 5.0, 300.0), "name": Rule(50, 2.0, 30.0)}


@dataclass(slots=True)
class _Count:
    failures: int
    last: float
    until: float


class LoginThrottle:
    """Failed logins by key; the oldest keys are forgotten when there are too many."""

    def __init__(self, workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._workers = max(1, workers)
        self._counts: OrderedDict[tuple[str, ...], _Count] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, name: str, address: str) -> float:
        """How long this name and address must wait before the password is even looked at; 0 to go on."""
        now = self._clock()
        with self._lock:
            waits = [self._counts[key].until - now for key in _keys(name, address) if key in self._counts]
        return max([0.0, *waits])

    def failed(self, name: str, address: str) -> None:
        """Remember a wrong password."""
        now = self._clock()
        with self._lock:
            for key in _keys(name, address):
                count = self._counts.pop(key, None)
                if count is None or now - count.last > FORGET_S:
                    count = _Count(0, now, 0.0)
                count.failures += 1
                count.last = now
                rule = RULES[key[0]]
                over = count.failures - max(1, rule.free // self._workers)
                if over >= 0:
                    count.until = now + min(rule.longest_s, rule.first_s * 2.0 ** min(over, 20))
                self._counts[key] = count
            while len(self._counts) > MAX_KEYS:
                self._counts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The right password clears the name at this address; the address itself stays counted."""
        with self._lock:
            self._counts.pop(("pair", name.casefold(), address), None)


def _keys(name: str, address: str) -> tuple[tuple[str, ...], ...]:
    folded = name.casefold()[:80]
    return ("pair", folded, address), ("address", address), ("name", folded)
