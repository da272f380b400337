"""A wall clock that is set while we run. Times in rows and tokens are wall time; what was judged by them waits, or is given the difference.

One machine, one clock: a process that was started after the step knows nothing of it, and machines whose clocks differ need NTP.
"""

from __future__ import annotations

import time

# NTP moves clocks smoothly; what jumps further than this was set, or the machine slept.
STEP_S = 5.0


class ClockSteps:
    """Compares wall time with the steady clock each time it is asked."""

    def __init__(self) -> None:
        self._offset = self._highest = _offset()
        self._stepped_at: float | None = None

    def since_step_s(self) -> float | None:
        """Seconds since the newest step; None when there was none. A step is noticed by asking, so ask often."""
        offset = _offset()
        if abs(offset - self._offset) > STEP_S:
            self._offset, self._stepped_at = offset, time.monotonic()
        return None if self._stepped_at is None else time.monotonic() - self._stepped_at

    def back_s(self) -> float:
        """How far behind its furthest reading the clock is: what was issued then seems to come from the future now."""
        offset = _offset()
        self._highest = max(self._highest, offset)
        return self._highest - offset


def _offset() -> float:
    return time.time() - time.monotonic()
