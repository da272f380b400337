"""``M/console/sessions/<uuid>/edge``: the newest seconds of a running session, from its uploaded slices, where no live picture comes.

For who may watch live: it is what the live view would show. What lies further back is the recording (``Right.WATCH``). As with the
live view, whoever opens it stands in the session's timeline; that hands out a pass, and without one of their own nobody gets a
picture. Fails closed.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.catalogue import LIVE_CLOSED, LIVE_OPENED
from flask_proview.errors import ApiError, TokenError
from flask_proview.service.growing import newest_ms, serve_stretch, track_ends
from flask_proview.service.live import record_watching
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Session
from flask_proview.tokens import Kind

from .gate import Gate, Right, Visitor
from .live_view import find_running
from .pages import Pages

EDGE_MS = 30_000
SOURCE = "uploads"


def register(pages: Pages, runtime: Runtime, _gate: Gate) -> None:
    """Open, look, fetch, close."""

    def running(visitor: Visitor, uuid: str) -> Session:
        row = find_running(runtime, uuid)
        if runtime.config.media.live == "off" and not visitor.may(Right.WATCH):
            raise ApiError("Live view is switched off (media.live).", code="live_off", status=409)
        return row

    def opened(visitor: Visitor, uuid: str) -> Session:
        claims = runtime.signer.read(Kind.EDGE, request.args.get("pass"))
        if (claims.get("sid"), claims.get("user")) != (uuid, visitor.user.id):
            raise TokenError("The pass belongs to somebody else or to another session.", code="token_foreign")
        return running(visitor, uuid)

    def newest(row: Session) -> tuple[int, dict[str, int]]:
        with runtime.db.read() as orm:
            ends = track_ends(orm, row)
        return newest_ms(row, ends), ends

    @pages.route("/sessions/<uuid>/edge", "edge_open", methods=("POST",), right=Right.LIVE, json=True)
    def join(visitor: Visitor, uuid: str) -> BaseResponse:
        row = running(visitor, uuid)
        record_watching(runtime, row, LIVE_OPENED, visitor.user.name, SOURCE)
        seconds = runtime.config.limits.login_hours * 3600
        return jsonify({"pass": runtime.signer.issue(Kind.EDGE, {"sid": uuid, "user": visitor.user.id}, seconds)})

    @pages.route("/sessions/<uuid>/edge", "edge", right=Right.LIVE, json=True)
    def look(visitor: Visitor, uuid: str) -> BaseResponse:
        row = opened(visitor, uuid)
        to_ms, ends = newest(row)
        shown = sorted(track for track, end in ends.items() if end > to_ms - EDGE_MS)
        query = f"?pass={quote(request.args['pass'])}"
        urls = {track: f"{pages.mount}/console/sessions/{uuid}/edge/{track}{query}" for track in shown}
        return jsonify({"tracks": [{"track": track, "to_ms": to_ms, "url": url} for track, url in urls.items()]})

    @pages.route("/sessions/<uuid>/edge/<track>", "edge_stretch", right=Right.LIVE, json=True)
    def stretch(visitor: Visitor, uuid: str, track: str) -> BaseResponse:
        row = opened(visitor, uuid)
        return serve_stretch(runtime, row, track, request, newest(row)[0] - EDGE_MS)

    @pages.route("/sessions/<uuid>/edge", "edge_close", methods=("DELETE",), right=Right.LIVE, json=True)
    def leave(visitor: Visitor, uuid: str) -> BaseResponse:
        record_watching(runtime, opened(visitor, uuid), LIVE_CLOSED, visitor.user.name, SOURCE)
        return jsonify({})
