"""``M/console/sessions/<uuid>``: one session, live or recorded; its state as JSON; terminate; rate."""

from __future__ import annotations

import json
from typing import Any

from flask import jsonify, redirect, request
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.catalogue import RATED, shown_as
from flask_proview.errors import ApiError
from flask_proview.service.ending import end_session
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Event, Session, State

from .gate import Gate, Right, Visitor
from .listing import describe
from .pages import Pages
from .ratings import MAX_NOTE, RATINGS, history, rate

EVENTS_AT_ONCE = 500


def register(pages: Pages, runtime: Runtime, _gate: Gate) -> None:
    """The page of one session."""

    def find(uuid: str) -> Session:
        row = runtime.sessions.get(uuid)
        if row is None:
            raise ApiError("There is no such session; it may have been deleted.", code="not_found", status=404)
        return row

    def described(row: Session) -> dict[str, Any]:
        with runtime.db.read() as session:
            return describe(session, [row])[0]

    @pages.route("/sessions/<uuid>", "session", right=Right.LIST)
    def session_page(visitor: Visitor, uuid: str) -> BaseResponse:
        row = find(uuid)
        return pages.render(
            "proview/session.html",
            visitor,
            row=row,
            shown=described(row),
            ratings=history(runtime.db, row.id) if visitor.may(Right.WATCH) else [],
            choices=RATINGS,
            max_note=MAX_NOTE,
            live_enabled=runtime.config.media.live != "off",
            ice_servers=json.dumps([dict(server) for server in runtime.config.media.ice_servers]),
        )

    @pages.route("/sessions/<uuid>/state", "session_state", right=Right.LIST, json=True)
    def session_state(_visitor: Visitor, uuid: str) -> BaseResponse:
        row = find(uuid)
        after = request.args.get("after", "0")
        last = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
        query = select(Event).where(Event.session_id == row.id, Event.id > last, Event.event_type_id != RATED)
        with runtime.db.read() as session:
            events = list(session.scalars(query.order_by(Event.id).limit(EVENTS_AT_ONCE)))
        return jsonify({"session": described(row), "events": [_event(event) for event in events]})

    @pages.route("/sessions/<uuid>/terminate", "terminate", methods=("POST",), right=Right.TERMINATE)
    def terminate(_visitor: Visitor, uuid: str) -> BaseResponse:
        row = find(uuid)
        if State(row.state).ended:
            raise ApiError("The session has already ended.", code="session_ended", status=409)
        end_session(runtime, row.uuid, State.TERMINATED, "proctor")
        return redirect(f"{pages.mount}/console/sessions/{row.uuid}", 303)

    @pages.route("/sessions/<uuid>/rating", "rating", methods=("POST",), right=Right.RATE)
    def rating(visitor: Visitor, uuid: str) -> BaseResponse:
        verdict, note = request.form.get("rating", ""), request.form.get("note", "")
        rate(runtime.db, runtime.config, uuid, verdict, note, visitor.user.name)
        runtime.jobs.callbacks_soon()
        return redirect(f"{pages.mount}/console/sessions/{uuid}#review", 303)


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "event_type_id": event.event_type_id,
        **shown_as(event.event_type_id, event.name),
        "at": event.at_ms,
        "data": event.data,
    }
