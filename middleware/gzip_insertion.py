"""Puts the tag into a compressed page that arrives in pieces: spliced where that is exactly equal, else decoded.

Spliced, the page starts with a copy of its doctype and the tag; its own doctype and ``<head>`` are then ignored by the
tree builder, its ``<html>`` attributes merged. That is not equal for pages with a byte order mark, attributes on
``<head>``, XML or another encoding, and not possible when the place lies beyond the first 2 KB: these are decoded,
changed and compressed again at level 1, piece by piece, in bounded memory.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from .encodings import PRESCAN_BYTES, UNUSUAL, pushed_out_charset
from .gzip_splice import HEADER, TRAILER_BYTES, TrailerCombiner, header_length, stored_block
from .insertion import PageInsertion, Sniff
from .place import BOM, LIMIT, Place, doctype, looks_like_document, place
from .recode import RecodedInsertion

PEEK_BYTES = 2048
# Mostly enough. Inflating costs more than all the rest, so it goes on in steps.
_FIRST_PEEK_BYTES = 512
_WHITE_SPACE = b"\t\n\x0c\r "


@lru_cache(256)
def _beginning(prefix: bytes) -> bytes:
    return HEADER + stored_block(prefix)


class GzipInsertion:
    """A page with ``Content-Encoding: gzip``."""

    def __init__(
        self, tag: bytes, combiner: TrailerCombiner, *, charset: str = "", sniff: Sniff = Sniff.NONE, xml: bool = False
    ) -> None:
        self.placed = False
        self.declined: str | None = None
        self.growth: int | None = None
        self.charset: str | None = None
        self._tag = tag
        self._combiner = combiner
        self._sniff = sniff
        self._xml = xml
        self._header_charset = charset
        self._slow: RecodedInsertion | None = None
        self._spliceable = not xml and charset not in UNUSUAL
        self._raw = b""
        self._prefix = b""
        self._tail: bytes | None = None
        self._peek = b""
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._header = 0
        self._looked = 0
        # Without a charset in the header the page's own must be seen.
        self._first_peek = _FIRST_PEEK_BYTES if charset else PRESCAN_BYTES

    def feed(self, data: bytes) -> bytes | None:
        if self._slow is not None:
            return self._relay(self._slow.feed(data))
        if self._tail is not None:
            return self._pass_on(data)
        self._raw = self._raw + data if self._raw else data
        if not self._header:
            header = header_length(self._raw)
            if header is None:
                self.declined = "Content-Encoding says gzip, the body does not"
                return None
            if not header:
                return None
            self._header = self._looked = header
        return self._look()

    def finish(self) -> bytes | None:
        if self._slow is None and self._tail is None and not self.declined:
            # Undecided to the end: one unfinished comment, or cut off.
            begun = self._recode()
            if self.declined or self._slow is None:
                return None
            rest = self._relay(self._slow.finish())
            return None if rest is None else (begun or b"") + rest
        if self._slow is not None:
            return self._relay(self._slow.finish())
        tail, self._tail = self._tail or b"", b""
        if len(tail) < TRAILER_BYTES:
            return tail  # cut off by the application; it stays visibly so
        return self._combiner.combine(self._prefix, tail)

    def held(self) -> bytes:
        return self._raw if self._tail is None else self._tail

    def _look(self) -> bytes | None:
        """Inflate no more than it takes to see the place."""
        raw, inflate, peek = self._raw, self._inflate, self._peek
        while True:
            part = inflate.unconsumed_tail
            if not part:
                part = raw[self._looked : self._looked + PEEK_BYTES]
                self._looked += len(part)
            wanted = self._first_peek if len(peek) < self._first_peek else PEEK_BYTES
            try:
                peek += inflate.decompress(part, wanted - len(peek))
            except zlib.error:
                self.declined = "broken gzip"
                return None
            ended = inflate.eof
            is_more = bool(inflate.unconsumed_tail) or self._looked < len(raw)
            found = place(peek, final=ended)
            is_enough = found.found and peek and (self._header_charset or len(peek) >= PRESCAN_BYTES or not is_more)
            if is_enough or ended or not self._spliceable or len(peek) >= PEEK_BYTES or self._looked > LIMIT:
                return self._decide(peek, found)
            if not is_more:
                self._peek = peek
                return None

    def _decide(self, peek: bytes, found: Place) -> bytes | None:
        if (
            not found.found
            or not self._spliceable
            or found.head_attributes
            or peek[:1] in (b"\xff", b"\xfe")
            or peek.startswith(BOM)
        ):
            return self._recode()
        if not self._passes_sniff(peek, found.offset):
            self.declined = "does not look like a page"
            return None
        self._prefix = doctype(peek[: found.offset]) + self._tag
        if not self._header_charset:
            self.charset = pushed_out_charset(peek, len(self._prefix))
        start = _beginning(self._prefix)
        self.growth = len(start) - self._header
        raw, self._raw, self._peek = memoryview(self._raw), b"", b""
        # Everything but the last eight bytes, which may be the trailer.
        cut = max(self._header, len(raw) - TRAILER_BYTES)
        self._tail = bytes(raw[cut:])
        return b"".join((start, raw[self._header : cut]))

    def _pass_on(self, data: bytes) -> bytes:
        tail = self._tail or b""
        if len(data) < TRAILER_BYTES:
            tail += data
            self._tail = tail[-TRAILER_BYTES:]
            return tail[:-TRAILER_BYTES]
        view = memoryview(data)
        self._tail = bytes(view[-TRAILER_BYTES:])
        return b"".join((tail, view[:-TRAILER_BYTES]))

    def _passes_sniff(self, peek: bytes, offset: int) -> bool:
        if self._sniff is Sniff.DOCUMENT:
            return looks_like_document(peek, offset)
        return self._sniff is Sniff.NONE or peek.lstrip(_WHITE_SPACE)[:1] == b"<"

    def _recode(self) -> bytes | None:
        page = PageInsertion(self._tag, charset=self._header_charset, sniff=self._sniff, xml=self._xml)
        self._slow = RecodedInsertion(page, "gzip")
        raw, self._raw = self._raw, b""
        return self._relay(self._slow.feed(raw))

    def _relay(self, sent: bytes | None) -> bytes | None:
        slow = self._slow
        if slow is not None:
            self.declined, self.charset = slow.declined, slow.charset
            if slow.declined:
                self._raw = slow.held()
        return sent
