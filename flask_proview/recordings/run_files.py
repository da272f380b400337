"""Append-only files, one per recorder run, kept open while they are written. Knows nothing of rows."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

from .layout import Layout

OPEN_FILES = 512
SEEN_FILES = 20_000
FREE_CHECK_S = 1.0
# A run is a file; the database and others on the disk need some as well.
MIN_INODES = 256
# sync_file_range(2): start writing and do not wait. Only a hint; fdatasync is what makes the bytes durable.
SYNC_FILE_RANGE_WRITE = 2


class SyncFailed(OSError):
    """fsync failed: what is on disk is unknown from now on (it must not be tried again)."""


@contextlib.contextmanager
def _syncing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SyncFailed(error.errno, os.strerror(error.errno or 0)) from error


class RunFiles:
    """Appends and syncs; bounded number of open files. Used by one thread at a time."""

    def __init__(self, layout: Layout, min_free_bytes: int) -> None:
        self._layout = layout
        self._min_free = min_free_bytes
        self._open: OrderedDict[Path, int] = OrderedDict()
        self._dirty: dict[Path, int] = {}
        self._new_directories: set[Path] = set()
        self._seen: set[Path] = set()
        self._free_checked_at = -FREE_CHECK_S
        self._has_room = True
        # Linux only; elsewhere the syncs are merely slower.
        self._start_writing = getattr(ctypes.CDLL(None), "sync_file_range", None)

    def append(self, uuid: str, track: str, run: int, body: bytes) -> int:
        """Append to the run's file; the offset at which the bytes begin.

        :raises OSError: disk full (``ENOSPC``, also below the free-space mark), too many files, input/output error.
        """
        return self._append(self._layout.run_file(uuid, track, run), body)

    def holds(self, uuid: str, track: str, run: int, offset: int, body: bytes) -> bool:
        """Whether these bytes lie there already; the next sync is about them too. Raises as :meth:`append` does."""
        path = self._layout.run_file(uuid, track, run)
        handle = self._handle(path)
        if os.pread(handle, len(body), offset) != body:
            return False
        self._dirty[path] = handle
        return True

    def append_head(self, uuid: str, track: str, record: bytes) -> None:
        """Keep the beginning of a run a second time (heads.py). Raises as :meth:`append` does."""
        self._append(self._layout.heads_file(uuid, track), record)

    def _append(self, path: Path, body: bytes) -> int:
        if not self._room():
            raise OSError(errno.ENOSPC, "below storage.min_free_mb")
        handle = self._handle(path)
        written = os.write(handle, body)
        if written != len(body):
            # The rest does not fit; these bytes get no row and are never read.
            raise OSError(errno.ENOSPC, "short write")
        self._dirty[path] = handle
        # O_APPEND moves the file position to the end of what this call wrote, also with another writer on the same file.
        return os.lseek(handle, 0, os.SEEK_CUR) - written

    def sync(self, _uuids: Iterable[str]) -> None:
        """Make everything appended since the last call durable, new directory entries included.

        :raises SyncFailed: do not use the object any more.
        :raises OSError: it could not be tried (no file descriptor left); the next call does it.
        """
        # All files start writing before the first is waited for. Measured with 150 files of 40 kB: 18 ms, one after the
        # other 53 ms. syncfs takes 17 ms, but waits for what everybody else wrote too: 200 MB of somebody's log, 90 ms
        # where this takes 7.
        for handle in self._dirty.values():
            self._hint(handle)
        with _syncing():
            for handle in self._dirty.values():
                os.fdatasync(handle)
        self._dirty.clear()
        for directory in sorted(self._new_directories):
            # Not there: the session was deleted meanwhile, and its row is what the answer follows.
            with contextlib.suppress(FileNotFoundError):
                _sync_directory(directory)
            self._new_directories.discard(directory)

    def close(self) -> None:
        """Close all files; they are opened again when needed."""
        handles, self._open = self._open, OrderedDict()
        self._dirty.clear()
        for handle in handles.values():
            os.close(handle)

    def _hint(self, handle: int) -> None:
        if self._start_writing is not None:
            self._start_writing(handle, ctypes.c_int64(0), ctypes.c_int64(0), SYNC_FILE_RANGE_WRITE)

    def _handle(self, path: Path) -> int:
        handle = self._open.get(path)
        if handle is not None:
            self._open.move_to_end(path)
            # Another process may have deleted the session; writing into a nameless file would be a lie.
            if os.fstat(handle).st_nlink:
                return handle
            self._dirty.pop(path, None)
            os.close(self._open.pop(path))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        # O_NOFOLLOW: nobody plants a link where evidence is going to be written.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        # Whoever cuts what a crash left (recovery.py) takes the file for itself; it waits for us or we for it.
        fcntl.flock(handle, fcntl.LOCK_SH)
        if path not in self._seen:
            # New to us is enough: another process may have made it and died before it synced the directory.
            if len(self._seen) >= SEEN_FILES:
                self._seen.clear()
            self._seen.add(path)
            self._new_directories |= {path.parent, path.parent.parent, path.parent.parent.parent}
        if len(self._open) >= OPEN_FILES:
            self._evict()
        self._open[path] = handle
        return handle

    def _evict(self) -> None:
        for path, handle in self._open.items():
            if path not in self._dirty:
                del self._open[path]
                os.close(handle)
                return

    def _room(self) -> bool:
        now = time.monotonic()
        if now - self._free_checked_at >= FREE_CHECK_S:
            self._free_checked_at = now
            root = self._layout.root
            root.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._has_room = shortage(root, self._min_free) is None
        return self._has_room


def shortage(root: Path, min_free_bytes: int) -> str | None:
    """What the file system has too little of, in words; None when there is room."""
    stat = os.statvfs(root)
    free = stat.f_bavail * stat.f_frsize
    if free < min_free_bytes:
        return f"only {free >> 20} MiB free, storage.min_free_mb is {min_free_bytes >> 20}"
    # File systems without a table of inodes report none at all.
    if stat.f_files and stat.f_favail < MIN_INODES:
        return f"only {stat.f_favail} inodes free"
    return None


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _syncing():
            os.fsync(handle)
    finally:
        os.close(handle)
