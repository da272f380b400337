"""What the sessions list and the session page read: rows with state, coverage and rating, as plain values for template and JSON.

A row is a sitting: a session that was rolled over is shown together with those that went on with it.

Read only. The filters arrive as text from the query string and are checked here; everything a candidate wrote stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, not_, or_, select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from flask_proview.catalogue import RATED
from flask_proview.recordings.photos import photos_of
from flask_proview.sessions.approvals import Approval, waiting_since
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.ledger import recorded_ms
from flask_proview.sessions.models import OPEN_STATES, Event, Outcome, Session, State
from flask_proview.sessions.sittings import end_of, ledger_of, length_ms, sitting_of
from flask_proview.sessions.verdict import verdict_of

from . import present

PAGE_SIZE = 50
MAX_TEXT = 200
_LAST = aliased(Session, name="last")
FILTERS: dict[str, tuple[str, ...]] = {
    "open": tuple(state.value for state in OPEN_STATES),
    "ended": tuple(state.value for state in State if state.ended),
    **{state.value: (state.value,) for state in State},
}
WAITING = "waiting"
# More than anybody lets in at a time; the others move up.
WAITING_SHOWN = 200
_IS_WAITING = and_(_LAST.approval == Approval.WAITING.value, _LAST.state.in_(FILTERS["open"]))


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is asked for. ``before`` is the id of the last row of the page before."""

    text: str = ""
    state: str = ""
    account: str = ""
    before: int | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Filter:
        """From the query string; unknown values are ignored, so that an old bookmark still shows a list."""
        state, before = query.get("state", ""), query.get("before", "")
        return cls(
            text=query.get("q", "").replace("\0", "").strip()[:MAX_TEXT],
            state=state if state in FILTERS or state == WAITING else "",
            account=query.get("account", "").replace("\0", "")[:64],
            before=int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None,
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.text or self.state or self.account)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the list."""

    rows: list[dict[str, Any]]
    next: int | None


def list_sessions(db: Database, wanted: Filter) -> Listed:
    """On the first page those who wait for a proctor, whoever has waited longest first; then all others, newest first.

    Ids grow with time, so that the page boundary stays put while new sessions arrive.
    """
    with db.read() as session:
        waiting: list[Session] = []
        if wanted.before is None:
            query = _narrow(_sittings(), wanted).where(_IS_WAITING)
            waiting = list(session.scalars(query.order_by(Session.id).limit(WAITING_SHOWN)))
        found: list[Session] = []
        if wanted.state != WAITING:
            query = _narrow(_sittings(), wanted).where(not_(func.coalesce(_IS_WAITING, false())))
            found = list(session.scalars(query.order_by(Session.id.desc()).limit(PAGE_SIZE + 1)))
        first = sorted(describe(session, waiting), key=lambda row: row["waiting_since"])
        rows = [*first, *describe(session, found[:PAGE_SIZE])]
    return Listed(rows, found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None)


def count_waiting(db: Database) -> int:
    """How many candidates wait for a proctor now."""
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(_sittings().where(_IS_WAITING).subquery())) or 0


def count_open(db: Database) -> int:
    """How many candidates are being recorded now; for a moment of a handover two sessions of one are open."""
    with db.read() as session:
        sitting = func.coalesce(Session.sitting, Session.uuid)
        return session.scalar(select(func.count(sitting.distinct())).where(Session.state.in_(FILTERS["open"]))) or 0


def describe(session: OrmSession, rows: Iterable[Session]) -> list[dict[str, Any]]:
    """The sittings that begin with these rows, as the list and the session page show them."""
    rows = list(rows)
    coverage = _coverage(session, [row.id for row in rows])
    now = now_ms()
    result = []
    raters = _raters(session, [row.id for row in rows])
    for row in rows:
        parts = sitting_of(session, row) if row.sitting is not None else [row]
        shares = coverage.get(row.id, {}) if len(parts) == 1 else _shares(session, parts)
        asked = _asked(session, parts) if parts[-1].approval == Approval.WAITING else {}
        result.append({**_describe(parts, shares, raters.get(row.id), now), **asked})
    return result


def _describe(parts: list[Session], coverage: dict[str, float], rater: str | None, now: int) -> dict[str, Any]:
    row, last = parts[0], parts[-1]
    verdict = verdict_of(parts)
    ended_at = end_of(parts)
    ended = ended_at is not None
    pending = ended and any(
        part.finalised_at is None or (part.finalise_wanted_at or 0) > part.finalised_at for part in parts
    )
    state = WAITING if not ended and last.approval == Approval.WAITING else last.state
    return {
        "uuid": row.uuid,
        "account": row.account,
        "external_id": row.external_id,
        "profile_id": row.profile_id,
        "title": row.title or "",
        "session_type": row.session_type,
        "state": state,
        "state_text": present.state(state),
        "approval": last.approval,
        "waiting_since": None,
        "photos": [],
        "end_reason": present.end_reason(last.end_reason) if ended else "",
        "open": not ended,
        "ready": all(part.finalised_at is not None for part in parts),
        "pending": pending,
        "started_at": row.started_at,
        "ended_at": ended_at,
        "length_ms": length_ms(parts),
        "silent_ms": None if ended else max(0, now - last.last_seen_at),
        "coverage": coverage,
        "coverage_text": present.percent(min(coverage.values())) if coverage else "–",
        "bytes": sum(part.bytes_stored for part in parts),
        "rating": verdict.rating,
        "judged": verdict.judged,
        "rated_by": "the index" if verdict.by_index else rater,
        "parts": len(parts),
        "newest": last.uuid,
    }


def _sittings() -> Select[Session]:
    """The first session of every sitting, joined with the newest as ``_LAST``."""
    part = aliased(Session)
    newest = select(func.max(part.id)).where(part.sitting == Session.uuid).correlate(Session).scalar_subquery()
    begins = or_(Session.sitting.is_(None), Session.sitting == Session.uuid)
    return select(Session).join(_LAST, _LAST.id == func.coalesce(newest, Session.id)).where(begins)


def _narrow(query: Select[Session], wanted: Filter) -> Select[Session]:
    if wanted.state in FILTERS:
        query = query.where(_LAST.state.in_(FILTERS[wanted.state]))
    if wanted.account:
        query = query.where(Session.account == wanted.account)
    if wanted.before is not None:
        query = query.where(Session.id < wanted.before)
    for word in wanted.text.split()[:8]:
        query = query.where(_contains(word))
    return query


def _contains(word: str) -> ColumnElement[bool]:
    columns = (Session.external_id, Session.profile_id, Session.title)
    part = aliased(Session)
    by_part = Session.uuid.in_(select(part.sitting).where(part.uuid == word.lower()))
    return or_(by_part, Session.uuid.startswith(word.lower(), autoescape=True), *(column.icontains(word, autoescape=True) for column in columns))  # fmt: skip


def _asked(session: OrmSession, parts: list[Session]) -> dict[str, Any]:
    """Since when the candidate waits to be let in, and the newest photo of each kind."""
    uuids = {part.id: part.uuid for part in parts}
    photos: dict[str, dict[str, Any]] = {}
    for photo in photos_of(session, uuids):
        photos.setdefault(photo.kind, {"uuid": uuids[photo.session_id], "kind": photo.kind, "version": photo.version})
    since = waiting_since(session, list(uuids))
    return {"waiting_since": since or parts[-1].started_at, "photos": list(photos.values())}


def _coverage(session: OrmSession, ids: list[int]) -> dict[int, dict[str, float]]:
    """Share of recorded time by session and track, from the ledger. Pauses are agreed absence and count neither way."""
    length = Outcome.to_ms - Outcome.from_ms
    recorded = func.sum(case((Outcome.outcome == "recorded", length), else_=0))
    due = func.sum(case((and_(Outcome.outcome != "recorded", Outcome.cause == "paused"), 0), else_=length))
    query = select(Outcome.session_id, Outcome.track, recorded, due).where(Outcome.session_id.in_(ids))
    shares: dict[int, dict[str, float]] = {}
    for session_id, track, part, whole in session.execute(query.group_by(Outcome.session_id, Outcome.track)):
        if whole:
            shares.setdefault(session_id, {})[track] = float(part) / float(whole)
    return shares


def _shares(session: OrmSession, parts: list[Session]) -> dict[str, float]:
    """The same over a sitting of several sessions, where what two of them recorded counts once."""
    shares = {}
    for track, rows in ledger_of(session, parts).items():
        due = sum(row.to_ms - row.from_ms for row in rows if row.cause != "paused")
        if due:
            shares[track] = recorded_ms(rows) / due
    return shares


def _raters(session: OrmSession, ids: list[int]) -> dict[int, str]:
    query = select(Event.session_id, Event.data).where(Event.session_id.in_(ids), Event.event_type_id == RATED)
    return {session_id: str(data.get("by", "")) for session_id, data in session.execute(query.order_by(Event.id))}
