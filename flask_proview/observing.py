"""What the middleware saw, told to the service: refused pages are counted, stop pages end their session.

Called in the host's request: cheap, and a fault of ours never reaches the page (the middleware catches it).
"""

from __future__ import annotations

import threading
import time

from .middleware.observer import Refusal, StopReached
from .service.ending import end_session
from .service.runtime import Runtime
from .sessions.models import OPEN_STATES, State

# route, account (None when it is not configured), reason, host
Place = tuple[str, str | None, str, str]
FLUSH_S = 5.0
MAX_PLACES = 1000


class RuntimeObserver:
    """Implements ``middleware.observer.Observer`` on a ``Runtime``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._written: dict[Place, float] = {}
        self._pending: dict[Place, int] = {}

    def refused(self, refusal: Refusal) -> None:
        """Count it; the same place and reason is written at most every few seconds, however many pages are asked for."""
        key = (refusal.route, refusal.account, refusal.reason, refusal.host)
        now = time.monotonic()
        with self._lock:
            if key not in self._pending and len(self._pending) >= MAX_PLACES:
                return  # hostile Host headers: the first thousand places are enough to see what is wrong
            self._pending[key] = self._pending.get(key, 0) + 1
            if now - self._written.get(key, -FLUSH_S) < FLUSH_S:
                return
            self._written[key] = now
            count, self._pending[key] = self._pending[key], 0
        self._runtime.refusals.count(*key, path=refusal.path, detail=refusal.detail, by=count)

    def stop_reached(self, stop: StopReached) -> None:
        """The candidate reached a stop path: the session ends; what the browser still holds is accepted afterwards."""
        session = self._runtime.sessions.by_external(stop.account, stop.session, stop.profile or "")
        if session is not None and session.state in OPEN_STATES:
            end_session(self._runtime, session.uuid, State.STOPPED, "path")
