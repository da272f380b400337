"""The writer thread: disk I/O of the second source, off the event loop, behind a bounded queue.

A disk that hangs or is full costs recording, never the live picture: what does not fit in the queue is dropped and counted, and a
file with an error is given up (its clusters so far stay readable).
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

MAX_JOBS = 512
STOP_TIMEOUT_S = 10.0
logger = logging.getLogger(__name__)


class OutputFile:
    """One file; its methods run in the writer thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failed = False
        self._descriptor = -1

    def open(self, sidecar: bytes, min_free_bytes: int) -> None:
        """Create the file and, before it, the JSON next to it."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        disk = os.statvfs(self.path.parent)
        if disk.f_bavail * disk.f_frsize < min_free_bytes:
            raise OSError("less than storage.min_free_mb is free")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self.path, flags, 0o600)
        side = self.path.with_suffix(".json")
        part = side.with_suffix(".json.part")
        part.write_bytes(sidecar)
        part.replace(side)

    def write(self, data: bytes) -> None:
        """One write per cluster, so that a killed process leaves whole clusters."""
        if self._descriptor < 0:
            return
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class Writer:
    """See the module. ``start`` and ``stop`` may be called twice."""

    def __init__(self, dropped: Counter[str]) -> None:
        self._dropped = dropped
        self._jobs: queue.Queue[tuple[OutputFile, Callable[[], None]] | None] = queue.Queue(MAX_JOBS)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="media-writer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        if self._thread is None:
            return
        try:
            self._jobs.put(None, timeout=STOP_TIMEOUT_S)
        except queue.Full:
            logger.error("the disk hangs; recorded data is lost")
        self._thread.join(STOP_TIMEOUT_S)
        self._thread = None

    def put(self, file: OutputFile, job: Callable[[], None]) -> None:
        """Queue a job for a file; never blocks."""
        if file.failed:
            return
        try:
            self._jobs.put_nowait((file, job))
        except queue.Full:
            self._dropped["writer"] += 1

    def _run(self) -> None:
        while True:
            item = self._jobs.get()
            if item is None:
                return
            file, job = item
            if file.failed:
                continue
            try:
                job()
            except OSError as error:
                file.failed = True
                self._dropped["disk"] += 1
                logger.error("the second source %s ends here: %s", file.path.name, error)
                with contextlib.suppress(OSError):
                    file.close()
