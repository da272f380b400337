"""What the server tells the browser of a session, whichever way that browser is listening.

Two roads at once: the bus reaches a socket, or a held poll, of this process (of every process with Redis) within
milliseconds; the mailbox in the database reaches everybody else, at the next poll or the next look of a socket. Both carry
the same number, so nobody acts twice. Nobody has to know how a browser is connected at this moment, so nothing is lost while it changes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from flask_proview.bus import Bus
from flask_proview.config import Config
from flask_proview.sessions.mailbox import Mailbox

from .policy import ice_servers

logger = logging.getLogger(__name__)


class Commands:
    """The way to candidates."""

    def __init__(self, bus: Bus, mailbox: Mailbox) -> None:
        self._bus = bus
        self._mailbox = mailbox

    def tell(self, uuid: str, message: Mapping[str, Any]) -> None:
        """A message that is to arrive. Never raises: without the database the bus alone carries it."""
        number = None
        try:
            number = self._mailbox.put(uuid, message)
        except SQLAlchemyError as error:
            logger.warning("a message for session %s was not kept: %s", uuid, str(error).splitlines()[0])
        self.ring(uuid, message if number is None else {**message, "mail": number})

    def ring(self, uuid: str, message: Mapping[str, Any]) -> None:
        """News that the session's row holds as well; this only makes them quick."""
        self._bus.publish(f"session:{uuid}", message)


def for_browser(config: Config, message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of the mailbox as docs/protocol.md has it."""
    if message.get("type") == "live":
        return {"type": "live", "wanted": message.get("wanted") is True, "ice_servers": ice_servers(config)}
    return {name: value for name, value in message.items() if name != "mail"}
