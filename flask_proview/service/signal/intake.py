"""Pieces of one socket on their way to the disk: checked, submitted, acknowledged; at most so many at once.

While the limit is reached the socket is not read, so that TCP slows the browser down instead of our memory filling up.
"""

from __future__ import annotations

import threading
from typing import Any

from flask_proview.errors import ApiError
from flask_proview.recordings.pieces import IncomingPiece, PieceError, Verdict
from flask_proview.service.late import count_stored, finalise_again
from flask_proview.service.piece_input import make_piece
from flask_proview.service.pieces_api import check_accepts
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import OPEN_STATES, Session, State

from .outbox import Outbox
from .protocol import split_piece

MAX_PIECES = 32
MAX_BYTES = 32 << 20


class Intake:
    """Feeds ``PieceStore`` for one peer. ``take`` is called by the receiving thread only."""

    def __init__(self, runtime: Runtime, outbox: Outbox) -> None:
        self._runtime = runtime
        self._outbox = outbox
        self._room = threading.Condition(threading.Lock())
        self._pieces = 0
        self._bytes = 0
        self._first_stored = False

    @property
    def first_stored(self) -> bool:
        """Whether a piece became durable since the socket opened."""
        return self._first_stored

    def take(self, session: Session, message: bytes) -> None:
        """Submit the piece in a binary message; ``ack`` or ``nack`` follows when its fate is known.

        :raises BadMessage: when not even its header can be read.
        """
        header, body = split_piece(message)
        try:
            piece = make_piece(
                session,
                track=header.get("track"),
                run=header.get("run"),
                seq=header.get("seq"),
                sha256=header.get("sha256"),
                start=header.get("start"),
                duration=header.get("duration"),
                mime=header.get("mime"),
                last=header.get("last"),
                body=body,
            )
            check_accepts(self._runtime, session)
        except ApiError as error:
            self._refuse(header, error, retry=False)
            return
        self._reserve(len(body))
        self._runtime.pieces.submit(piece, lambda verdict: self._done(session, piece, verdict))

    def wait_until_done(self, timeout_s: float) -> None:
        """Wait for what was submitted, so that its acknowledgements can still be sent."""
        with self._room:
            self._room.wait_for(lambda: self._pieces == 0, timeout_s)

    def _reserve(self, length: int) -> None:
        with self._room:
            self._room.wait_for(
                lambda: self._pieces == 0 or (self._pieces < MAX_PIECES and self._bytes + length <= MAX_BYTES)
            )
            self._pieces += 1
            self._bytes += length

    def _done(self, session: Session, piece: IncomingPiece, verdict: Verdict | PieceError) -> None:
        """In the store's thread: quick, and never raises."""
        if isinstance(verdict, PieceError):
            header = {"track": piece.track, "run": piece.run, "seq": piece.seq}
            self._refuse(header, verdict, retry=verdict.retry)
        else:
            self._outbox.acknowledge(piece.track, piece.run, piece.seq)
            if verdict is Verdict.STORED:
                self._stored(session, piece)
            else:
                self._runtime.counters.add("pieces_replayed")
        with self._room:
            self._pieces -= 1
            self._bytes -= len(piece.body)
            self._room.notify_all()

    def _stored(self, session: Session, piece: IncomingPiece) -> None:
        count_stored(self._runtime, session.uuid, len(piece.body))
        if session.state == State.CREATED:
            # Changing the state is a transaction: the receiving thread does it, not the store's.
            self._first_stored = True
        elif session.state not in OPEN_STATES:
            finalise_again(self._runtime, session.uuid)

    def _refuse(self, header: dict[str, Any], error: ApiError, retry: bool) -> None:
        self._runtime.counters.add("pieces_refused")
        named = {name: header.get(name) for name in ("track", "run", "seq")}
        self._outbox.send({"type": "nack", **named, "code": error.code, "message": error.message, "retry": retry})
