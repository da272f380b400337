"""A proctor lets candidates in, or does not and says why. The session row holds the newest word; every word is an event: who, when, why.

A sitting is let in once: what was said stands in all of its sessions, and one that goes on with it takes it along (store.py).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

from flask_proview.catalogue import APPROVAL_REQUESTED, APPROVED, REJECTED, name_of
from flask_proview.errors import ApiError, FieldError

from .database import Database, now_ms
from .models import OPEN_STATES, Event, Session, User
from .models import Login as LoginRow
from .sittings import end_of, sitting_of
from .text import storable

MAX_REASON = 500
# A console that is open asks every few seconds; its login is written once a minute.
THERE_MS = 150_000
APPROVING_ROLES = ("admin", "proctor")


class Approval(enum.StrEnum):
    """Where a candidate stands; the column is null before they asked."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


EVENT_OF = {Approval.WAITING: APPROVAL_REQUESTED, Approval.APPROVED: APPROVED, Approval.REJECTED: REJECTED}


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of the history. ``by`` is empty for what the candidate did."""

    approval: str
    reason: str
    by: str
    at: int


def ask(db: Database, uuid: str, again: bool) -> tuple[Session, bool]:
    """The candidate is ready: (the row, whether this call made them wait).

    :param again: after a rejection; without it the rejection stands, so that a late repetition of the first question changes nothing.
    :raises ApiError: 404, 410 ``session_ended``.
    """
    with db.write() as orm:
        parts, row = _locked(orm, uuid)
        if row.state not in OPEN_STATES:
            raise ApiError("The session has ended.", code="session_ended", status=410)
        if row.approval is None or (again and row.approval == Approval.REJECTED):
            _say(orm, parts, row, Approval.WAITING, None, {})
            return row, True
        return row, False


def decide(db: Database, uuid: str, approval: Approval, reason: str, by: str) -> list[Session]:
    """A proctor's word on a sitting, by whichever of its sessions: all of them.

    :raises ApiError: 400 ``validation`` (a rejection without a reason, a long one), 404, 409 ``not_waiting`` or ``session_ended``.
    """
    reason = storable(reason.replace("\0", "").strip())
    if approval is Approval.REJECTED and not reason:
        raise ApiError("Say why; the candidate reads it.", fields=(FieldError("reason", "is missing", "missing"),))
    if len(reason) > MAX_REASON:
        raise ApiError(f"The reason may have {MAX_REASON} characters.", fields=(FieldError("reason", "is too long", "too_long"),))  # fmt: skip
    with db.write() as orm:
        parts, _ = _locked(orm, uuid)
        row = parts[-1]
        if end_of(parts) is not None:
            raise ApiError("The session has already ended.", code="session_ended", status=409)
        if row.approval != Approval.WAITING:
            said = f"They were {row.approval} meanwhile." if row.approval else "They have not asked yet."
            raise ApiError(f"The candidate is not waiting. {said}", code="not_waiting", status=409)
        _say(orm, parts, row, approval, reason or None, {"by": by, **({"reason": reason} if reason else {})})
        return parts


def history(orm: OrmSession, row: Session) -> list[Word]:
    """Everything that was asked and said in a session's sitting, newest first."""
    kinds = {number: approval for approval, number in EVENT_OF.items()}
    ids = [part.id for part in sitting_of(orm, row)]
    query = select(Event).where(Event.session_id.in_(ids), Event.event_type_id.in_(kinds)).order_by(Event.id.desc())
    return [
        Word(
            kinds[event.event_type_id].value,
            str(event.data.get("reason", "")),
            str(event.data.get("by", "")),
            event.received_at,
        )
        for event in orm.scalars(query)
    ]


def somebody_is_there(orm: OrmSession) -> bool:
    """Whether a person who may approve has the console open."""
    query = (
        select(LoginRow.user_id)
        .join(User, User.id == LoginRow.user_id)
        .where(LoginRow.last_used_at > now_ms() - THERE_MS, User.role.in_(APPROVING_ROLES), User.disabled.is_(False))
    )
    return orm.scalar(query.limit(1)) is not None


def waiting_since(orm: OrmSession, session_ids: list[int]) -> int | None:
    """When the candidate of these sessions asked last."""
    asked = Event.event_type_id == APPROVAL_REQUESTED
    return orm.scalar(select(func.max(Event.received_at)).where(Event.session_id.in_(session_ids), asked))


def _locked(orm: OrmSession, uuid: str) -> tuple[list[Session], Session]:
    """All sessions of a sitting, and the one that was named."""
    row = orm.scalars(select(Session).where(Session.uuid == uuid)).first()
    if row is None:
        raise ApiError("There is no such session.", code="unknown_session", status=404)
    parts = sitting_of(orm, row, lock=True)
    for part in parts:
        orm.refresh(part)
    return parts, row


def _say(
    orm: OrmSession, parts: list[Session], row: Session, approval: Approval, reason: str | None, data: dict[str, Any]
) -> None:
    for part in parts:
        part.approval, part.approval_reason = approval.value, reason
    at = now_ms()
    orm.add(
        Event(
            session_id=row.id,
            client_seq=None,
            event_type_id=EVENT_OF[approval],
            name=name_of(EVENT_OF[approval]),
            at_ms=max(0, at - row.started_at),
            received_at=at,
            data=data,
        )
    )
