"""``M/console/sessions/<uuid>``: one session, live or recorded; its state as JSON; terminate; rate."""

from __future__ import annotations

import json
from typing import Any

from flask import jsonify, redirect, request
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.catalogue import EVENTS, RATED, shown_as
from flask_proview.errors import ApiError
from flask_proview.recordings.damages import damage_count
from flask_proview.service.details import index_of
from flask_proview.service.ending import end_session
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.approvals import MAX_REASON
from flask_proview.sessions.index import Index
from flask_proview.sessions.models import Event, Session, State
from flask_proview.sessions.sittings import offset_ms, sitting_of

from . import present
from .approval_page import identity_of
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

    def sitting(uuid: str) -> list[Session]:
        row = find(uuid)
        with runtime.db.read() as session:
            return sitting_of(session, row)

    def described(row: Session) -> dict[str, Any]:
        with runtime.db.read() as session:
            return describe(session, [row])[0]

    def suggestion(parts: list[Session]) -> Index:
        with runtime.db.read() as session:
            return index_of(session, parts, runtime.config)

    @pages.route("/sessions/<uuid>", "session", right=Right.LIST)
    def session_page(visitor: Visitor, uuid: str) -> BaseResponse:
        parts = sitting(uuid)
        row = parts[0]
        if row.uuid != uuid:
            # The first session stands for all of its sitting.
            return redirect(f"{pages.mount}/console/sessions/{row.uuid}", 303)
        return pages.render(
            "proview/session.html",
            visitor,
            row=row,
            event_types=EVENTS,
            shown=described(row),
            parts=parts,
            attendee=present.attendee(row.attendee),
            damaged=sum(damage_count(runtime.db, part.id) for part in parts),
            ratings=history(runtime.db, [part.id for part in parts]) if visitor.may(Right.WATCH) else [],
            index=suggestion(parts) if visitor.may(Right.RATE) else None,
            identity=json.dumps(identity_of(runtime, parts)),
            max_reason=MAX_REASON,
            choices=RATINGS,
            max_note=MAX_NOTE,
            live_enabled=runtime.config.media.live != "off",
            ice_servers=json.dumps([dict(server) for server in runtime.config.media.ice_servers]),
        )

    @pages.route("/sessions/<uuid>/state", "session_state", right=Right.LIST, json=True)
    def session_state(_visitor: Visitor, uuid: str) -> BaseResponse:
        parts = sitting(uuid)
        begin = {part.id: offset_ms(parts, part) for part in parts}
        after = request.args.get("after", "0")
        last = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
        query = select(Event).where(Event.session_id.in_(begin), Event.id > last, Event.event_type_id != RATED)
        with runtime.db.read() as session:
            events = list(session.scalars(query.order_by(Event.id).limit(EVENTS_AT_ONCE)))
        shown = [_event(event, begin[event.session_id]) for event in events]
        identity = identity_of(runtime, parts)
        return jsonify({"session": described(parts[0]), "identity": identity, "events": shown})

    @pages.route("/sessions/<uuid>/terminate", "terminate", methods=("POST",), right=Right.TERMINATE)
    def terminate(_visitor: Visitor, uuid: str) -> BaseResponse:
        parts = sitting(uuid)
        running = [part for part in parts if not State(part.state).ended]
        if not running:
            raise ApiError("The session has already ended.", code="session_ended", status=409)
        # The newest first: its browser stops with it and does not go on with another one.
        for part in reversed(running):
            end_session(runtime, part.uuid, State.TERMINATED, "proctor")
        return redirect(f"{pages.mount}/console/sessions/{parts[0].uuid}", 303)

    @pages.route("/sessions/<uuid>/rating", "rating", methods=("POST",), right=Right.RATE)
    def rating(visitor: Visitor, uuid: str) -> BaseResponse:
        verdict, note = request.form.get("rating", ""), request.form.get("note", "")
        rate(runtime.db, runtime.config, uuid, verdict, note, visitor.user.name)
        runtime.jobs.callbacks_soon()
        return redirect(f"{pages.mount}/console/sessions/{uuid}#review", 303)


def _event(event: Event, begin_ms: int) -> dict[str, Any]:
    return {
        "id": event.id,
        "event_type_id": event.event_type_id,
        **shown_as(event.event_type_id, event.name),
        "at": event.at_ms + begin_ms,
        "data": event.data,
    }
