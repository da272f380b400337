"""What the middleware tells the rest of the service, and a default that only logs.

Both calls happen inside the host's request: they must be cheap and must not block. Exceptions from them are caught.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal, Protocol

log = logging.getLogger(__name__)

Reason = Literal["domain", "account", "identity", "fault"]
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """A page of a protected route that was passed on without proctoring. ``host`` and ``path`` come from the client."""

    route: str
    account: str | None
    reason: Reason
    host: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class StopReached:
    """The application answered (2xx or 3xx) on one of a route's ``stop_paths``.

    A hint, not proof of anything: whoever makes the application answer there causes it, for any session id that the
    request can name. The page's own script stops the session with its session token.
    """

    account: str
    route: str
    session: str
    profile: str | None
    path: str


class Observer(Protocol):
    def refused(self, refusal: Refusal) -> None: ...

    def stop_reached(self, stop: StopReached) -> None: ...


class LogObserver:
    """A warning for the first refusal of its kind (route, reason, host), debug for the rest."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, str]] = set()

    def refused(self, refusal: Refusal) -> None:
        kind = (refusal.route, refusal.reason, refusal.host)
        first = kind not in self._seen and len(self._seen) < _REMEMBERED
        if first:
            self._seen.add(kind)
        log.log(
            logging.WARNING if first else logging.DEBUG,
            "route %s: page %r on host %r is not proctored (%s): %s",
            refusal.route,
            refusal.path,
            refusal.host,
            refusal.reason,
            refusal.detail,
        )

    def stop_reached(self, stop: StopReached) -> None:
        log.info("route %s: session %r of account %s reached %r", stop.route, stop.session, stop.account, stop.path)
