"""A run as bytes that a demuxer can read: its pieces in order, whatever order they arrived in. Constant memory.

A missing piece ends a *span*. What follows can only be read from the next Cluster on, behind the run's header: blocks carry
times relative to their cluster, so reading on would put pictures in the wrong place (WebM, RFC 9559 section 10).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

CLUSTER = b"\x1f\x43\xb6\x75"
EBML = b"\x1a\x45\xdf\xa3"
TRACKS = re.escape(b"\x16\x54\xae\x6b")
PASSING = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN))
# The header of a recorder's stream is some hundred bytes; a cluster starts at least every few seconds.
HEADER_LIMIT = 1 << 20
SCAN_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Slice:
    """Where one piece lies, and the stretch of the session clock it covers (ms). ``copy``: its bytes, when they are taken from elsewhere."""

    seq: int
    offset: int
    length: int
    start_ms: int
    duration_ms: int
    sha256: str = ""
    copy: bytes = b""

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms


def spans(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Pieces in order of seq, cut where one is missing."""
    result: list[list[Slice]] = []
    for piece in sorted(slices, key=lambda s: s.seq):
        if result and piece.seq == result[-1][-1].seq + 1:
            result[-1].append(piece)
        else:
            result.append([piece])
    return result


class RunReader:
    """The bytes of some pieces of a run's file, one after the other; ``read(n)`` only, as for a pipe."""

    def __init__(self, path: Path, slices: Sequence[Slice], prefix: bytes = b"", skip: int = 0) -> None:
        self._slices = list(slices)
        self._handle = -1
        if not all(piece.copy for piece in self._slices):
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._prefix = prefix
        self._index = 0
        self._position = 0
        self._skip(skip)

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; b"" at the end.

        :raises OSError: when the file is shorter than its rows say.
        """
        if size == 0:
            return b""
        if self._prefix:
            cut = len(self._prefix) if size < 0 else size
            head, self._prefix = self._prefix[:cut], self._prefix[cut:]
            return head
        while self._index < len(self._slices):
            piece = self._slices[self._index]
            left = piece.length - self._position
            if left <= 0:
                self._index, self._position = self._index + 1, 0
                continue
            wanted = min(left, 1 << 20 if size < 0 else size)
            if piece.copy:
                data = piece.copy[self._position : self._position + wanted]
            else:
                data = os.pread(self._handle, wanted, piece.offset + self._position)
            if not data:
                raise OSError(f"piece {piece.seq} is shorter on disk than its row says")
            self._position += len(data)
            return data
        return b""

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> RunReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _skip(self, count: int) -> None:
        while count > 0 and self._index < len(self._slices):
            step = min(count, self._slices[self._index].length - self._position)
            self._position += step
            count -= step
            if self._position >= self._slices[self._index].length:
                self._index, self._position = self._index + 1, 0


@dataclass(frozen=True, slots=True)
class Beginning:
    """What stands before the first Cluster of a run. ``begun``: a Cluster follows, so there is something to see."""

    data: bytes
    begun: bool

    @property
    def is_webm(self) -> bool:
        """Whether it is the start of a WebM stream, or may become one with the pieces that are missing."""
        return EBML.startswith(self.data[: len(EBML)])

    @property
    def is_whole(self) -> bool:
        """Whether what follows can be read behind it: without a Cluster only the size of Tracks tells (RFC 8794 section 4)."""
        # More than one place has these bytes: a SeekHead, where there is one, names Tracks as well.
        return self.begun or any(_is_whole(self.data[found.end() :]) for found in re.finditer(TRACKS, self.data))


def _is_whole(element: bytes) -> bool:
    """Size and content of an element, to its end."""
    width = 9 - element[0].bit_length() if element and element[0] else 9
    if width > 8 or len(element) < width:
        return False
    return len(element) - width >= int.from_bytes(element[:width], "big") & ((1 << 7 * width) - 1)


def beginning_of(path: Path, start: Sequence[Slice]) -> Beginning:
    """:param start: the pieces from 0 on. Browsers that start slowly cut their first slices inside the header: Chromium was
    seen to send one byte of it as piece 0, and nothing more when its page was left."""
    with RunReader(path, start) as reader:
        data = _read_up_to(reader, HEADER_LIMIT)
    at = data.find(CLUSTER)
    return Beginning(data, False) if at < 0 else Beginning(data[:at], True)


def header_of(path: Path, start: Sequence[Slice]) -> bytes | None:
    """What stands before the first Cluster of a run; None when it is not the start of a WebM stream."""
    data = beginning_of(path, start).data
    return data if data.startswith(EBML) else None


def raise_passing(error: BaseException) -> None:
    """Raise what says something of this process at this moment and nothing of the bytes: who judges them tries again later."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in PASSING):
        raise error


def next_cluster(path: Path, slices: Sequence[Slice]) -> int | None:
    """How many bytes of these pieces stand before their first Cluster; None when there is none."""
    position, tail = 0, b""
    with RunReader(path, slices) as reader:
        while data := reader.read(SCAN_BYTES):
            window = tail + data
            at = window.find(CLUSTER)
            if at >= 0:
                return position - len(tail) + at
            position += len(data)
            tail = window[-(len(CLUSTER) - 1) :]
    return None


def _read_up_to(reader: RunReader, limit: int) -> bytes:
    parts, size = [], 0
    while size < limit and (data := reader.read(limit - size)):
        parts.append(data)
        size += len(data)
    return b"".join(parts)
