"""``PUT …/photos/<kind>``: what candidates photograph before the exam; and the photos for those who may watch. Fails closed.

A 2xx means durable. The same bytes again are answered 200; other bytes are another version, so nothing is ever replaced.
"""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, jsonify, request

from flask_proview.errors import ApiError
from flask_proview.recordings.jpeg import jpeg_size
from flask_proview.recordings.photos import MAX_PHOTO_BYTES, PhotoStore
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import OPEN_STATES

from .access import session_of_request
from .ending import announce_to_console
from .photos import check_kind, serve_photo
from .piece_input import parse_decimal, parse_digest
from .pieces_api import KINDS, check_accepts
from .quota import Quota
from .raw_body import read_raw
from .runtime import Runtime
from .tickets import session_to_watch

PUTS_PER_MINUTE, PUTS_BURST = 20, 12


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Both routes."""
    store = PhotoStore(runtime.db, runtime.config)
    quota = Quota(PUTS_PER_MINUTE, PUTS_BURST)

    @blueprint.put("/v1/sessions/<uuid>/photos/<kind>")
    def put_photo(uuid: str, kind: str) -> tuple[Response, int]:
        session = session_of_request(runtime, request, uuid, KINDS)
        check_accepts(runtime, session)
        wait_s = quota.take(uuid)
        if wait_s:
            raise ApiError("Too many photos.", code="too_many_requests", status=429, critical=False, retry_after_s=int(wait_s) + 1)  # fmt: skip
        check_kind(kind)
        if request.mimetype != "image/jpeg":
            raise ApiError("Photos are JPEG: Content-Type image/jpeg.", code="mime_unsupported", status=415)
        sha256 = parse_digest(request.headers.get("Content-Digest"))
        at_ms = _taken_at(request.headers.get("X-Photo-At"))
        body = read_raw(request, MAX_PHOTO_BYTES, "photo", "photo_too_large")
        if hashlib.sha256(body).hexdigest() != sha256:
            raise ApiError("The photo does not fit its Content-Digest.", code="digest_mismatch")
        try:
            size = jpeg_size(body)
        except ValueError as error:
            raise ApiError(f"The photo is not acceptable: {error}.", code="photo_invalid", status=422) from None
        at_ms = min(max(0, at_ms), max(0, now_ms() - session.started_at))
        photo, new = store.store(session, kind, body, sha256, size, at_ms)
        if session.state in OPEN_STATES:
            runtime.sessions.touch(uuid)
        if new:
            runtime.counters.add("photos_stored")
            announce_to_console(runtime, session)
        return jsonify(stored=True, version=photo.version), 201 if new else 200

    @blueprint.get("/media/<uuid>/photos/<kind>-<int:version>.jpg")
    def media_photo(uuid: str, kind: str, version: int) -> Response:
        return serve_photo(runtime, session_to_watch(runtime, request, uuid), kind, version)


def _taken_at(header: str | None) -> int:
    try:
        return parse_decimal(header, "X-Photo-At", signed=True)
    except ApiError:
        message = "X-Photo-At must be a time on the session clock, in whole milliseconds."
        raise ApiError(message, code="photo_invalid") from None
