"""The body of an answer by its framing (RFC 9112 section 6.3): counted, chunked, or until the connection closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from .errors import CutOff
from .head import Head

PIECE_BYTES = 65_536
MAX_CHUNK_LINE = 1024
MAX_TRAILERS = 8192
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})(?:[ \t]*;[^\r\n\0]*)?")


class Source(Protocol):
    """What bodies are read from."""

    def some(self, limit: int) -> bytes:
        """At most ``limit`` bytes, as soon as there are any; b"" at the end."""
        ...

    def line(self, limit: int) -> bytes:
        """Up to the next CR LF, without it."""
        ...

    @property
    def has_line(self) -> bool:
        """Whether ``line`` would answer without waiting."""
        ...


def body_of(head: Head, source: Source) -> Iterator[bytes]:
    """The body as it arrives.

    :raises CutOff: when it ends before its framing says so.
    """
    if head.chunked:
        return _chunks(source)
    return _until_close(source) if head.length is None else _sized(source, head.length)


def _sized(source: Source, left: int) -> Iterator[bytes]:
    while left:
        data = _part(source, left)
        left -= len(data)
        yield data


def _until_close(source: Source) -> Iterator[bytes]:
    while data := source.some(PIECE_BYTES):
        yield data


def _chunks(source: Source) -> Iterator[bytes]:
    """Chunks that are here already go on as one piece (applications flush line by line); nothing waits for the next."""
    ready: list[bytes] = []
    held = 0
    while left := _chunk_size(source):
        while left:
            data = _part(source, left)
            left -= len(data)
            ready.append(data)
            held += len(data)
            if held >= PIECE_BYTES or not source.has_line:
                yield b"".join(ready)
                ready, held = [], 0
        if source.line(2) != b"":
            raise CutOff("chunk without its end")
        if ready and not source.has_line:
            yield b"".join(ready)
            ready, held = [], 0
    if ready:
        yield b"".join(ready)
    budget = MAX_TRAILERS
    while line := source.line(budget):
        budget -= len(line) + 2


def _part(source: Source, left: int) -> bytes:
    data = source.some(min(left, PIECE_BYTES))
    if not data:
        raise CutOff(f"the application's answer ended {left} bytes early")
    return data


def _chunk_size(source: Source) -> int:
    match = _CHUNK.fullmatch(source.line(MAX_CHUNK_LINE))
    if match is None:
        raise CutOff("malformed chunk size")
    return int(match[1], 16)
