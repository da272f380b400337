"""Puts the tag into a compressed page that arrives in pieces: spliced where that is exactly equal, else decoded.

Spliced, the page starts with a copy of its doctype and the tag; its own doctype and ``<head>`` are then ignored by the
tree builder, its ``<html>`` attributes merged. That is not equal for pages with a byte order mark, attributes on
``<head>``, XML or another encoding, and not possible when the place lies beyond the first 2 KB: these are decoded,
changed and compressed again at level 1, piece by piece, in bounded memory.
"""

from __future__ import annotations

import zlib

from .encodings import ESCAPED, pushed_out_charset, utf16_of
from .gzip_splice import HEADER, MAGIC, TRAILER_BYTES, TrailerCombiner, header_length, stored_block
from .insertion import PageInsertion, Sniff
from .place import BOM, LIMIT, doctype, looks_like_document, place
from .recode import RecodedInsertion

PEEK_BYTES = 2048
_WHITE_SPACE = b"\t\n\x0c\r "


class GzipInsertion:
    """A page with ``Content-Encoding: gzip``."""

    def __init__(self, tag: bytes, combiner: TrailerCombiner, *, charset: str = "", sniff: Sniff = Sniff.NONE, xml: bool = False) -> None:
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
        self._spliceable = not xml and charset != ESCAPED and utf16_of(b"", charset) is None
        self._raw = b""
        self._prefix = b""
        self._tail: bytes | None = None
        self._peek = b""
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._header = 0

    def feed(self, data: bytes) -> bytes | None:
        if self._slow is not None:
            return self._relay(self._slow.feed(data))
        if self._tail is not None:
            return self._pass_on(data)
        self._raw += data
        if not self._header:
            header = header_length(self._raw)
            if header is None:
                self.declined = "Content-Encoding says gzip, the body does not"
                return None
            if not header:
                return None
            self._header = header
            data = self._raw[header:]
        return self._look(data)

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

    def _look(self, data: bytes) -> bytes | None:
        try:
            self._peek += self._inflate.decompress(data, PEEK_BYTES - len(self._peek))
        except zlib.error:
            self.declined = "broken gzip"
            return None
        peek = self._peek
        ended = self._inflate.eof
        found = place(peek, final=ended)
        if self._spliceable and (not found.found or not peek) and len(peek) < PEEK_BYTES and not ended and len(self._raw) < LIMIT:
            return None
        if not found.found or not self._spliceable or found.head_attributes or peek[:1] in (b"\xff", b"\xfe") or peek.startswith(BOM):
            return self._recode()
        if not self._passes_sniff(peek, found.offset):
            self.declined = "does not look like a page"
            return None
        if MAGIC in self._raw[self._header : -TRAILER_BYTES]:
            return self._recode()  # perhaps a second member
        self._prefix = doctype(peek[: found.offset]) + self._tag
        if not self._header_charset:
            self.charset = pushed_out_charset(peek, len(self._prefix))
        start = HEADER + stored_block(self._prefix)
        self.growth = len(start) - self._header
        raw, self._raw, self._peek = self._raw[self._header :], b"", b""
        self._tail = b""
        return start + self._pass_on(raw)

    def _pass_on(self, data: bytes) -> bytes:
        """Everything but the last eight bytes, which may be the trailer."""
        if self._tail:
            data = self._tail + data
        self._tail = data[-TRAILER_BYTES:]
        return data[:-TRAILER_BYTES]

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
