"""A stored photo as bytes and as data, for those who were let through. Fails closed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Response
from sqlalchemy import select

from flask_proview.errors import ApiError
from flask_proview.recordings.layout import PHOTO_KINDS
from flask_proview.recordings.photos import MAX_PHOTO_BYTES
from flask_proview.sessions.models import Photo, Session

from .runtime import Runtime

PHOTO_CSP = "default-src 'none'; sandbox; frame-ancestors 'none'"


def check_kind(kind: str) -> str:
    """The kind, when there are photos of it, else 404."""
    if kind not in PHOTO_KINDS:
        raise ApiError(
            "There are photos of the kinds " + ", ".join(PHOTO_KINDS) + ".", code="photo_unknown", status=404
        )
    return kind


def serve_photo(runtime: Runtime, session: Session, kind: str, version: int) -> Response:
    """The stored bytes; never anything but a picture to the browser.

    :raises ApiError: 404.
    """
    check_kind(kind)
    known = version < 1 << 31
    query = select(Photo).where(Photo.session_id == session.id, Photo.kind == kind, Photo.version == version)
    with runtime.db.read() as orm:
        photo = orm.scalar(query) if known else None
    body = _read(runtime.layout.photo_file(session.uuid, kind, photo.sha256)) if photo is not None else None
    if body is None:
        raise ApiError("There is no such photo.", code="photo_unknown", status=404)
    name = f"{session.uuid}-{kind}-{version}.jpg"
    response = Response(body, mimetype="image/jpeg")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = PHOTO_CSP
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _read(path: Path) -> bytes | None:
    """The file's bytes; None when it is not there, or a link that somebody planted."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(MAX_PHOTO_BYTES + 1)


def describe_photo(photo: Photo, url: str) -> dict[str, Any]:
    """A photo for details and pages."""
    return {
        "kind": photo.kind,
        "version": photo.version,
        "mime": "image/jpeg",
        "bytes": photo.bytes,
        "width": photo.width,
        "height": photo.height,
        "sha256": photo.sha256,
        "at": photo.at_ms,
        "received_at": photo.received_at,
        "url": url,
    }


def photo_url(mount: str, session: Session, photo: Photo, ticket: str | None = None) -> str:
    """Where a photo is for holders of a ticket or of a login."""
    path = f"{mount}/media/{session.uuid}/photos/{photo.kind}-{photo.version}.jpg"
    return path + (f"?ticket={quote(ticket)}" if ticket else "")
