"""Ended sessions in the object store: copied, read back and compared; local files go only after that, and only when configured.

The local directory is the spool: while the store is down it grows, and the copy is tried again every minute. Only sessions that take
no more pieces lose their local files, so a run file never has to be continued.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from flask_proview.config import Config
from flask_proview.errors import ProviewError
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Copy, Recording, Session

from .layout import Layout
from .objects import DirectoryObjects, ObjectMissing, Objects, ObjectStoreError, make_objects
from .verify import digest_of

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
# What may go locally once it is copied. Anything else in the directory is small (photos) and stays.
EVIDENCE = ("*.pieces", "*.heads", "*.webm", "live/*.webm", "live/*.json")


class Archive:
    """Copies of sessions, and how to get at them again."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._config = config
        self._layout = Layout(Path(config.storage.recordings))
        self.objects: Objects | None = make_objects(config)

    def waiting(self, limit: int) -> list[Session]:
        """Sessions whose recordings are newer than their copies, the longest ago first."""
        if self.objects is None:
            return []
        query = select(Session).where(
            Session.finalised_at.is_not(None),
            Session.ended_at.is_not(None),
            Session.pruned_at.is_(None),
            Session.archived_at.is_(None) | (Session.archived_at < Session.finalised_at),
        )
        with self._db.read() as db:
            return list(db.scalars(query.order_by(Session.finalised_at).limit(limit)))

    def copy(self, session: Session) -> int:
        """Copy what is new, read it back, compare; how many files.

        :raises ObjectStoreError: the store is down, or gave back other bytes than it took.
        """
        objects = self._store()
        known = {row.name: row for row in self.copies(session)}
        with self._db.read() as db:
            rows = db.scalars(select(Recording).where(Recording.session_id == session.id))
            digests = {f"{row.track}.webm": row.sha256 for row in rows}
        count = 0
        for path in self._files(session.uuid):
            name = path.relative_to(self._layout.session_dir(session.uuid)).as_posix()
            stat = path.stat()
            row = known.get(name)
            if row is not None and (row.bytes, row.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
                continue
            sha256 = digest_of(path)
            if digests.get(name, sha256) != sha256:
                raise ProviewError(f"{session.uuid} {name} is damaged; it is not copied (proview sessions scrub)")
            objects.put(key_of(session.uuid, name), path)
            self._compare(session.uuid, name, stat.st_size, sha256)
            self._remember(session, Copy(session_id=session.id, name=name, bytes=stat.st_size,
                                         mtime_ns=stat.st_mtime_ns, sha256=sha256, copied_at=now_ms()))  # fmt: skip
            count += 1
        with self._db.write() as db:
            db.execute(update(Session).where(Session.id == session.id).values(archived_at=session.finalised_at))
        return count

    def prunable(self, now: int, limit: int) -> list[Session]:
        """Sessions whose local files may go: copied, and ``storage.local_days`` after they took their last piece."""
        days = self._config.storage.local_days
        if self.objects is None or days is None:
            return []
        before = now - self._config.limits.drain_grace_minutes * 60_000 - days * DAY_MS
        query = select(Session).where(
            Session.ended_at < before, Session.pruned_at.is_(None), Session.archived_at >= Session.finalised_at
        )
        with self._db.read() as db:
            return list(db.scalars(query.order_by(Session.ended_at).limit(limit)))

    def prune(self, session: Session) -> bool:
        """Remove the local evidence; False when something has no verified copy that is still there, and then nothing is removed."""
        objects = self._store()
        directory = self._layout.session_dir(session.uuid)
        known = {row.name: row for row in self.copies(session)}
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # finalise holds it while it works
            paths = list(self._files(session.uuid))
            for path in paths:
                name = path.relative_to(directory).as_posix()
                row, stat = known.get(name), path.stat()
                if row is None or (row.bytes, row.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
                    return False
                if objects.size(key_of(session.uuid, name)) != row.bytes:
                    return False
            # First the row: whoever looks from now on asks the store; files that a crash leaves here do no harm.
            with self._db.write() as db:
                db.execute(update(Session).where(Session.id == session.id).values(pruned_at=now_ms()))
            for pattern in EVIDENCE:
                for path in directory.glob(pattern):
                    path.unlink(missing_ok=True)
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
        return True

    def fetch(self, session: Session) -> None:
        """Bring the evidence back, compared with its digests, so that it can be finalised or exported.

        :raises ObjectStoreError: when something cannot be read, or is not what was stored.
        """
        objects = self._store()
        directory = self._layout.session_dir(session.uuid)
        for row in self.copies(session):
            target = directory / row.name
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            temporary = target.with_name(target.name + ".part")
            digest = hashlib.sha256()
            with open(temporary, "wb") as file:
                for data in objects.read(key_of(session.uuid, row.name)):
                    digest.update(data)
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if digest.hexdigest() != row.sha256:
                temporary.unlink()
                raise ObjectStoreError(f"{row.name} of {session.uuid} is not what was stored")
            os.utime(temporary, ns=(row.mtime_ns, row.mtime_ns))
            os.replace(temporary, target)
        with self._db.write() as db:
            db.execute(update(Session).where(Session.id == session.id).values(pruned_at=None))

    def read(self, session: Session, name: str) -> Iterator[bytes]:
        """A file of the session, wherever it is.

        :raises OSError: when it is nowhere, or the store does not answer.
        """
        path = self._layout.session_dir(session.uuid) / name
        if path.is_file() or session.pruned_at is None:
            return DirectoryObjects(path.parent).read(path.name)
        return self._store().read(key_of(session.uuid, name))

    def copies(self, session: Session) -> list[Copy]:
        with self._db.read() as db:
            return list(db.scalars(select(Copy).where(Copy.session_id == session.id).order_by(Copy.name)))

    def copy_of(self, session: Session, name: str) -> Copy | None:
        with self._db.read() as db:
            return db.get(Copy, (session.id, name))

    def forget(self, session: Session, name: str) -> None:
        """The copy is no good: make it again while there is a local file."""
        with self._db.write() as db:
            row = db.get(Copy, (session.id, name))
            if row is not None:
                db.delete(row)
            db.execute(update(Session).where(Session.id == session.id).values(archived_at=None))

    def is_local(self, session: Session, name: str) -> bool:
        return (self._layout.session_dir(session.uuid) / name).is_file()

    def delete(self, uuid: str) -> None:
        """Remove all copies of a session.

        :raises ProviewError: when there may be some and ``storage.objects`` does not say where.
        """
        with self._db.read() as db:
            has_copies = db.scalars(select(Copy.name).join(Session).where(Session.uuid == uuid).limit(1)).first()
        if self.objects is not None:
            self.objects.delete(f"{uuid[:2]}/{uuid}/")
        elif has_copies is not None:
            self._store()

    def _store(self) -> Objects:
        if self.objects is None:
            raise ProviewError("the session has files in an object store, but [storage] objects does not say where")
        return self.objects

    def _files(self, uuid: str) -> Iterator[Path]:
        directory = self._layout.session_dir(uuid)
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix != ".part":
                yield path

    def _compare(self, uuid: str, name: str, size: int, sha256: str) -> None:
        if not is_sound(self._store(), key_of(uuid, name), size, sha256):
            raise ObjectStoreError(f"{name} of {uuid} was read back with other bytes than were stored")

    def _remember(self, session: Session, row: Copy) -> None:
        try:
            with self._db.write() as db:
                db.merge(row)
        except IntegrityError:
            # The session was deleted meanwhile: nothing of it may stay.
            self._store().delete(f"{session.uuid[:2]}/{session.uuid}/")
            raise ProviewError(f"session {session.uuid} was deleted while it was copied") from None


def key_of(uuid: str, name: str) -> str:
    return f"{uuid[:2]}/{uuid}/{name}"


def is_sound(
    objects: Objects, key: str, size: int, sha256: str, pace: Callable[[int], None] = lambda _count: None
) -> bool:
    """Whether the store has exactly these bytes.

    :raises ObjectStoreError: when it cannot be asked.
    """
    digest, read = hashlib.sha256(), 0
    try:
        for data in objects.read(key):
            digest.update(data)
            read += len(data)
            pace(len(data))
    except ObjectMissing:
        return False
    return (read, digest.hexdigest()) == (size, sha256)


def damaged_copies(archive: Archive, session: Session, pace: Callable[[int], None]) -> list[str]:
    """Copies that are not what was stored. Those that still have a local file are made again."""
    if archive.objects is None:
        return []
    damaged: list[str] = []
    for row in archive.copies(session):
        try:
            sound = is_sound(archive.objects, key_of(session.uuid, row.name), row.bytes, row.sha256, pace)
        except ObjectStoreError as error:
            log.warning("copies of %s cannot be compared now: %s", session.uuid, error)
            return damaged
        if not sound:
            damaged.append(row.name)
            if archive.is_local(session, row.name):
                archive.forget(session, row.name)
    return damaged
