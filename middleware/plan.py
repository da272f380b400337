"""How the tag gets into all pages of one kind: one route, one coding, one charset. Shared by them, so it keeps nothing of any."""

from __future__ import annotations

from .encodings import UNUSUAL, pushed_out_charset
from .gzip_insertion import GzipInsertion
from .gzip_splice import TrailerCombiner
from .insertion import Insertion, PageInsertion, Sniff
from .place import BOM, PlaceMemory
from .recode import RecodedInsertion


class InsertionPlan:
    """:param places: what is remembered of the route's pages."""

    def __init__(
        self,
        tag: bytes,
        places: PlaceMemory,
        combiner: TrailerCombiner,
        *,
        coding: str,
        charset: str,
        sniff: Sniff,
        xml: bool,
    ) -> None:
        self.growth = len(tag)
        self._tag = tag
        self._places = places
        self._combiner = combiner
        self._coding = coding
        self._charset = charset
        self._sniff = sniff
        self._xml = xml
        self._is_usual = not xml and charset not in UNUSUAL and coding in ("", "identity")

    def at_once(self, data: bytes) -> bytes | None:
        """The usual page: the first piece with the tag in it, after which nothing needs a look. None: :meth:`begin`.

        A piece in which ``<head>`` is found passes every sniff.
        """
        if not self._is_usual:
            return None
        offset = self._places.offset(data)
        if not offset or not (self._charset or data.startswith(BOM) or pushed_out_charset(data, self.growth) is None):
            return None
        return b"".join((data[:offset], self._tag, memoryview(data)[offset:]))

    def begin(self) -> Insertion:
        """For a page that arrives in pieces."""
        if self._coding in ("gzip", "x-gzip"):
            return GzipInsertion(self._tag, self._combiner, charset=self._charset, sniff=self._sniff, xml=self._xml)
        plain = PageInsertion(self._tag, charset=self._charset, sniff=self._sniff, xml=self._xml)
        return RecodedInsertion(plain, "deflate") if self._coding == "deflate" else plain
