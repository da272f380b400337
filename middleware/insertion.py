"""Puts the tag into a page that arrives in pieces, holding back as little as possible.

An insertion is fed the application's bytes and says what to send. ``feed`` answers None while even the headers must
wait, bytes otherwise; when ``declined`` is set the page must go out as it came. Once ``placed``, pieces need no more look.
"""

from __future__ import annotations

import enum
from typing import Protocol

from .encodings import ESCAPED, UNUSUAL, ascii_view, offset_in_utf16, pushed_out_charset, utf16_of
from .place import BOM, LIMIT, Place, looks_like_document, place
from .place_xml import place_xml

_WHITE_SPACE = b"\t\n\x0c\r "
# Scans of one undecided page before it must have grown by an eighth for the next: bounds the work on one-byte pieces.
_FREE_SCANS = 64


class Sniff(enum.IntEnum):
    """How much a body must look like a page before it is treated as one."""

    NONE = 0
    MARKUP = 1
    DOCUMENT = 2


class Insertion(Protocol):
    """What :class:`~.respond.PageResponse` drives."""

    placed: bool
    declined: str | None
    growth: int | None
    charset: str | None

    def feed(self, data: bytes) -> bytes | None: ...

    def finish(self) -> bytes | None: ...

    def held(self) -> bytes: ...


class PageInsertion:
    """An uncompressed page.

    :param tag: the tag in ASCII.
    :param charset: the header's charset, lower case, or empty.
    :param xml: served as XML.
    """

    # As every page begins; set on the object when it changes.
    placed = False
    declined: str | None = None
    charset: str | None = None
    _held = b""
    _started = False
    _scans = 0
    _next_scan = 0

    def __init__(self, tag: bytes, *, charset: str = "", sniff: Sniff = Sniff.NONE, xml: bool = False) -> None:
        self.growth: int | None = len(tag)
        self._tag = tag
        self._charset = charset
        self._sniff = sniff
        self._xml = xml
        self._unusual = xml or charset in UNUSUAL

    def feed(self, data: bytes) -> bytes | None:
        """The next bytes of the page; not called any more once ``placed``."""
        if not self._started and not self._held:
            # The usual page: everything that matters is in the first piece.
            self._held = data
            return self._scan(final=False)
        short = len(self._held) < 8
        self._held += data
        self._scans += 1
        if self._scans > _FREE_SCANS and len(self._held) < self._next_scan or not (short or b">" in data):
            return b"" if self._started else None
        self._next_scan = len(self._held) * 9 // 8
        return self._scan(final=False)

    def finish(self) -> bytes | None:
        """The page has ended."""
        if self.placed or self.declined:
            return b""
        return self._scan(final=True)

    def held(self) -> bytes:
        """What was fed and not yet sent."""
        return self._held

    def _scan(self, *, final: bool) -> bytes | None:
        held = self._held
        if self._unusual or not self._started and held[:1] in _MARKS:
            return self._scan_unusual(final=final)
        found = _place_on(held, final=final) if self._started else place(held, final=final)
        if not self._started and not self._may_start(held, held, found, final=final):
            return None
        return self._send(found, self._tag)

    def _scan_unusual(self, *, final: bool) -> bytes | None:
        """XML, UTF-16 and ISO-2022-JP."""
        held = self._held
        if len(held) < 2 and not final:
            return None
        utf16 = utf16_of(held, self._charset)
        view, view_ends = held, final
        if utf16 is not None:
            view = ascii_view(held, *utf16)
        elif self._charset == ESCAPED and b"\x1b" in held:
            # Behind an escape "<" may be half a character: the tag goes before the token that holds one.
            view, view_ends = held[: held.index(b"\x1b")], True
        if self._xml:
            offset = place_xml(view)
            if offset is None:
                self._wait_or_decline("XHTML without a readable <head>", final or len(held) > LIMIT)
                return None
            found = Place(offset, True)
        else:
            found = _place_on(view, final=view_ends) if self._started else place(view, final=view_ends)
        if not self._started and not self._may_start(held, view, found, final=view_ends):
            return None
        if utf16 is None:
            return self._send(found, self._tag)
        if not found.found:
            return None
        tag = self._tag.decode("ascii").encode(utf16[0])
        self.growth = len(tag)
        return self._send(Place(offset_in_utf16(held, *utf16, found.offset), True), tag)

    def _may_start(self, held: bytes, view: bytes, found: Place, *, final: bool) -> bool:
        if self._sniff and not self._passes_sniff(view, found):
            self._wait_or_decline("does not look like a page", final or found.found)
            return False
        if not self._charset and not self._xml and not held.startswith(BOM):
            self.charset = pushed_out_charset(held, len(self._tag))
        return True

    def _passes_sniff(self, view: bytes, found: Place) -> bool:
        if self._sniff is Sniff.DOCUMENT:
            return looks_like_document(view, found.offset)
        return view.removeprefix(BOM).lstrip(_WHITE_SPACE)[:1] == b"<"

    def _wait_or_decline(self, reason: str, decided: bool) -> None:
        if decided:
            self.declined = reason

    def _send(self, found: Place, tag: bytes) -> bytes | None:
        held, offset = self._held, found.offset
        if not found.found:
            if offset == 0:
                return b"" if self._started else None
            self._started = True
            self._held = held[offset:]
            return held[:offset]
        self.placed = self._started = True
        self._held = b""
        view = memoryview(held)
        return b"".join((view[:offset], tag, view[offset:]))


_MARKS = (b"\xff", b"\xfe")


def _place_on(held: bytes, *, final: bool) -> Place:
    """:func:`place` behind an earlier answer, where a byte order mark is text."""
    if held[:1] == b"\xef":
        return Place(0, True)
    return place(held, final=final)
