"""How the tag gets into all pages of one kind: one route, one coding, one charset. Shared by them: of each it keeps no more than how
the pages of a route begin."""

from __future__ import annotations

from .encodings import PRESCAN_BYTES, UNUSUAL, declared_charset
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
        # The beginning of the latest page up to the <meta> that declares its charset.
        self._declaring = b""
        self._is_usual = not xml and charset not in UNUSUAL and coding in ("", "identity")

    def at_once(self, data: bytes) -> bytes | None:
        """The usual page: the first piece with the tag in it, after which nothing needs a look. None: :meth:`begin`.

        A piece in which ``<head>`` is found passes every sniff.
        """
        if not self._is_usual:
            return None
        offset = self._places.offset(data)
        if not offset or not (self._charset or self._keeps_charset(data)):
            return None
        return b"".join((data[:offset], self._tag, memoryview(data)[offset:]))

    def _keeps_charset(self, data: bytes) -> bool:
        """Whether what the page itself declares stays within a browser's sight. The pages of a route begin alike."""
        known = self._declaring
        if (known and data.startswith(known)) or data.startswith(BOM):
            return True
        declared = declared_charset(data)
        if declared is None:
            return True
        if declared[1] + self.growth > PRESCAN_BYTES:
            return False
        self._declaring = data[: declared[1]]
        return True

    def begin(self) -> Insertion:
        """For a page that arrives in pieces."""
        if self._coding in ("gzip", "x-gzip"):
            return GzipInsertion(self._tag, self._combiner, charset=self._charset, sniff=self._sniff, xml=self._xml)
        plain = PageInsertion(self._tag, charset=self._charset, sniff=self._sniff, xml=self._xml)
        return RecodedInsertion(plain, "deflate") if self._coding == "deflate" else plain
