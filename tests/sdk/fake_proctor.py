"""The fake service's photos and its proctor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fake_service import FakeSession


class FakeProctor(ABC):
    """What the service says of photos and of being let in."""

    # A proctor has the console open.
    somebody = True
    # What photos are answered instead of being stored: status and code.
    refuse_photo: tuple[int, str] | None = None

    @abstractmethod
    def say(self, session: FakeSession, message: dict[str, Any]) -> None: ...

    @abstractmethod
    def post(self, session: FakeSession, message: dict[str, Any]) -> None: ...

    def checks_done(self, session: FakeSession) -> dict[str, Any]:
        kinds = sorted({kind for kind, _, _ in session.photos})
        return {"photos": kinds, "approval": session.approval, "reason": session.reason}

    def ask(self, session: FakeSession, again: bool) -> dict[str, Any]:
        """POST …/approval."""
        if session.approval is None or (again and session.approval == "rejected"):
            session.approval, session.reason = "waiting", None
        return {"approval": session.approval, "reason": session.reason, "somebody": self.somebody}

    def decide(self, session: FakeSession, approval: str, reason: str | None = None) -> None:
        """A proctor's word."""
        session.approval, session.reason = approval, reason
        self.say(session, {"type": "approval"})
        self.post(session, {"type": "approval"})
