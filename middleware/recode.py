"""The slow path for compressed pages: decode, insert, compress again at level 1, piece by piece in bounded memory.

A page that is broken or cut off before anything was sent goes out as it came; one that breaks later is cut off visibly.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from .insertion import PageInsertion

_STEP_BYTES = 65536
# RFC 1952 gzip; RFC 1950 zlib, which HTTP calls deflate (RFC 9110 section 8.4.1.2).
_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class RecodedInsertion:
    """A page with ``Content-Encoding: gzip`` or ``deflate``, which stays so."""

    def __init__(self, page: PageInsertion, coding: str) -> None:
        self.placed = False  # every piece has to pass through here
        self.declined: str | None = None
        self.growth: int | None = None
        self.charset: str | None = None
        self._page = page
        self._coding = coding
        self._held = b""
        self._inflate: zlib._Decompress | None = None
        self._deflate = zlib.compressobj(1, zlib.DEFLATED, _WINDOW[coding])
        self._started = False

    def feed(self, data: bytes) -> bytes | None:
        if not self._started:
            self._held += data
        parts: list[bytes] = []
        try:
            for plain in self._inflated(data):
                sent = plain if self._page.placed else self._page.feed(plain)
                if self._page.declined:
                    self.declined = self._page.declined
                    return None
                if sent is not None:
                    self._start()
                    parts.append(self._deflate.compress(sent))
        except zlib.error:
            if self._started:
                raise
            self.declined = f"broken {self._coding}"
            return None
        if not self._started:
            return None
        if parts:
            parts.append(self._deflate.flush(zlib.Z_SYNC_FLUSH))
        return b"".join(parts)

    def finish(self) -> bytes | None:
        if self.declined:
            return None
        if self._inflate is None or not self._inflate.eof:
            if self._started:
                raise EOFError("the application's compressed page ended too early")
            self.declined = f"truncated {self._coding}"
            return None
        sent = self._page.finish()
        if self._page.declined:
            self.declined = self._page.declined
            return None
        self._start()
        return self._deflate.compress(sent or b"") + self._deflate.flush()

    def held(self) -> bytes:
        return self._held

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._held = b""
            self.charset = self._page.charset

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        inflate = self._inflate
        if inflate is None:
            data = self._held
            if len(data) < 2:
                return
            inflate = self._inflate = zlib.decompressobj(self._window(data))
        while True:
            if inflate.eof:
                if self._coding != "gzip" or not data:
                    return  # browsers ignore what follows
                inflate = self._inflate = zlib.decompressobj(_WINDOW["gzip"])
            plain = inflate.decompress(data, _STEP_BYTES)
            if plain:
                yield plain
            data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if not data and len(plain) < _STEP_BYTES:
                return

    def _window(self, data: bytes) -> int:
        if self._coding == "deflate":
            # Some servers send the blocks bare. RFC 1950: method 8, and the two header bytes together divide by 31.
            wrapped = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
        return _WINDOW["gzip"]
