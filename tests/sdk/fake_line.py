"""The line between a browser and the fake service: down, silent, late, or deaf for some of the sockets."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from websockets.sync.server import ServerConnection

if TYPE_CHECKING:
    from .fake_service import FakeSession


class FakeLine:
    """What of it works. Silence closes nothing: only answers that stay away tell of it."""

    sessions: dict[str, FakeSession]

    down = False
    # As behind a cut that nobody is told of: what comes is swallowed.
    silent = False
    # The same for these sockets alone.
    deaf_sockets: tuple[ServerConnection, ...] = ()
    # How late everything is answered, seconds.
    lag_s = 0.0

    def go_down(self) -> None:
        """As if the web process was killed: sockets drop, nothing is answered."""
        self.down = True
        for session in list(self.sessions.values()):
            for socket in list(session.sockets):
                with contextlib.suppress(OSError):
                    socket.socket.close()

    def swallow(self) -> bool:
        """Whether a request came in silence; returns when that is over."""
        if not self.silent:
            time.sleep(self.lag_s)
            return False
        while self.silent:
            time.sleep(0.05)
        return True

    def lets_through(self, connection: ServerConnection) -> bool:
        """Whether a message of a socket arrives."""
        if self.silent or connection in self.deaf_sockets:
            return False
        time.sleep(self.lag_s)
        return True
