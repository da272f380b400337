"""Quizzes that an LMS told us about, and which session belongs to which.

Moodle's plugins name a session ``<quizId>-<userId>-<attemptNo>``, live ones without the attempt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from .database import Database, now_ms
from .models import Quiz
from .text import storable

_EXTERNAL = re.compile(r"([A-Za-z0-9_]{1,64})-([A-Za-z0-9_]{1,64})(?:-([0-9]{1,9}))?", re.ASCII)
# Names of the types as plugins store them, and as they send them.
_TYPES = {
    "ai": "ai_proctor", "ai_proctor": "ai_proctor",
    "record_review": "record_and_review", "record_and_review": "record_and_review",
    "live": "live_proctor", "live_proctor": "live_proctor",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an external id says."""

    quiz_id: str
    user_id: str
    number: int | None


def attempt_of(external_id: str) -> Attempt | None:
    """The parts of an id of the plugins' form, else None."""
    match = _EXTERNAL.fullmatch(external_id)
    return Attempt(match[1], match[2], int(match[3]) if match[3] else None) if match else None


def session_type_of(quiz: Quiz) -> str | None:
    """The session type that the quiz asks for."""
    return _TYPES.get(str(quiz.fields.get("proctoring_type") or ""))


class QuizStore:
    """The quizzes table."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def save(self, account: str, quiz_id: str, fields: Mapping[str, Any], *, deleted: bool) -> Quiz:
        """Create or replace."""
        title = storable(str(fields.get("quiz_title") or ""), 512)
        course = storable(str(fields.get("course_id") or ""), 64)
        with self._db.write() as orm:
            row = orm.scalars(_one(account, quiz_id)).first()
            if row is None:
                row = Quiz(account=account, quiz_id=quiz_id)
                orm.add(row)
            # A deletion names the quiz and little else: what was known about it stays.
            row.fields = {**(row.fields or {}), **fields} if deleted else dict(fields)
            row.title, row.course_id = title or row.title or "", course or row.course_id or ""
            row.updated_at, row.deleted = now_ms(), deleted
        return row

    def get(self, quiz_id: str, account: str | None = None) -> Quiz | None:
        """The quiz of an account, or of any account, that was not deleted."""
        query = select(Quiz).where(Quiz.quiz_id == quiz_id, Quiz.deleted.is_(False))
        if account is not None:
            query = query.where(Quiz.account == account)
        with self._db.read() as orm:
            return orm.scalars(query.order_by(Quiz.updated_at.desc())).first()

    def of_course(self, course_id: str) -> list[str]:
        """Ids of a course's quizzes, deleted ones included: their recordings are still there."""
        with self._db.read() as orm:
            return list(orm.scalars(select(Quiz.quiz_id).where(Quiz.course_id == course_id).distinct()))

    def of_session(self, account: str, external_id: str) -> Quiz | None:
        """The quiz that a session's id belongs to."""
        attempt = attempt_of(external_id)
        return self.get(attempt.quiz_id, account) if attempt is not None else None


def _one(account: str, quiz_id: str) -> Any:
    return select(Quiz).where(Quiz.account == account, Quiz.quiz_id == quiz_id).with_for_update()
