"""Photos that candidates take before the exam: a file beside the recording, and a row that says what it is.

A photo is durable when :meth:`PhotoStore.store` returns: file and directory are synced, then the row is committed. Nothing
replaces a photo; a retake is another version. Once a proctor looks at them (approval waiting or given) no new one is taken.
Fails closed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from flask_proview.config import Config
from flask_proview.errors import ApiError
from flask_proview.offload import offload
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Photo, Session

from .layout import PHOTO_KINDS, Layout

# A photo of 1280 × 960 has about 200 kB.
MAX_PHOTO_BYTES = 1 << 20
MAX_VERSIONS = 12
LOCKED = ("waiting", "approved")


class PhotoStore:
    """The photos table and its files."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._layout = Layout(Path(config.storage.recordings))
        self._min_free = config.storage.min_free_mb << 20
        self._max_session = config.limits.max_session_mb << 20

    def store(
        self, session: Session, kind: str, body: bytes, sha256: str, size: tuple[int, int], at_ms: int
    ) -> tuple[Photo, bool]:
        """Keep a photo that was checked: (row, whether it is new). The same bytes again are the same version.

        :raises ApiError: 404 the session is gone, 409 ``photo_locked`` or ``photo_limit``, 413 ``session_quota``, 507 ``storage_full``.
        """
        try:
            path = offload(self._write, session.uuid, kind, body, sha256)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ApiError(
                "There is no room for the photo on the server.",
                code="storage_full",
                status=507,
                critical=False,
                retry_after_s=30,
            ) from error
        try:
            with self._db.write() as orm:
                row = orm.scalars(select(Session).where(Session.id == session.id).with_for_update()).first()
                if row is None:
                    raise ApiError("There is no such session.", code="unknown_session", status=404)
                taken = orm.scalars(select(Photo).where(Photo.session_id == row.id, Photo.kind == kind)).all()
                same = next((photo for photo in taken if photo.sha256 == sha256), None)
                if same is not None:
                    return same, False
                self._check_room(row, len(taken), len(body))
                photo = Photo(
                    session_id=row.id,
                    kind=kind,
                    version=len(taken) + 1,
                    sha256=sha256,
                    bytes=len(body),
                    width=size[0],
                    height=size[1],
                    at_ms=at_ms,
                    received_at=now_ms(),
                )
                row.bytes_stored += len(body)
                orm.add(photo)
                return photo, True
        except ApiError as error:
            path.unlink(missing_ok=True)
            if error.status == 404:
                self._layout.remove_session(session.uuid)
            raise

    def _check_room(self, row: Session, versions: int, length: int) -> None:
        if row.approval in LOCKED:
            raise ApiError(
                "A proctor is looking at the photos; new ones come too late.", code="photo_locked", status=409
            )
        if versions >= MAX_VERSIONS:
            raise ApiError(f"{MAX_VERSIONS} photos of a kind are enough.", code="photo_limit", status=409)
        if row.bytes_stored + length > self._max_session:
            raise ApiError("The session has stored all it may.", code="session_quota", status=413)

    def _write(self, uuid: str, kind: str, body: bytes, sha256: str) -> Path:
        """The bytes under their name, synced with the directories that lead there."""
        path = self._layout.photo_file(uuid, kind, sha256)
        root = self._layout.root
        root.mkdir(parents=True, exist_ok=True, mode=0o750)
        room = os.statvfs(root)
        if room.f_bavail * room.f_frsize < self._min_free:
            raise OSError(errno.ENOSPC, "below storage.min_free_mb")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        part = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            # O_EXCL and O_NOFOLLOW: nobody plants a link where evidence is going to be written.
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        for directory in (path.parent, path.parent.parent, path.parent.parent.parent, root):
            # Not there: the session was deleted meanwhile, which the row tells.
            with contextlib.suppress(FileNotFoundError):
                _sync_directory(directory)
        return path


def photos_of(orm: OrmSession, session_ids: Iterable[int]) -> list[Photo]:
    """All photos of these sessions, each kind's newest version first."""
    query = select(Photo).where(Photo.session_id.in_(list(session_ids)))
    found = orm.scalars(query).all()
    return sorted(found, key=lambda photo: (photo.session_id, PHOTO_KINDS.index(photo.kind), -photo.version))


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
