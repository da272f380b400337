"""``M/console/callbacks``: what was posted to customers' systems, what waits, what failed; send again."""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.errors import ApiError
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.callbacks import CallbackStore
from flask_proview.sessions.models import Callback, Session

from .gate import Gate, Right, Visitor
from .pages import Pages

SHOWN = 50


def register(pages: Pages, runtime: Runtime, _gate: Gate) -> None:
    """The list and the button."""
    store = CallbackStore(runtime.db)
    receivers = [account.name for account in runtime.config.accounts if account.callback_url]

    @pages.route("/callbacks", "callbacks", right=Right.OPERATE)
    def callbacks(visitor: Visitor) -> BaseResponse:
        given = request.args.get("before", "")
        before = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None
        rows = store.listed(before, SHOWN + 1)
        return pages.render(
            "proview/callbacks.html",
            visitor,
            rows=[_row(callback, session) for callback, session in rows[:SHOWN]],
            older=f"?before={rows[SHOWN - 1][0].id}" if len(rows) > SHOWN else None,
            counts=store.counts(),
            receivers=receivers,
        )

    @pages.route("/callbacks/<int:number>/replay", "callback_replay", methods=("POST",), right=Right.OPERATE)
    def replay(_visitor: Visitor, number: int) -> BaseResponse:
        if number >= 1 << 63 or not store.replay(number):
            raise ApiError(
                "There is no such callback; its session may have been deleted.", code="not_found", status=404
            )
        runtime.jobs.callbacks_soon()
        return redirect(f"{pages.mount}/console/callbacks", 303)


def _row(callback: Callback, session: Session) -> dict[str, Any]:
    return {
        "id": callback.id,
        "uuid": session.uuid,
        "external_id": session.external_id,
        "profile_id": session.profile_id,
        "account": callback.account,
        "state": callback.state,
        "attempts": callback.attempts,
        "status": callback.last_status,
        "error": callback.last_error,
        "delivery": callback.delivery,
        "at": callback.delivered_at or callback.created_at,
        "next_at": callback.next_at if callback.state == "pending" and callback.attempts else None,
    }
