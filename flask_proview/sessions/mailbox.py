"""Messages for a session's browser that wait in the database until they were fetched: how one process reaches a candidate whose
next request lands in another, and how a message survives a restart.

Numbers are per session, without gaps, and given under the lock of the session's row, so that a reader's cursor never skips a
message that was committed late. Bounded: 100 wait for one session, then the oldest go; of some kinds only the newest counts.
What must never be lost is a column of the session (its state), not a message.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from flask_proview.errors import ApiError

from .database import Database, now_ms
from .models import OPEN_STATES, Mail, Session

MAX_WAITING = 100
MAX_BODY_BYTES = 16 * 1024
READ_AT_ONCE = 50
KEPT_MS = 60 * 60_000
# The kernel sends what a browser has given up to the end, after a cut seconds later: by then its next connection has the session.
# Clocks of different pages are compared that far only: somebody else's may be wrong by more.
LATE_MS = 30_000
# An order that replaces the one before it.
NEWEST_ONLY = frozenset({"live", "approval"})


@dataclass(frozen=True, slots=True)
class Letter:
    """A message and its number."""

    seq: int
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks for a session's way back, or has it.

    :param way: this socket, or ``http`` for polls.
    :param page: the name that the page gave itself; empty when it gave none.
    :param at: when the page asked, epoch ms of its own clock, which is steady as long as the page lives; 0: it did not say.
    """

    way: str
    page: str = ""
    at: int = 0

    @classmethod
    def of(cls, way: str, page: str | None, at: float | None) -> Holder:
        """From what a browser says of itself; what cannot be a time counts as not said."""
        stamp = int(at) if at is not None and 0 < at < 1 << 53 else 0
        return cls(way, hashlib.sha256(page.encode()).hexdigest()[:16] if page else "", stamp)

    @classmethod
    def read(cls, text: str | None) -> Holder:
        way, _, rest = (text or "").partition("|")
        page, _, at = rest.partition("|")
        return cls(way, page, int(at) if at.isdecimal() else 0)

    def __str__(self) -> str:
        return f"{self.way}|{self.page}|{self.at}"

    def is_late(self, holding: Holder) -> bool:
        """Whether it was asked before the one that holds it now, and only arrives after it."""
        behind = holding.at - self.at if self.at else 0
        same_page = bool(self.page) and self.page == holding.page
        return behind > 0 and (same_page or behind < LATE_MS)


class Mailbox:
    """The mail table, and who holds a session's way back."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, uuid: str, message: Mapping[str, Any]) -> int | None:
        """Leave a message; its number, or None when the session is over or unknown.

        :raises ValueError: the message has no type, or more than 16 KiB.
        """
        kind = str(message["type"])[:32]
        if len(json.dumps(message)) > MAX_BODY_BYTES:
            raise ValueError(f"a message for a browser may have {MAX_BODY_BYTES} bytes")
        with self._db.write() as db:
            row = _locked(db, uuid)
            if row is None or row.state not in OPEN_STATES:
                return None
            row.mail_seq += 1
            passed = Mail.seq <= row.mail_seq - MAX_WAITING
            if kind in NEWEST_ONLY:
                passed = or_(passed, Mail.kind == kind)
            db.execute(delete(Mail).where(Mail.session_id == row.id, passed))
            db.add(Mail(session_id=row.id, seq=row.mail_seq, kind=kind, body=dict(message), created_at=now_ms()))
            return row.mail_seq

    def read(self, session: Session, after: int) -> list[Letter]:
        """What waits behind ``after``, oldest first; at most 50. Asks the database only when the row says that there is something."""
        if session.mail_seq <= after:
            return []
        query = select(Mail).where(Mail.session_id == session.id, Mail.seq > after).order_by(Mail.seq)
        with self._db.read() as db:
            return [Letter(row.seq, dict(row.body)) for row in db.scalars(query.limit(READ_AT_ONCE))]

    def forget(self, session: Session, upto: int) -> None:
        """The browser has everything up to this number; costs nothing when that was known."""
        upto = min(upto, session.mail_seq)
        if upto <= session.mail_read:
            return
        with self._db.write() as db:
            db.execute(delete(Mail).where(Mail.session_id == session.id, Mail.seq <= upto))
            db.execute(update(Session).where(Session.id == session.id, Session.mail_read < upto).values(mail_read=upto))

    def claim(self, uuid: str, holder: Holder) -> Session:
        """``holder`` has the way back from now on; who had it before is replaced.

        :raises ApiError: 404 ``unknown_session``; 409 ``replaced``: somebody who asked later has it already.
        """
        with self._db.write() as db:
            row = _locked(db, uuid)
            if row is None:
                raise ApiError("There is no such session.", code="unknown_session", status=404)
            if holder.is_late(Holder.read(row.peer)):
                raise ApiError(
                    "A newer connection has the session; this one was asked for before it.",
                    code="replaced",
                    status=409,
                )
            row.peer = str(holder)
            return row

    def sweep(self, now: int) -> int:
        """Delete what nobody fetched within an hour, and what waits for sessions that are over; how many."""
        over = select(Session.id).where(Session.state.not_in(OPEN_STATES))
        old = or_(Mail.created_at < now - KEPT_MS, Mail.session_id.in_(over))
        with self._db.read() as db:
            if db.scalar(select(Mail.seq).where(old).limit(1)) is None:
                return 0
        with self._db.write() as db:
            return len(db.execute(delete(Mail).where(old).returning(Mail.seq)).all())


def _locked(db: OrmSession, uuid: str) -> Session | None:
    return db.scalars(select(Session).where(Session.uuid == uuid).with_for_update()).first()
