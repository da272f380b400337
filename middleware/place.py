"""Where a ``<script>`` goes so that it becomes the first element of ``<head>``: a bounded scan of the head's prefix.

By the tree builder (https://html.spec.whatwg.org/multipage/parsing.html#tree-construction) an explicit ``<head>`` only
matters before any other start tag or text. So only byte order mark, white space, comments, ``<?…>``, ``<!…>``, ignored end
tags and ``<html …>`` are skipped; whatever follows ends the scan. One possessive regular expression: linear in hostile
input, independent of the page's size, and safe at any chunk boundary. Bytes of any ASCII-compatible encoding; for others
see :mod:`.encodings`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# Longest prefix that is looked at; beyond it the tag goes before the token that never ends.
LIMIT = 65536
# Enough for doctype, html and head of most sites.
_PREFIX_BYTES = 512

_WS = rb"\t\n\x0c\r "
_WS_OR_SLASH = b"\t\n\x0c\r /"
_GAP = rb"[" + _WS + rb"]*+"
# The tokenizer's attribute grammar: quotes only quote in value position, "=" may start a name.
_VALUE = rb"(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^" + _WS + rb">]*+)"
_ATTRIBUTES = (
    rb"(?:[" + _WS + rb"/]++"
    rb"|(?:=?[^" + _WS + rb"/>=]++|=)(?:" + _GAP + rb"=" + _GAP + _VALUE + rb"|(?!" + _GAP + rb"=)))*+"
)
_NAME_ENDS = rb"(?=[" + _WS + rb"/>])"
_COMMENT = rb"<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>)"
# Tokens that never leave the tree builder's "initial" mode: a doctype after them still counts.
_BEFORE_DOCTYPE = rb"[" + _WS + rb"]++|" + _COMMENT + rb"|<\?[^>]*+>|</>|</[^a-zA-Z>][^>]*+>"
_SKIPPED = (
    rb"(?:" + _BEFORE_DOCTYPE + rb"|<!(?!--)[^>]*+>|<[hH][tT][mM][lL]" + _NAME_ENDS + _ATTRIBUTES + rb">"
    # "before html" and "before head" ignore end tags other than these four.
    rb"|</(?!(?:[hH][eE][aA][dD]|[bB][oO][dD][yY]|[hH][tT][mM][lL]|[bB][rR])" + _NAME_ENDS + rb")"
    rb"[a-zA-Z][^" + _WS + rb"/>]*+" + _ATTRIBUTES + rb">)*+"
)
_PREFIX = re.compile(_SKIPPED, re.S)
_HEAD = re.compile(rb"<[hH][eE][aA][dD]" + _NAME_ENDS + rb"(" + _ATTRIBUTES + rb")>", re.S)
# What may still become a skipped token or <head> when more bytes come.
_UNFINISHED = re.compile(
    rb"(?:<(?:[!?].*|/(?:(?!(?:head|body|html|br)" + _NAME_ENDS + rb").*)?"
    rb"|h(?:t(?:m(?:l(?:[" + _WS + rb"/].*)?)?)?|e(?:a(?:d(?:[" + _WS + rb"/].*)?)?)?)?)?)?\Z",
    re.I | re.S,
)
_DOCTYPE = re.compile(
    rb"(?:"
    + _BEFORE_DOCTYPE
    + rb"|<!(?!--|[dD][oO][cC][tT][yY][pP][eE])[^>]*+>)*+(<![dD][oO][cC][tT][yY][pP][eE][^>]*+>)",
    re.S,
)
_DOCUMENT = re.compile(rb"<(?:!doctype[" + _WS + rb"]+html|html|head)" + _NAME_ENDS, re.I)
BOM = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """``offset`` of the tag when ``found``; otherwise everything before ``offset`` certainly stands before the tag."""

    offset: int
    found: bool
    head_attributes: bool = False


def place(page: bytes, *, start: int = 0, final: bool = False) -> Place:
    """The place in the beginning of a page.

    :param start: where to go on: 0, or the offset of an earlier answer that was not ``found``.
    :param final: nothing follows.
    """
    if start == 0:
        known = _place_in_prefix(page[:_PREFIX_BYTES])
        if known is not None:
            return known
        if page[:1] == b"\xef":
            if page.startswith(BOM):
                start = 3
            elif not final and BOM.startswith(page):
                return Place(0, False)
    safe = _skip(page, start)
    found = _behind_head(page, safe)
    if found is not None:
        return found
    if not final and len(page) - safe <= LIMIT and _UNFINISHED.match(page, safe) is not None:
        return Place(safe, False)
    return Place(safe, True)


class PlaceMemory:
    """The beginning of a page up to its ``<head …>``. The pages of a route begin alike, and nothing up to there depends on
    what follows: whatever begins so has its place there."""

    def __init__(self) -> None:
        self._beginning = b""

    def offset(self, page: bytes) -> int:
        """Just behind ``<head …>`` where it stands in the first bytes, as :func:`place` answers; else 0."""
        beginning = self._beginning
        if page.startswith(beginning) and beginning:
            return len(beginning)
        found = _place_in_prefix(page[:_PREFIX_BYTES])
        if found is None:
            return 0
        self._beginning = page[: found.offset]
        return found.offset


@lru_cache(256)
def _place_in_prefix(prefix: bytes) -> Place | None:
    """The place when a whole ``<head …>`` stands in these first bytes: nothing up to it depends on what follows.

    The pages of a site begin alike, so mostly the answer is known.
    """
    return _behind_head(prefix, _skip(prefix, 3 if prefix.startswith(BOM) else 0))


def _skip(page: bytes, start: int) -> int:
    prefix = _PREFIX.match(page, start)
    return start if prefix is None else prefix.end()


def _behind_head(page: bytes, safe: int) -> Place | None:
    head = _HEAD.match(page, safe)
    if head is None:
        return None
    return Place(head.end(), True, head.end() - safe > 6 and bool(head[1].strip(_WS_OR_SLASH)))


def doctype(page: bytes) -> bytes:
    """The doctype that decides the page's mode, as written, or nothing."""
    match = _DOCTYPE.match(page)
    return b"" if match is None else match[1]


def looks_like_document(page: bytes, end: int) -> bool:
    """Whether the skipped prefix names a doctype, ``<html>`` or ``<head>``: what a fragment does not have."""
    return _DOCUMENT.search(page, 0, end) is not None
