"""Tags and texts of an HTML page, in one pass whose cost is linear in the page whatever the page is.

The standard library's ``html.parser`` needs half a minute for 60 KB of ``<a <a <a`` (Python 3.11.7), and a page must not be
able to stop the doctor. This reader knows what facts need: tags, attributes, comments, raw text, line numbers. It builds no tree.
https://html.spec.whatwg.org/multipage/parsing.html#tokenization
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_ATTRIBUTES = 200
# Their content is text up to their own end tag.
RAW = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext"))
_NAME = re.compile(r"[A-Za-z][^\t\n\f\r />]*+")
# Possessive throughout. A quote that is not closed is closed nowhere behind it, so it is searched for once per page.
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >]*+)))?+"
)
_TAG_END = re.compile(r"[\t\n\f\r /]*+>")
_COMMENT_END = re.compile(r"--!?>")


class Tag(NamedTuple):
    """A start tag. ``text`` is the content of a raw text element; ``text_line`` the line on which it starts."""

    name: str
    attributes: dict[str, str]
    line: int
    text: str
    text_line: int

    def get(self, name: str) -> str:
        """An attribute's value, empty when there is none."""
        return self.attributes.get(name, "")


class End(NamedTuple):
    name: str


class Text(NamedTuple):
    text: str


class Declaration(NamedTuple):
    """``<!doctype …>`` and whatever else begins with ``<!`` or ``<?``, comments excepted."""

    text: str


Token = Tag | End | Text | Declaration


def tokens(page: str) -> Iterator[Token]:
    """The tokens of a page, comments left out; an unfinished last one is dropped as browsers do."""
    at, lines = 0, _Lines(page)
    while True:
        start = page.find("<", at)
        if start < 0:
            if at < len(page):
                yield Text(page[at:])
            return
        if start > at:
            yield Text(page[at:start])
        if page.startswith("<!--", start):
            end = _COMMENT_END.search(page, start + 2)
            if end is None:
                return
            at = end.end()
            continue
        following = page[start + 1 : start + 2]
        if following in ("!", "?") or (following == "/" and _NAME.match(page, start + 2) is None):
            closed = page.find(">", start)
            if closed < 0:
                return
            if following != "/":
                yield Declaration(page[start + 1 : closed])
            at = closed + 1
            continue
        name = _NAME.match(page, start + 1 + (following == "/"))
        if name is None:
            yield Text("<")
            at = start + 1
            continue
        attributes, end_of_tag = _attributes(page, name.end())
        if end_of_tag < 0:
            return
        at = end_of_tag
        lowered = name[0].lower()
        if following == "/":
            yield End(lowered)
            continue
        text, text_line = "", 0
        if lowered in RAW:
            text_line = lines.of(at)
            text, at = _raw_text(page, lowered, at)
        yield Tag(lowered, attributes, lines.of(start), text, text_line)


def _attributes(page: str, at: int) -> tuple[dict[str, str], int]:
    """The attributes and the offset behind ``>``; -1 when the page ends inside the tag. Of two with one name the first counts."""
    found: dict[str, str] = {}
    while True:
        end = _TAG_END.match(page, at)
        if end is not None:
            return found, end.end()
        match = _ATTRIBUTE.match(page, at)
        if match is None:
            return found, -1
        at = match.end()
        if len(found) < MAX_ATTRIBUTES:
            value = match[2] or match[3] or match[4] or ""
            found.setdefault(match[1].lower(), html.unescape(value) if "&" in value else value)


def _raw_text(page: str, name: str, at: int) -> tuple[str, int]:
    if name == "plaintext":
        return page[at:], len(page)
    end = re.compile(rf"</{name}(?=[\t\n\f\r />])", re.I).search(page, at)
    return (page[at:], len(page)) if end is None else (page[at : end.start()], end.start())


class _Lines:
    """Line numbers of offsets that only grow."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._at, self._line = 0, 1

    def of(self, offset: int) -> int:
        if offset < self._at:
            return self._line - self._page.count("\n", offset, self._at)
        self._line += self._page.count("\n", self._at, offset)
        self._at = offset
        return self._line
