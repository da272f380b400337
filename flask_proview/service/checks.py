"""What a session's candidate has to do before the exam, and what of it is done. The page may add to it, never take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session as OrmSession

from flask_proview.config import Config
from flask_proview.config.session_types import type_policy
from flask_proview.recordings.layout import PHOTO_KINDS
from flask_proview.recordings.photos import photos_of
from flask_proview.sessions.models import Session
from flask_proview.sessions.sittings import sitting_of


@dataclass(frozen=True, slots=True)
class Checks:
    """What is asked: by type, account and route, and by options of the page (``screen``, ``isIDRequired``)."""

    screen: bool
    id: bool
    face: bool
    audio: bool
    approval: bool

    @property
    def photos(self) -> tuple[str, ...]:
        """The kinds of photos that are asked."""
        return tuple(kind for kind in PHOTO_KINDS if getattr(self, kind))


def asked_of(config: Config, session: Session) -> Checks:
    """The checks of a session."""
    route = next((one for one in config.routes if one.name == session.route), None) if session.route else None
    policy = type_policy(config.account(session.account), route, session.session_type)
    return Checks(
        screen=policy.screen or session.options.get("screen") is True,
        id=policy.id_photo or session.options.get("isIDRequired") is True,
        face=policy.face_photo,
        audio=policy.audio_check,
        approval=policy.approval,
    )


def done_of(orm: OrmSession, session: Session) -> dict[str, Any]:
    """What is done in a session or in those that it continues, so that nobody is asked twice in one sitting."""
    photos = photos_of(orm, [part.id for part in sitting_of(orm, session)])
    return {
        "photos": [kind for kind in PHOTO_KINDS if any(photo.kind == kind for photo in photos)],
        "approval": session.approval,
        "reason": session.approval_reason,
    }
