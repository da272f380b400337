"""A finished recording is shown only while its bytes are those that were made (fault 13, bit rot): read as a whole and compared with
its digest before the first of them goes out, and again after ten minutes. An hour of recording takes a third of a second of a core.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from pathlib import Path

from flask_proview.offload import offload

from .reader import raise_passing
from .verify import digest_of

CHECKED_S = 600.0
REMEMBERED = 1000

_Key = tuple[str, str, int, int, int]


class Soundness:
    """Remembers for a while what this process has read and found whole. Safe for threads and greenlets."""

    def __init__(self) -> None:
        self._sound: OrderedDict[_Key, float] = OrderedDict()
        self._reading: dict[_Key, threading.Lock] = {}
        self._lock = threading.Lock()

    def is_sound(self, path: Path, sha256: str) -> bool:
        """Whether the file has that digest. Several who ask at once wait for one reading.

        :raises OSError: of this process at this moment (no descriptor left); says nothing of the bytes.
        """
        try:
            stat = path.stat()
            key = (str(path), sha256, stat.st_ino, stat.st_size, stat.st_mtime_ns)
            with self._lock:
                reading = self._reading.setdefault(key, threading.Lock())
            with reading:
                if time.monotonic() - self._sound.get(key, -CHECKED_S) < CHECKED_S:
                    return True
                sound = offload(digest_of, path) == sha256
                self._read(key, sound)
                return sound
        except OSError as error:
            raise_passing(error)
            return False

    def _read(self, key: _Key, sound: bool) -> None:
        with self._lock:
            self._reading.pop(key, None)
            if not sound:
                return
            self._sound[key] = time.monotonic()
            self._sound.move_to_end(key)
            while len(self._sound) > REMEMBERED:
                self._sound.popitem(last=False)
