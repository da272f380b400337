"""Who watches which session live, known to every worker: fed by the bus and by what the media process reports.

When the last viewer goes, the candidate's browser is told to close the live connection. A viewer whose worker died is
reported gone by media when its connection times out. Processes that no bus joins know only their own viewers; the media
process knows all of them, and is asked before a candidate is told that nobody watches any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask_proview.bus import Bus

from .commands import Commands

TOPIC = "viewers"
MAX_SESSIONS = 10_000


class Viewers:
    """session uuid → ids of its viewers.

    :param status: media's ``status``; empty when it does not answer.
    """

    def __init__(self, bus: Bus, commands: Commands, status: Callable[[], Mapping[str, Any]]) -> None:
        self._bus = bus
        self._commands = commands
        self._status = status
        self._lock = threading.Lock()
        self._by_session: dict[str, set[str]] = {}

    def count(self, uuid: str) -> int:
        with self._lock:
            return len(self._by_session.get(uuid, ()))

    @staticmethod
    def count_in(status: Mapping[str, Any], uuid: str) -> int:
        """The viewers of a session that media's ``status`` names."""
        sessions = status.get("sessions")
        entry = sessions.get(uuid) if isinstance(sessions, dict) else None
        number = entry.get("viewers") if isinstance(entry, dict) else None
        return number if isinstance(number, int) else 0

    def joined(self, uuid: str, viewer: str) -> None:
        """Tell all workers, and the candidate that live is wanted."""
        self._bus.publish(TOPIC, {"session": uuid, "viewer": viewer, "present": True})
        self._commands.tell(uuid, {"type": "live", "wanted": True})

    def left(self, uuid: str, viewer: str) -> bool:
        """Tell all workers; the last one to leave ends the candidate's live connection. Whether this was the last one here."""
        last = self._remove(uuid, viewer)
        self._bus.publish(TOPIC, {"session": uuid, "viewer": viewer, "present": False})
        if last and not self.count_in(self._status(), uuid):
            self._commands.tell(uuid, {"type": "live", "wanted": False})
        return last

    def on_message(self, message: Mapping[str, Any]) -> None:
        """From the bus."""
        uuid, viewer = str(message.get("session")), str(message.get("viewer"))
        if message.get("present") is True:
            with self._lock:
                if uuid in self._by_session or len(self._by_session) < MAX_SESSIONS:
                    self._by_session.setdefault(uuid, set()).add(viewer)
        else:
            self._remove(uuid, viewer)

    def on_media_event(self, message: Mapping[str, Any]) -> None:
        """From the media link; every worker hears it, and saying twice that nobody watches does no harm."""
        if message.get("event") == "viewer_gone":
            self.left(str(message.get("session")), str(message.get("viewer")))

    def _remove(self, uuid: str, viewer: str) -> bool:
        """Whether it was there and the last one."""
        with self._lock:
            viewers = self._by_session.get(uuid)
            if viewers is None or viewer not in viewers:
                return False
            viewers.discard(viewer)
            if viewers:
                return False
            del self._by_session[uuid]
            return True
