"""Sessions in the database: start or resume, heartbeat, pause, end, search, delete. One open session per candidate and id.

Every change is one short transaction that reads the row again, so two workers and a job never overwrite each other.
"""

from __future__ import annotations

import threading
import uuid as uuid_module
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select, text, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session as OrmSession

from flask_proview.config import Config
from flask_proview.errors import ApiError
from flask_proview.recordings.archive import Archive
from flask_proview.recordings.layout import Layout

from .database import Database, now_ms
from .models import OPEN_STATES, Session, State
from .sittings import join, sitting_of
from .text import storable

MAX_TRACKED_TOUCHES = 20_000


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Who wants to be proctored, where, and how; already admitted and checked for size."""

    account: str
    external_id: str
    profile_id: str
    route: str | None
    session_type: str
    title: str | None
    origin: str
    options: Mapping[str, Any] = field(default_factory=dict)
    user_agent: str = ""
    address: str = ""
    continues: str | None = None
    attendee: Mapping[str, str] = field(default_factory=dict)
    workflow: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first; ``next`` is the ``before`` of the following page, or None."""

    rows: list[Session]
    next: int | None


class SessionStore:
    """The sessions table and its rules."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._config = config
        self._limits = config.limits
        self._layout = Layout(Path(config.storage.recordings))
        self._touched: dict[str, int] = {}
        self._lock = threading.Lock()

    def start(self, request: StartRequest) -> tuple[Session, bool]:
        """The open session of this identity, or a new one: (row, whether it was resumed).

        One that ``continues`` an open session is made beside it, for the moment in which one takes over from the other.
        """
        now = now_ms()
        with self._db.write() as db:
            _serialise(db, request)
            same = _by_identity(request.account, request.external_id, request.profile_id)
            found = db.scalars(same.where(Session.state.in_(OPEN_STATES)).order_by(Session.id.desc())).first()
            if found is not None and found.uuid != request.continues:
                found.last_seen_at = now
                _describe(found, request.attendee, request.workflow)
                return found, True
            earlier = db.scalars(same.order_by(Session.id.desc())).first()
            goes_on = earlier is not None and earlier.uuid == request.continues
            row = Session(
                uuid=str(uuid_module.uuid4()),
                account=request.account,
                external_id=request.external_id,
                profile_id=request.profile_id,
                route=request.route,
                session_type=request.session_type,
                title=storable(request.title, 512) if request.title else None,
                origin=request.origin,
                options=dict(request.options),
                user_agent=storable(request.user_agent, 512),
                address=storable(request.address, 64),
                state=State.CREATED.value,
                created_at=now,
                started_at=now,
                last_seen_at=now,
                continues=request.continues or (earlier.uuid if earlier is not None else None),
                bytes_stored=0,
            )
            if goes_on and earlier is not None:
                join(earlier, row)
                # Who sits there was settled at the beginning.
                row.approval, row.attendee, row.workflow = earlier.approval, earlier.attendee, earlier.workflow
                row.approval_reason = earlier.approval_reason
            _describe(row, request.attendee, request.workflow)
            db.add(row)
            db.flush()
            return row, False

    def get(self, uuid: str) -> Session | None:
        """The session, or None."""
        with self._db.read() as db:
            return db.scalars(select(Session).where(Session.uuid == uuid)).first()

    def by_external(self, account: str, external_id: str, profile_id: str) -> Session | None:
        """The newest session of an identity."""
        with self._db.read() as db:
            return db.scalars(_by_identity(account, external_id, profile_id).order_by(Session.id.desc())).first()

    def touch(self, uuid: str) -> None:
        """A sign of life. Written at most once per heartbeat interval, so that a socket costs a row update every few seconds."""
        now = now_ms()
        with self._lock:
            # Below zero the clock was set back: what was written is ahead of it.
            if 0 <= now - self._touched.get(uuid, 0) < self._limits.heartbeat_s * 900:
                return
            if len(self._touched) >= MAX_TRACKED_TOUCHES:
                self._touched.clear()
            self._touched[uuid] = now
        try:
            with self._db.write() as db:
                db.execute(
                    update(Session).where(Session.uuid == uuid, Session.state.in_(OPEN_STATES)).values(last_seen_at=now)
                )
        except BaseException:
            with self._lock:
                self._touched.pop(uuid, None)  # it is not written: the next sign of life is
            raise

    def seen(self, uuid: str) -> None:
        """A piece of it was stored, which wrote the sign of life: the next :meth:`touch` has nothing to do."""
        with self._lock:
            if uuid in self._touched or len(self._touched) < MAX_TRACKED_TOUCHES:
                self._touched[uuid] = now_ms()

    def describe(self, uuid: str, attendee: Mapping[str, str], workflow: Mapping[str, str]) -> Session:
        """What is told of attendee and exam takes the place of what was told before; empty says nothing."""
        with self._db.write() as db:
            row = _locked(db, uuid)
            _describe(row, attendee, workflow)
            return row

    def run_started(self, uuid: str) -> Session:
        """created → running; anything else stays."""
        return self._change(uuid, {State.CREATED}, State.RUNNING)

    def pause(self, uuid: str) -> Session:
        """running → paused; anything else stays."""
        return self._change(uuid, {State.CREATED, State.RUNNING}, State.PAUSED)

    def resume(self, uuid: str) -> Session:
        """paused → running; anything else stays."""
        return self._change(uuid, {State.PAUSED}, State.RUNNING)

    def sitting(self, row: Session) -> list[str]:
        """The uuids of all sessions of a session's sitting, in order."""
        with self._db.read() as db:
            return [part.uuid for part in sitting_of(db, row)]

    def others_open(self, row: Session) -> list[str]:
        """Open sessions of the same candidate and exam: left behind by a browser that was gone in mid-handover."""
        same = _by_identity(row.account, row.external_id, row.profile_id)
        with self._db.read() as db:
            found = db.scalars(same.where(Session.state.in_(OPEN_STATES), Session.id != row.id))
            return [other.uuid for other in found]

    def end(
        self, uuid: str, state: State, reason: str, *, silent_since: int | None = None, at_ms: int | None = None
    ) -> tuple[Session, bool]:
        """End it, once: (row, whether this call did it). The end is the last sign of life when the browser just vanished.

        :param silent_since: only when there was no sign of life since then; one may have come after the caller looked.
        :param at_ms: when its recorders stopped, on its clock; believed from the moment on at which another session went on with it.

        :raises ApiError: 404 ``unknown_session``.
        """
        if not state.ended:
            raise ValueError(f"{state} is not an end")
        now = now_ms()
        with self._db.write() as db:
            row = _locked(db, uuid)
            if State(row.state).ended or (silent_since is not None and row.last_seen_at >= silent_since):
                return row, False
            row.state = state.value
            row.end_reason = storable(reason, 32)
            row.ended_at = max(row.started_at, row.last_seen_at) if state is State.EXPIRED else now
            if at_ms is not None and state is State.STOPPED:
                followed = db.scalar(select(func.min(Session.started_at)).where(Session.continues == uuid))
                if followed is not None:
                    row.ended_at = min(now, max(followed, row.started_at + at_ms))
            row.finalise_wanted_at = max(now, (row.finalised_at or 0) + 1)
            return row, True

    def silent(self, now: int) -> list[str]:
        """Open sessions without a sign of life for longer than ``limits.heartbeat_timeout_s``."""
        with self._db.read() as db:
            query = select(Session.uuid).where(
                Session.state.in_(OPEN_STATES), Session.last_seen_at < self.silence_limit(now)
            )
            return list(db.scalars(query))

    def silence_limit(self, now: int) -> int:
        """A session whose last sign of life is older than this has fallen silent."""
        return now - self._limits.heartbeat_timeout_s * 1000

    def accepts_pieces(self, row: Session, now: int) -> bool:
        """Open, or ended less than ``limits.drain_grace_minutes`` ago; never when revoked, or when its files have left this machine."""
        if row.revoked or row.pruned_at is not None:
            return False
        return row.ended_at is None or now - row.ended_at < self._limits.drain_grace_minutes * 60_000

    def search(
        self,
        *,
        account: str | None = None,
        state: str | None = None,
        text: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Page:
        """Newest first. ``text``: part of external id, profile or title, or the start of a uuid."""
        query = select(Session).order_by(Session.id.desc()).limit(limit + 1)
        if account:
            query = query.where(Session.account == account)
        if state:
            query = query.where(Session.state == state)
        if before is not None:
            query = query.where(Session.id < before)
        if text:
            text = storable(text)
            query = query.where(
                Session.external_id.icontains(text, autoescape=True)
                | Session.profile_id.icontains(text, autoescape=True)
                | Session.title.icontains(text, autoescape=True)
                | Session.uuid.startswith(text.lower(), autoescape=True)
            )
        with self._db.read() as db:
            rows = list(db.scalars(query))
        return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)

    def delete(self, uuid: str) -> bool:
        """Remove a session, with all of its sitting, and the files. Files first: a row without files says "deleted in between", files without a row say nothing.

        Afterwards once more: until the row was gone, a piece or a recording may have been written.

        :raises OSError: when the object store cannot be reached; then nothing is deleted.
        """
        row = self.get(uuid)
        if row is None:
            return False
        uuids = self.sitting(row)
        archive = Archive(self._db, self._config)
        for one in uuids:
            archive.delete(one)
        for one in uuids:
            self._layout.remove_session(one)
        with self._db.write() as db:
            db.execute(sql_delete(Session).where(Session.uuid.in_(uuids)))
        for one in uuids:
            self._layout.remove_session(one)
        return True

    def _change(self, uuid: str, allowed: set[State], state: State) -> Session:
        with self._db.write() as db:
            row = _locked(db, uuid)
            if State(row.state) in allowed:
                row.state = state.value
            return row


def _describe(row: Session, attendee: Mapping[str, str], workflow: Mapping[str, str]) -> None:
    if attendee:
        row.attendee = {name: storable(value) for name, value in attendee.items()}
    if workflow:
        row.workflow = {name: storable(value) for name, value in workflow.items()}


def _by_identity(account: str, external_id: str, profile_id: str) -> Select[Session]:
    return select(Session).where(
        Session.account == account, Session.external_id == external_id, Session.profile_id == profile_id
    )


def _serialise(db: OrmSession, request: StartRequest) -> None:
    """One start at a time per identity. SQLite's write lock does that already; PostgreSQL needs to be told."""
    if db.get_bind().dialect.name == "postgresql":
        key = "\n".join((request.account, request.external_id, request.profile_id))
        db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})


def _locked(db: OrmSession, uuid: str) -> Session:
    row = db.scalars(select(Session).where(Session.uuid == uuid).with_for_update()).first()
    if row is None:
        raise ApiError("There is no such session.", code="unknown_session", status=404)
    return row
