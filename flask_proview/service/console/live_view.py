"""``M/console/sessions/<uuid>/live``: a proctor's browser joins and leaves the live view of a running session."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.errors import ApiError, FieldError
from flask_proview.service.live import close_live, open_live
from flask_proview.service.requests import read_json
from flask_proview.service.runtime import Runtime
from flask_proview.sessions.models import Session, State

from .gate import Gate, Right, Visitor
from .pages import Pages

TRACKS = ("camera", "microphone", "screen")


def register(pages: Pages, runtime: Runtime, _gate: Gate) -> None:
    """Offer and answer over HTTP; the media itself goes browser to media process."""

    @pages.route("/sessions/<uuid>/live", "live_open", methods=("POST",), right=Right.LIVE, json=True)
    def join(visitor: Visitor, uuid: str) -> BaseResponse:
        body = read_json(request)
        sdp, tracks = body.get("sdp"), _tracks(body.get("tracks"))
        if not isinstance(sdp, str) or not sdp:
            raise ApiError("The offer is missing.", fields=(FieldError("sdp", "must be an SDP offer"),))
        row = find_running(runtime, uuid)
        if runtime.config.media.live == "off":
            raise ApiError("Live view is switched off (media.live).", code="live_off", status=409)
        answer, viewer = open_live(runtime, row, sdp, tracks, visitor.user.name)
        return jsonify({"sdp": answer, "viewer": viewer})

    @pages.route("/sessions/<uuid>/live", "live_close", methods=("DELETE",), right=Right.LIVE, json=True)
    def leave(_visitor: Visitor, uuid: str) -> BaseResponse:
        viewer = request.args.get("viewer", "")
        row = runtime.sessions.get(uuid)
        if row is not None and 0 < len(viewer) <= 64:
            close_live(runtime, row, viewer)
        return jsonify({})


def find_running(runtime: Runtime, uuid: str) -> Session:
    """The row of a session that runs; 404, 409 ``session_ended``."""
    row = runtime.sessions.get(uuid)
    if row is None:
        raise ApiError("There is no such session.", code="not_found", status=404)
    if State(row.state).ended:
        raise ApiError("The session has ended.", code="session_ended", status=409)
    return row


def _tracks(raw: Any) -> dict[str, str]:
    valid = isinstance(raw, dict) and 0 < len(raw) <= len(TRACKS)
    if not valid or not all(isinstance(mid, str) and len(mid) <= 16 and name in TRACKS for mid, name in raw.items()):
        raise ApiError("The list of tracks is not valid.", fields=(FieldError("tracks", f"maps mid to {TRACKS}"),))
    return {str(mid): str(name) for mid, name in raw.items()}
