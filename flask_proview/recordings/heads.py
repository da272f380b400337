"""The beginning of every run, kept a second time: without its header no part of a run can be read, and one bad block must not cost that much.

One file for each track, ``<track>.heads``: records of ``magic, run, seq, length, sha256`` and the piece's bytes, appended
before the piece is acknowledged. A torn record (a crash) is skipped by its magic and never has the right digest.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections import OrderedDict
from pathlib import Path

from .reader import CLUSTER, HEADER_LIMIT

MAGIC = b"PVHD"
_RECORD = struct.Struct("!4sQII32s")
# A first piece is a second or so of video; what is larger came after a sleep, and its header is a small part of it.
MAX_BYTES = 4 << 20
# Chromium was seen to cut its header after one byte; more pieces than this before the first cluster are no recorder's.
MAX_SEQ = 7
REMEMBERED = 10_000
SCAN_BYTES = 1 << 16

Key = tuple[str, str, int]


class HeadChooser:
    """Which pieces are written a second time: piece 0, and those after it until the header is complete."""

    def __init__(self) -> None:
        self._unfinished: OrderedDict[Key, int] = OrderedDict()

    def wants(self, uuid: str, track: str, run: int, seq: int, body: bytes) -> bool:
        if seq > MAX_SEQ or len(body) > MAX_BYTES:
            return False
        key = (uuid, track, run)
        if seq and key not in self._unfinished:
            return False
        so_far = self._unfinished.pop(key, 0) + len(body)
        if CLUSTER not in body and so_far < HEADER_LIMIT:
            self._unfinished[key] = so_far
            while len(self._unfinished) > REMEMBERED:
                self._unfinished.popitem(last=False)
        return True


def head_record(run: int, seq: int, sha256: str, body: bytes) -> bytes:
    """What is appended to the track's file."""
    return _RECORD.pack(MAGIC, run, seq, len(body), bytes.fromhex(sha256)) + body


def second_copy(path: Path, run: int, seq: int, sha256: str) -> bytes | None:
    """The bytes of a piece from its second copy; None when there is none that has the digest."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        size, position = os.fstat(handle).st_size, 0
        while position + _RECORD.size <= size:
            magic, its_run, its_seq, length, digest = _RECORD.unpack(os.pread(handle, _RECORD.size, position))
            if magic != MAGIC:
                position = _next_magic(handle, position + 1)
                continue
            if (its_run, its_seq, digest.hex()) == (run, seq, sha256) and length <= MAX_BYTES:
                body = os.pread(handle, length, position + _RECORD.size)
                if hashlib.sha256(body).hexdigest() == sha256:
                    return body
            end = position + _RECORD.size + length
            # Torn or damaged: what the length says leads into the middle of a later record, which must not be jumped over.
            whole = end == size or (end < size and os.pread(handle, len(MAGIC), end) == MAGIC)
            position = end if whole else _next_magic(handle, position + 1)
    except (OSError, struct.error):
        return None
    finally:
        os.close(handle)
    return None


def _next_magic(handle: int, position: int) -> int:
    """Where the next record may begin; far behind the end when there is none."""
    while data := os.pread(handle, SCAN_BYTES, position):
        at = data.find(MAGIC)
        if at >= 0:
            return position + at
        position += max(1, len(data) - len(MAGIC) + 1)
    return position + _RECORD.size
