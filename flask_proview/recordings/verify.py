"""Whether the bytes of pieces are still those that were acknowledged. Everything that reads evidence asks here first."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .heads import second_copy
from .reader import Slice, raise_passing

CHUNK = 1 << 20


@dataclass(slots=True)
class Checked:
    """Slices that can be used, and what is wrong with the others: ``digest``, ``short``, ``missing`` or ``unreadable``."""

    sound: list[Slice] = field(default_factory=list)
    damaged: list[tuple[Slice, str]] = field(default_factory=list)
    healed: list[int] = field(default_factory=list)


def check_run(
    path: Path, heads: Path, run: int, slices: Sequence[Slice], pace: Callable[[int], None] = lambda _count: None
) -> Checked:
    """Read every piece of a run and compare it with its digest; a damaged beginning is taken from its second copy.

    :param pace: called with the number of bytes that were read; may sleep.
    """
    checked = Checked()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise_passing(error)
        what = "missing" if error.errno == errno.ENOENT else "unreadable"
        for piece in slices:
            _damaged(checked, heads, run, piece, what)
        return checked
    try:
        for piece in slices:
            wrong = _wrong(handle, piece)
            pace(piece.length)
            if wrong is None:
                checked.sound.append(piece)
            else:
                _damaged(checked, heads, run, piece, wrong)
    finally:
        os.close(handle)
    return checked


def _damaged(checked: Checked, heads: Path, run: int, piece: Slice, what: str) -> None:
    copy = second_copy(heads, run, piece.seq, piece.sha256)
    if copy is None:
        checked.damaged.append((piece, what))
    else:
        checked.sound.append(replace(piece, copy=copy))
        checked.healed.append(piece.seq)


def _wrong(handle: int, piece: Slice) -> str | None:
    digest, position = hashlib.sha256(), 0
    try:
        while position < piece.length:
            data = os.pread(handle, min(CHUNK, piece.length - position), piece.offset + position)
            if not data:
                return "short"
            digest.update(data)
            position += len(data)
    except OSError as error:
        raise_passing(error)
        return "unreadable"
    return None if digest.hexdigest() == piece.sha256 else "digest"


def digest_of(path: Path, pace: Callable[[int], None] = lambda _count: None) -> str:
    """Hex SHA-256 of a file.

    :param pace: called with the number of bytes that were read; may sleep.
    """
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        while data := stream.read(CHUNK):
            digest.update(data)
            pace(len(data))
    return digest.hexdigest()
