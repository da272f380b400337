"""One candidate's socket from hello to close: every message of docs/protocol.md ends up in one method here. Fails closed.

The receiving thread does all the work; others (bus, piece store, media) only put messages into the outbox.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from flask_proview.errors import ApiError, TokenError
from flask_proview.service.access import check_session_origin, session_of_token
from flask_proview.service.commands import for_browser
from flask_proview.service.ending import end_session, pause_session, resume_session, run_session
from flask_proview.service.events_input import store_events
from flask_proview.service.limit import is_over_the_limit
from flask_proview.service.policy import session_tokens
from flask_proview.service.quota import Bucket
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.mailbox import Holder
from flask_proview.sessions.models import OPEN_STATES, Session, State

from . import protocol
from .intake import Intake
from .outbox import Outbox
from .protocol import BadMessage, Close
from .relay import Relay
from .socket import SignalSocket, SocketClosed

HELLO_S = 5.0
POLL_S = 5.0
CHECK_S = 15.0
# Where no bus reaches the other processes, what they say to this browser is found in the database.
CHECK_BLIND_S = 2.0
DRAIN_S = 5.0
TEXT_PER_S = 50
TEXT_BURST = 300
RESTARTS = "The server restarts; connect again."
logger = logging.getLogger(__name__)


class _Refused(Exception):
    """Close the socket with this code."""

    def __init__(self, code: Close, message: str) -> None:
        super().__init__(message)
        self.code = code


class Peer:
    """Serves one socket: ``run`` returns when it is over.

    :param multiprocess: other processes may have something to say to this browser.
    """

    def __init__(self, runtime: Runtime, uuid: str, socket: SignalSocket, *, multiprocess: bool = False) -> None:
        self._runtime = runtime
        self._uuid = uuid
        self._socket = socket
        self._id = "socket:" + secrets.token_hex(8)
        blind = multiprocess and runtime.config.bus.url.startswith("memory:")
        self._check_s = CHECK_BLIND_S if blind else CHECK_S
        self._poll_s = CHECK_BLIND_S if blind else POLL_S
        self._mail = 0
        self._outbox = Outbox(socket)
        self._intake = Intake(runtime, self._outbox)
        self._relay = Relay(runtime, uuid, self._outbox)
        self._chatter = Bucket(TEXT_PER_S, TEXT_BURST)
        self._told_state: tuple[str, str | None] | None = None
        self._recheck = False
        self._checked = time.monotonic()
        self._handlers: dict[type, Callable[[Session, Any], None]] = {
            protocol.Ping: self._on_ping,
            protocol.Events: self._on_events,
            protocol.Stop: self._on_stop,
            protocol.Pause: self._on_pause,
            protocol.Resume: self._on_resume,
            protocol.Refresh: self._on_refresh,
            protocol.Offer: lambda _session, offer: self._relay.offer(offer),
            protocol.Hangup: lambda _session, _hangup: self._relay.hang_up(),
        }

    def run(self, origin: str | None) -> None:
        """From the handshake to the end of the connection.

        :param origin: the handshake's ``Origin`` header.
        """
        self._outbox.start()
        try:
            self._serve(origin)
        except SocketClosed:
            pass
        except _Refused as refusal:
            self._outbox.close(refusal.code, str(refusal))
        except Exception:
            logger.exception("signal socket of session %s failed", self._uuid)
            self._runtime.counters.add("errors")
            self._outbox.close(Close.RESTART, "Something went wrong on the server; connect again.")
        except BaseException:
            # The worker shuts down (GreenletExit, SystemExit).
            self._socket.close(Close.RESTART, RESTARTS)
            raise
        finally:
            self._outbox.stop()
            self._socket.finish()
            if self._outbox.overloaded:
                self._runtime.counters.add("sockets_overloaded")

    def _serve(self, origin: str | None) -> None:
        session, hello = self._greet(origin)
        subscription = self._runtime.bus.subscribe(f"session:{self._uuid}", self._on_command)
        self._runtime.counters.add("sockets_opened")
        self._runtime.counters.add("sockets_open")
        self._runtime.leaving.add(self._leave)
        try:
            if self._runtime.draining:
                raise _Refused(Close.RESTART, RESTARTS)
            # Only now, so that no state change falls between reading the row and listening for changes.
            try:
                self._runtime.mailbox.claim(self._uuid, Holder.of(self._id, hello.client, hello.stamp))
            except ApiError as error:
                raise _Refused(
                    Close.REPLACED if error.status == 409 else Close.UNKNOWN_SESSION, error.message
                ) from None
            session = self._read_session()
            self._mail = session.mail_read
            self._runtime.commands.ring(self._uuid, {"type": "replaced", "by": self._id})
            self._welcome(session)
            self._deliver(session)
            self._loop(session)
        finally:
            self._runtime.leaving.discard(self._leave)
            subscription.close()
            self._runtime.counters.add("sockets_open", -1)
            self._relay.hang_up()
            self._intake.wait_until_done(DRAIN_S)

    def _greet(self, origin: str | None) -> tuple[Session, protocol.Hello]:
        """Wait for ``hello`` and check it.

        :raises _Refused: with the close code that says why.
        """
        self._socket.set_poll(1.0)
        deadline = time.monotonic() + HELLO_S
        message = None
        while message is None:
            if time.monotonic() >= deadline:
                raise _Refused(Close.NO_HELLO, "No hello came.")
            message = self._socket.receive()
        hello = _parse(message) if isinstance(message, str) else None
        if not isinstance(hello, protocol.Hello):
            raise _Refused(Close.BAD_MESSAGE, "The first message must be hello.")
        try:
            session = session_of_token(self._runtime, self._uuid, hello.token)
        except TokenError as error:
            raise _Refused(Close.BAD_TOKEN, error.message) from None
        except ApiError as error:
            raise _Refused(Close.UNKNOWN_SESSION, error.message) from None
        try:
            check_session_origin(self._runtime, session, origin)
        except ApiError as error:
            raise _Refused(Close.ORIGIN, error.message) from None
        self._socket.set_poll(self._poll_s)
        return session, hello

    def _welcome(self, session: Session) -> None:
        if session.state in OPEN_STATES:
            self._runtime.sessions.touch(self._uuid)
        watchers = self._runtime.viewers.count(self._uuid)
        self._outbox.send(
            {
                "type": "welcome",
                "state": session.state,
                "server_time": now_ms(),
                "started_at": session.started_at,
                "watchers": watchers,
            }
        )
        self._told_state = (session.state, session.end_reason)
        if not watchers and session.state in OPEN_STATES and self._runtime.config.media.live != "off":
            self._relay.announce_viewers()

    def _loop(self, session: Session) -> None:
        while True:
            message = self._socket.receive()
            session = self._check(session)
            if isinstance(message, bytes):
                self._take_piece(session, message)
            elif message is not None:
                if self._chatter.take():
                    raise _Refused(Close.OVERLOADED, "Too many messages.")
                parsed = _parse(message)
                if isinstance(parsed, protocol.Hello):
                    raise _Refused(Close.BAD_MESSAGE, "A second hello came.")
                self._handlers[type(parsed)](session, parsed)

    def _take_piece(self, session: Session, message: bytes) -> None:
        try:
            self._intake.take(session, message)
        except BadMessage as error:
            raise _Refused(Close.BAD_MESSAGE, str(error)) from None

    def _check(self, session: Session) -> Session:
        """Now and then, and when told to: is the session still what we think it is?"""
        if session.state == State.CREATED and self._intake.first_stored:
            session = run_session(self._runtime, self._uuid)
        now = time.monotonic()
        if self._recheck or now - self._checked > self._check_s:
            self._recheck = False
            self._checked = now
            session = self._read_session()
            if Holder.read(session.peer).way != self._id:
                raise _Refused(Close.REPLACED, "The session was opened in another tab.")
            if is_over_the_limit(self._runtime.config, session):
                session = end_session(self._runtime, self._uuid, State.STOPPED, "limit")
            self._tell_state(session)
            self._deliver(session)
        return session

    def _deliver(self, session: Session) -> None:
        """Send what only the mailbox brought, and forget what the browser has."""
        for letter in self._runtime.mailbox.read(session, self._mail):
            if letter.seq > self._mail:  # the bus may have brought it while we read
                self._mail = letter.seq
                self._outbox.send(for_browser(self._runtime.config, letter.message))
        self._runtime.mailbox.forget(session, self._mail)

    def _read_session(self) -> Session:
        session = self._runtime.sessions.get(self._uuid)
        if session is None:
            raise _Refused(Close.UNKNOWN_SESSION, "The session was deleted.")
        if session.revoked:
            raise _Refused(Close.BAD_TOKEN, "The session's tokens were revoked.")
        if not self._runtime.sessions.accepts_pieces(session, now_ms()):
            raise _Refused(Close.SESSION_ENDED, "The session has ended.")
        return session

    def _leave(self) -> None:
        """From another thread: the process is going to end."""
        self._outbox.close(Close.RESTART, RESTARTS)

    def _on_command(self, message: dict[str, Any]) -> None:
        """From the bus, in another thread: the outbox and flags only."""
        match message.get("type"):
            case "replaced" if message.get("by") != self._id:
                self._outbox.close(Close.REPLACED, "The session was opened in another tab.")
            case "state" | "stop" | "revoked":
                self._recheck = True
                if isinstance(message.get("state"), str):
                    self._tell(str(message["state"]), message.get("reason"))
            case "replaced":
                pass
            case _:
                self._forward(message)

    def _forward(self, message: dict[str, Any]) -> None:
        """A message from the mailbox that the bus brought at once, unless one before it is missing: then the loop reads them in order."""
        number = message.get("mail")
        if isinstance(number, int):
            if number <= self._mail:
                return
            if number != self._mail + 1:
                self._recheck = True
                return
            self._mail = number
        self._outbox.send(for_browser(self._runtime.config, message))

    def _tell_state(self, session: Session) -> None:
        self._tell(session.state, session.end_reason)

    def _tell(self, state: str, reason: str | None) -> None:
        """``state`` unless the browser knows it: the bus brings our own changes back to us."""
        if self._told_state != (state, reason):
            self._told_state = (state, reason)
            self._outbox.send({"type": "state", "state": state, "reason": reason})

    def _on_ping(self, session: Session, ping: protocol.Ping) -> None:
        if session.state in OPEN_STATES:
            self._runtime.sessions.touch(self._uuid)
        self._outbox.send({"type": "pong", "t": ping.stamp, "server_time": now_ms()})

    def _on_events(self, session: Session, message: protocol.Events) -> None:
        try:
            seqs = store_events(self._runtime, session, list(message.events))
        except ApiError as error:
            if error.code == "session_ended":
                raise _Refused(Close.SESSION_ENDED, error.message) from None
            # The quota of events is no reason to end the connection that carries the recording.
            self._outbox.send({"type": "error", "code": error.code, "message": error.message})
            return
        self._outbox.send({"type": "events_ack", "seqs": seqs})

    def _on_stop(self, _session: Session, stop: protocol.Stop) -> None:
        self._recheck = True
        self._answer(lambda: end_session(self._runtime, self._uuid, State.STOPPED, stop.reason))
        self._relay.hang_up()

    def _on_pause(self, _session: Session, _pause: protocol.Pause) -> None:
        self._recheck = True
        self._answer(lambda: pause_session(self._runtime, self._uuid))

    def _on_resume(self, _session: Session, _resume: protocol.Resume) -> None:
        self._recheck = True
        self._answer(lambda: resume_session(self._runtime, self._uuid))

    def _answer(self, change: Callable[[], Session]) -> None:
        """Carry out a state change and answer it with exactly one ``state``, whatever the bus brings back meanwhile."""
        self._told_state = None
        session = change()
        self._tell_state(session)

    def _on_refresh(self, session: Session, _refresh: protocol.Refresh) -> None:
        if session.state not in OPEN_STATES:
            # The drain token goes on working; there is nothing to renew.
            self._answer(lambda: session)
            return
        self._outbox.send({"type": "token", **session_tokens(self._runtime.config, self._runtime.signer, session)})


def _parse(text: str) -> protocol.Incoming:
    try:
        return protocol.parse_text(text)
    except BadMessage as error:
        raise _Refused(Close.BAD_MESSAGE, str(error)) from None
