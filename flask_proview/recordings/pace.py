"""How long the disk takes, for those who ask whether this machine is fit for more (``/readyz``)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# A batch costs milliseconds. Browsers wait and keep what is not acknowledged, so this is no fault yet; more candidates would make it one.
SLOW_S = 2.0
REMEMBERED_S = 15.0


class Pace:
    """Remembers how long the newest batch took, or has been taking. One writer, any number of readers."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._ended = 0.0
        self._took_s = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        self._began = time.monotonic()
        try:
            yield
        finally:
            self._ended = time.monotonic()
            self._took_s, self._began = self._ended - self._began, None

    def slow_s(self) -> float:
        """Seconds, when they are too many; a slow batch is held against the disk for a while unless a fast one came."""
        now, began = time.monotonic(), self._began
        took = now - began if began is not None else self._took_s if now - self._ended < REMEMBERED_S else 0.0
        if began is not None and took < SLOW_S:
            took = self._took_s if now - self._ended < REMEMBERED_S else 0.0
        return took if took >= SLOW_S else 0.0
