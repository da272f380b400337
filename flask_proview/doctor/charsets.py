"""In which charset a page's bytes are read by browsers, and what is odd about it.

Byte order mark, then the header, then a ``<meta>`` in the first 1024 bytes, then a guess that differs from browser to
browser. https://encoding.spec.whatwg.org/ · https://html.spec.whatwg.org/#determining-the-character-encoding
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from flask_proview.middleware.encodings import pushed_out_charset, utf16_of

# Labels that browsers read as windows-1252 (WHATWG Encoding, 4.2).
_AS_1252 = frozenset(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "us-ascii", "ascii", "l1", "cp1252", "x-cp1252"))
# Python knows codecs that are no charset of a page, and some (idna) that are slow on purpose-made input.
_TEXT_CODEC = re.compile(
    r"utf-(?:8|16|16-le|16-be)|iso8859-\d+|cp\d{3,4}|windows-\d+|koi8-\w|mac-\w+|gbk|gb2312|gb18030|big5(?:hkscs)?|euc_\w+"
    r"|shift_jis\w*|iso2022_\w+|johab|tis-620|ascii|latin-1|utf-16(?:_[bl]e)?"
)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class Reading(NamedTuple):
    """The page as text, and (code, what was seen) of what is odd."""

    text: str
    charset: str
    oddities: tuple[tuple[str, str], ...]


def read_text(body: bytes, header_charset: str, *, whole: bool) -> Reading:
    """Decode a page as a browser would.

    :param header_charset: of Content-Type, lower case, or empty.
    :param whole: the body is complete, so that bytes that do not decode are the page's own fault.
    """
    odd: list[tuple[str, str]] = []
    mark = next(((m, name) for m, name in _MARKS if body.startswith(m)), None)
    declared = _declared_in_meta(body)
    if mark is not None:
        charset = mark[1]
        if header_charset and not _same(header_charset, charset) and not header_charset.startswith("utf-16"):
            odd.append(("charset_conflict", f"byte order mark {charset}, header {header_charset}"))
        body = body[len(mark[0]) :]
    elif header_charset:
        charset = header_charset
        if declared and not _same(declared, header_charset):
            odd.append(("charset_conflict", f"header {header_charset}, <meta> {declared}; browsers take the header's"))
    elif declared:
        # What could be read as ASCII up to the <meta> is not UTF-16.
        charset = "utf-8" if declared.startswith(("utf-16", "utf16")) else declared
    else:
        charset = "windows-1252"
        if any(byte > 127 for byte in body):
            odd.append(("charset_missing", "neither header nor <meta> names one, and the page is not ASCII"))
    if utf16_of(b"", charset) is not None or charset.startswith("utf-16"):
        odd.append(("charset_utf16", charset))
    text, problem = _decode(body, charset, whole)
    if problem:
        odd.append(problem)
    return Reading(text, charset, tuple(odd))


def _declared_in_meta(body: bytes) -> str:
    # With nothing pushed in front nothing is pushed out: ask what one kilobyte more would hide.
    return pushed_out_charset(body[:1024] + b" " * 1024, 1024) or ""


def _decode(body: bytes, charset: str, whole: bool) -> tuple[str, tuple[str, str] | None]:
    name = "windows-1252" if charset in _AS_1252 else charset
    utf16 = utf16_of(b"", charset)
    name = utf16[0] if utf16 is not None else name
    try:
        info = codecs.lookup(name)
        if _TEXT_CODEC.fullmatch(info.name) is None or info.incrementaldecoder is None:
            raise LookupError(name)
        decoder = info.incrementaldecoder("strict")
    except (LookupError, ValueError):
        return body.decode("latin-1"), ("charset_unknown", charset)
    try:
        return decoder.decode(body, whole), None
    except UnicodeError as error:
        text = body.decode(name, "replace")
        if name == "windows-1252":
            return text, None  # browsers show its five unassigned bytes as control characters
        at = getattr(error, "start", 0)
        return text, ("charset_undecodable", f"byte 0x{body[at]:02x} at offset {at} is not {charset}")


def _same(one: str, other: str) -> bool:
    def canonical(name: str) -> str:
        try:
            return codecs.lookup("windows-1252" if name in _AS_1252 else name).name
        except (LookupError, ValueError):
            return name

    return canonical(one) == canonical(other)
