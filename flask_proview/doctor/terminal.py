"""Text from strangers on a terminal: nothing in it may move the cursor, colour the rest or turn the writing around."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

WIDTH = 100


def printable(text: str) -> str:
    """The text with control, format and other invisible characters spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def fitted(text: str, width: int) -> str:
    """``printable`` text of at most ``width`` characters; what is too long loses its middle."""
    text = printable(text)
    if len(text) <= width:
        return text
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def wrapped(text: str, indent: str, first: str = "") -> Iterator[str]:
    """Lines of at most ``WIDTH`` characters."""
    yield from textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=first or indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=True,
    )
