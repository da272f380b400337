"""Playback: tickets, the recording's bytes, what the player needs to know, and the embeddable page. Fails closed."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request, send_file
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.config import Account
from flask_proview.errors import ApiError
from flask_proview.origins import DomainSet
from flask_proview.recordings.damages import withdraw_recording
from flask_proview.sessions.models import Recording, Session

from .details import playback_details
from .embedded import embedded_page, expired_page
from .ending import finalise_soon
from .growing import MEDIA_CSP, serve_stretch
from .object_stream import recording_unknown, stream_copy
from .piece_input import TRACKS
from .requests import read_json
from .runtime import Runtime
from .tickets import issue_ticket, session_to_watch

log = logging.getLogger(__name__)


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """All playback routes."""

    @blueprint.post("/v1/playback-token")
    @blueprint.post("/v1/token/playback")
    @blueprint.post("/token/playback")
    def playback_token() -> Response:
        return jsonify(issue_ticket(runtime, request, read_json(request)))

    @blueprint.get("/v1/playback/<uuid>")
    def playback(uuid: str) -> Response:
        session = session_to_watch(runtime, request, uuid)
        ticket = request.args.get("ticket") or request.args.get("token")
        query = f"?ticket={quote(ticket)}" if ticket else ""
        mount = runtime.config.server.mount
        media_url, dvr_url = (
            f"{mount}/media/{{uuid}}/{{track}}.webm{query}",
            f"{mount}/v1/dvr/{{uuid}}/{{track}}{query}",
        )
        return jsonify(playback_details(runtime, session, media_url, dvr_url, ticket))

    @blueprint.get("/media/<uuid>/<track>.webm")
    def media(uuid: str, track: str) -> BaseResponse:
        return serve_recording(runtime, session_to_watch(runtime, request, uuid), track)

    @blueprint.get("/v1/dvr/<uuid>/<track>")
    def dvr(uuid: str, track: str) -> BaseResponse:
        return serve_stretch(runtime, session_to_watch(runtime, request, uuid), track, request)

    @blueprint.get("/embedded/<uuid>", strict_slashes=False)
    @blueprint.get("/embedded/<uuid>/", strict_slashes=False)
    def embedded(uuid: str) -> Response:
        ticket = request.args.get("token") or request.args.get("ticket") or ""
        try:
            session = session_to_watch(runtime, request, uuid)
        except ApiError as error:
            return expired_page(error)
        account = runtime.config.account(session.account)
        return embedded_page(runtime.config.server.mount, session, ticket, frame_ancestors(account))


def serve_recording(runtime: Runtime, session: Session, track: str) -> BaseResponse:
    """The finished file of a track, by ranges; never anything but a video to the browser, and never other bytes than were made.

    :raises ApiError: 404; 503 when it lies in an object store that does not answer, or was damaged and is being made again.
    """
    recording = _newest(runtime, session, track)
    path = runtime.layout.recording_file(session.uuid, track)
    if path.is_file() and not path.is_symlink():
        recording = _sound(runtime, session, recording, path)
        response: BaseResponse = send_file(
            path.absolute(), mimetype="video/webm", conditional=True, etag=recording.sha256, max_age=0
        )
    else:
        response = stream_copy(runtime.archive, session, recording, request)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = f'inline; filename="{session.uuid}-{track}.webm"'
    response.headers["Content-Security-Policy"] = MEDIA_CSP
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Accept-Ranges"] = "bytes"
    return response


def _newest(runtime: Runtime, session: Session, track: str) -> Recording:
    with runtime.db.read() as orm:
        recording = orm.get(Recording, (session.id, track)) if track in TRACKS else None
    if recording is None:
        raise recording_unknown()
    return recording


def _sound(runtime: Runtime, session: Session, recording: Recording, path: Path) -> Recording:
    """The row that the file's bytes agree with. Finalise may be replacing both just now, so it is looked at twice."""
    for _ in range(2):
        if runtime.soundness.is_sound(path, recording.sha256):
            return recording
        recording = _newest(runtime, session, recording.track)
    if withdraw_recording(runtime.db, recording):
        log.error(
            "the recording %s of session %s has changed on the disk; it is made again", recording.track, session.uuid
        )
        finalise_soon(runtime, session.uuid)
    raise ApiError(
        "The recording was damaged on the disk. It is made again from the evidence; try again in a minute.",
        code="recording_damaged",
        status=503,
        retry_after_s=60,
    )


def frame_ancestors(account: Account | None) -> str:
    """The CSP directive that lets the account's pages, and nobody else's, frame the player."""
    sources = ["'self'"] + (_sources(account.domains) if account is not None else [])
    return "frame-ancestors " + " ".join(sources)


def _sources(domains: DomainSet) -> list[str]:
    wildcards = [str(origin._replace(host="*." + origin.host)) for origin in domains.wildcards]
    return sorted(str(origin) for origin in domains.exact) + sorted(wildcards)
