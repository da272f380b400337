"""``M/console/sessions/<uuid>/approval`` and ``…/photos/…``: who it is, and whether they may begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import redirect, request
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.errors import ApiError, FieldError
from flask_proview.recordings.photos import photos_of
from flask_proview.service.approval_api import let_in
from flask_proview.service.photos import serve_photo
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.approvals import Approval, history
from flask_proview.sessions.models import Session
from flask_proview.sessions.sittings import offset_ms

from .gate import Gate, Right, Visitor
from .pages import Pages

CHOICES = {"approve": Approval.APPROVED, "reject": Approval.REJECTED}


def register(pages: Pages, runtime: Runtime, _gate: Gate) -> None:
    """The buttons and the pictures."""

    @pages.route("/sessions/<uuid>/approval", "approval", methods=("POST",), right=Right.APPROVE)
    def approval(visitor: Visitor, uuid: str) -> BaseResponse:
        word = CHOICES.get(request.form.get("word", ""))
        if word is None:
            raise ApiError("Choose approve or reject.", fields=(FieldError("word", "must be approve or reject"),))
        reason = request.form.get("reason", "") if word is Approval.REJECTED else ""
        let_in(runtime, uuid, word, reason, visitor.user.name)
        return redirect(f"{pages.mount}/console/sessions/{uuid}", 303)

    @pages.route("/sessions/<uuid>/photos/<kind>-<int:version>.jpg", "photo", right=Right.LIST)
    def photo(_visitor: Visitor, uuid: str, kind: str, version: int) -> BaseResponse:
        row = runtime.sessions.get(uuid)
        if row is None:
            raise ApiError("There is no such session.", code="not_found", status=404)
        return serve_photo(runtime, row, kind, version)


def identity_of(runtime: Runtime, parts: Sequence[Session]) -> dict[str, Any]:
    """What a sitting's page shows of it: photos, newest of each kind first, and what was asked and said."""
    by_id = {part.id: part for part in parts}
    with runtime.db.read() as orm:
        photos = [
            {
                "uuid": by_id[one.session_id].uuid,
                "kind": one.kind,
                "version": one.version,
                "width": one.width,
                "height": one.height,
                "at": one.at_ms + offset_ms(parts, by_id[one.session_id]),
            }
            for one in photos_of(orm, by_id)
        ]
        words = [asdict(word) for word in history(orm, parts[0])]
    return {"photos": photos, "words": words, "approval": parts[-1].approval}
