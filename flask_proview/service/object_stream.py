"""A recording whose file has gone to the object store, by ranges (RFC 9110 section 14). Fails closed."""

from __future__ import annotations

from flask import Request
from werkzeug.wrappers import Response

from flask_proview.errors import ApiError
from flask_proview.recordings.archive import Archive, key_of
from flask_proview.recordings.objects import ObjectMissing, ObjectStoreError
from flask_proview.sessions.models import Recording, Session


def stream_copy(archive: Archive, session: Session, recording: Recording, request: Request) -> Response:
    """The bytes of a recording from its verified copy; one range at most, as browsers ask for video.

    :raises ApiError: 404 without a copy, 416, 503 when the store does not answer.
    """
    name = f"{recording.track}.webm"
    row = archive.copy_of(session, name)
    if archive.objects is None or row is None or row.sha256 != recording.sha256:
        raise recording_unknown()
    response = Response(mimetype="video/webm", direct_passthrough=True)
    response.set_etag(row.sha256)
    if request.if_none_match.contains(row.sha256):
        response.status_code = 304
        return response
    # A range of an older file must not be mixed with this one.
    fresh = request.if_range.etag is None or request.if_range.etag == row.sha256
    wanted = request.range if fresh and request.if_range.date is None else None
    start, length = 0, row.bytes
    if wanted is not None and wanted.units == "bytes":
        span = wanted.range_for_length(row.bytes)
        if span is None:
            raise ApiError("Ask for one range that lies inside.", code="range_invalid", status=416)
        start, length = span[0], span[1] - span[0]
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{row.bytes}"
    response.content_length = length
    if request.method == "HEAD":
        return response
    try:
        response.response = archive.objects.read(key_of(session.uuid, name), start, length)
    except ObjectMissing:
        raise recording_unknown() from None
    except ObjectStoreError:
        raise ApiError(
            "The recording's storage does not answer now.", code="storage_unavailable", status=503, retry_after_s=10
        ) from None
    return response


def recording_unknown() -> ApiError:
    return ApiError("There is no such recording (yet).", code="recording_unknown", status=404)
