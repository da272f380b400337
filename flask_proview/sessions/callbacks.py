"""The outbox of termination callbacks. A row is written in the transaction that makes it true, so none is lost and none invented.

Posted is "at least once": the receiver recognises a repetition by its ``delivery``. Delivery itself is callback_sender.py.
"""

from __future__ import annotations

import json
import random
import uuid as uuid_module
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as OrmSession

from flask_proview.config import Account, Config

from .database import Database, now_ms
from .models import Callback, Session, State
from .sittings import sitting_of
from .text import storable
from .verdict import RATED_BY_PEOPLE, verdict_of

PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
# 10 s, 20 s, 40 s … one hour: about a day in all.
FIRST_RETRY_MS, LONGEST_RETRY_MS, MOST_ATTEMPTS = 10_000, 3_600_000, 30
# Longer than one attempt may take (callback_sender.DEADLINE_S): a crashed worker's callback is free again then.
LEASE_MS = 60_000
MAX_ERROR = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """One attempt that the caller has to make now. ``attempt`` counts from 1."""

    id: int
    delivery: str
    account: str
    body: bytes
    attempt: int


def wish(orm: OrmSession, row: Session, config: Config) -> Callback | None:
    """Write the callback of a session's sitting if there is news and its account wants to know; in the caller's transaction.

    News: the first complete state, and afterwards every change of what the body says (a new rating, a later end).
    """
    account = config.account(row.account)
    if account is None or not account.callback_url:
        return None
    parts = sitting_of(orm, row)
    if not all(State(part.state).ended and part.finalised_at is not None for part in parts):
        return None
    wait_for_person = {"rated": True, "finalised": False}.get(
        account.callback_when, parts[0].session_type in RATED_BY_PEOPLE
    )
    if wait_for_person and not any(part.final_rating for part in parts):
        return None
    said = _body(parts, account, config)
    newest = orm.scalars(
        select(Callback)
        .where(Callback.session_id.in_([part.id for part in parts]))
        .order_by(Callback.id.desc())
        .limit(1)
    ).first()
    if newest is not None and {**json.loads(newest.body), "delivery": None} == {**said, "delivery": None}:
        return None
    now = now_ms()
    delivery = str(uuid_module.uuid4())
    body = json.dumps({**said, "delivery": delivery}, ensure_ascii=False, separators=(",", ":"))
    callback = Callback(
        session_id=parts[0].id, delivery=delivery, account=account.name, body=body, state=PENDING, created_at=now,
        attempts=0, next_at=now, leased_until=0, last_error="",
    )  # fmt: skip
    orm.add(callback)
    return callback


def playback_url(row: Session, config: Config) -> str:
    """Where the player of a session is; it needs a ticket (``?token=``)."""
    base = (config.server.public_url or row.origin).rstrip("/") + config.server.mount
    return f"{base}/embedded/{row.uuid}"


def _body(parts: list[Session], account: Account, config: Config) -> dict[str, Any]:
    first, last = parts[0], parts[-1]
    verdict = verdict_of(parts)
    return {
        "event": "session.completed",
        "delivery": None,
        "session_uuid": first.uuid,
        "session_external_id": first.external_id,
        "profile_external_id": first.profile_id,
        "account": account.name,
        "session_type": first.session_type,
        "title": first.title,
        "status": last.state,
        "end_reason": last.end_reason,
        "final_rating": verdict.rating,
        "rated_by": "reviewer" if verdict.judged else "index",
        "proview_index": verdict.index,
        "started_at": first.started_at,
        "ended_at": last.ended_at,
        "duration_ms": (last.ended_at or first.started_at) - first.started_at,
        "sitting": [part.uuid for part in parts],
        "playback_url": playback_url(first, config),
    }


class CallbackStore:
    """Claims, results, the list, replay."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def claim(self, limit: int = 20) -> list[Due]:
        """Take what is due; nobody else gets it until the lease ends."""
        now = now_ms()
        due = (Callback.state == PENDING) & (Callback.next_at <= now) & (Callback.leased_until <= now)
        taken = []
        with self._db.write() as orm:
            query = select(Callback).where(due).order_by(Callback.next_at).limit(limit)
            for row in orm.scalars(query.with_for_update(skip_locked=True)):
                row.leased_until = now + LEASE_MS
                row.attempts += 1
                taken.append(Due(row.id, row.delivery, row.account, row.body.encode(), row.attempts))
        return taken

    def delivered(self, due: Due, status: int) -> None:
        """The receiver said yes."""
        self._finish(due, state=DELIVERED, delivered_at=now_ms(), last_status=status, last_error="")

    def failed(self, due: Due, status: int | None, error: str, retry_after_s: float = 0.0) -> float | None:
        """The attempt came to nothing: seconds until the next one, or None when this was the last."""
        said: dict[str, Any] = {"last_status": status, "last_error": storable(error, MAX_ERROR)}
        if due.attempt >= MOST_ATTEMPTS:
            self._finish(due, state=FAILED, **said)
            return None
        wait = min(FIRST_RETRY_MS << min(due.attempt - 1, 20), LONGEST_RETRY_MS)
        # Spread, so that a receiver that comes back is not met by everybody at once.
        wait = max(round(wait * random.uniform(0.8, 1.2)), round(min(retry_after_s * 1000, LONGEST_RETRY_MS)))  # noqa: S311
        self._finish(due, next_at=now_ms() + wait, **said)
        return wait / 1000

    def _finish(self, due: Due, **values: Any) -> None:
        # Not when it was replayed or claimed by somebody else meanwhile.
        mine = (Callback.id == due.id) & (Callback.attempts == due.attempt)
        with self._db.write() as orm:
            orm.execute(update(Callback).where(mine).values(leased_until=0, **values))

    def replay(self, callback_id: int) -> bool:
        """Send it again from the start, with the same delivery id; False when there is no such callback."""
        again = {"state": PENDING, "attempts": 0, "next_at": now_ms(), "leased_until": 0, "delivered_at": None}
        with self._db.write() as orm:
            changed = orm.execute(update(Callback).where(Callback.id == callback_id).values(**again))
        return bool(getattr(changed, "rowcount", 0))

    def listed(self, before: int | None = None, limit: int = 50) -> list[tuple[Callback, Session]]:
        """Newest first, each with its session."""
        query = select(Callback, Session).join(Session, Session.id == Callback.session_id)
        if before is not None:
            query = query.where(Callback.id < before)
        with self._db.read() as orm:
            return [(row[0], row[1]) for row in orm.execute(query.order_by(Callback.id.desc()).limit(limit))]

    def counts(self) -> dict[str, int]:
        """How many are in which state."""
        with self._db.read() as orm:
            rows = orm.execute(select(Callback.state, func.count()).group_by(Callback.state)).all()
        return {PENDING: 0, DELIVERED: 0, FAILED: 0, **{str(state): int(count) for state, count in rows}}

    def next_due_s(self) -> float | None:
        """Seconds until the next attempt is due, or None when nothing waits."""
        with self._db.read() as orm:
            first = orm.scalar(select(func.min(Callback.next_at)).where(Callback.state == PENDING))
        return None if first is None else max(0.0, (int(first) - now_ms()) / 1000)
