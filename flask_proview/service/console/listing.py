"""What the sessions list and the session page read: rows with state, coverage and rating, as plain values for template and JSON.

Read only. The filters arrive as text from the query string and are checked here; everything a candidate wrote stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session as OrmSession

from flask_proview.catalogue import RATED
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import OPEN_STATES, Event, Outcome, Session, State

from . import present

PAGE_SIZE = 50
MAX_TEXT = 200
FILTERS: dict[str, tuple[str, ...]] = {
    "open": tuple(state.value for state in OPEN_STATES),
    "ended": tuple(state.value for state in State if state.ended),
    **{state.value: (state.value,) for state in State},
}


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
            state=state if state in FILTERS else "",
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
    """Newest first; ids grow with time, so that the page boundary stays put while new sessions arrive."""
    with db.read() as session:
        found = list(session.scalars(_narrow(select(Session), wanted).order_by(Session.id.desc()).limit(PAGE_SIZE + 1)))
        rows = describe(session, found[:PAGE_SIZE])
    return Listed(rows, found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None)


def count_open(db: Database) -> int:
    """How many sessions run now."""
    with db.read() as session:
        return session.scalar(select(func.count()).where(Session.state.in_(FILTERS["open"]))) or 0


def describe(session: OrmSession, rows: Iterable[Session]) -> list[dict[str, Any]]:
    """The rows as the list and the session page show them."""
    rows = list(rows)
    ids = [row.id for row in rows]
    coverage, raters = _coverage(session, ids), _raters(session, ids)
    now = now_ms()
    return [_describe(row, coverage.get(row.id, {}), raters.get(row.id), now) for row in rows]


def _describe(row: Session, coverage: dict[str, float], rater: str | None, now: int) -> dict[str, Any]:
    ended = State(row.state).ended
    pending = ended and (row.finalised_at is None or (row.finalise_wanted_at or 0) > row.finalised_at)
    length = (row.ended_at if row.ended_at is not None else now) - row.started_at
    return {
        "uuid": row.uuid,
        "account": row.account,
        "external_id": row.external_id,
        "profile_id": row.profile_id,
        "title": row.title or "",
        "session_type": row.session_type,
        "state": row.state,
        "state_text": present.state(row.state),
        "end_reason": present.end_reason(row.end_reason) if ended else "",
        "open": not ended,
        "ready": row.finalised_at is not None,
        "pending": pending,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "length_ms": max(0, length),
        "silent_ms": None if ended else max(0, now - row.last_seen_at),
        "coverage": coverage,
        "coverage_text": present.percent(min(coverage.values())) if coverage else "–",
        "bytes": row.bytes_stored,
        "rating": row.final_rating,
        "rated_by": rater,
    }


def _narrow(query: Select[Session], wanted: Filter) -> Select[Session]:
    if wanted.state:
        query = query.where(Session.state.in_(FILTERS[wanted.state]))
    if wanted.account:
        query = query.where(Session.account == wanted.account)
    if wanted.before is not None:
        query = query.where(Session.id < wanted.before)
    for word in wanted.text.split()[:8]:
        query = query.where(_contains(word))
    return query


def _contains(word: str) -> ColumnElement[bool]:
    columns = (Session.external_id, Session.profile_id, Session.title)
    return or_(Session.uuid == word.lower(), Session.uuid.startswith(word.lower(), autoescape=True), *(column.icontains(word, autoescape=True) for column in columns))  # fmt: skip


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


def _raters(session: OrmSession, ids: list[int]) -> dict[int, str]:
    query = select(Event.session_id, Event.data).where(Event.session_id.in_(ids), Event.event_type_id == RATED)
    return {session_id: str(data.get("by", "")) for session_id, data in session.execute(query.order_by(Event.id))}
