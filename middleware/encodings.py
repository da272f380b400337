"""What a page's bytes mean to the browser: byte order mark, then the header's charset, then the first 1024 bytes.

Only three facts matter for the injection: pages in UTF-16 are scanned and answered in UTF-16; ISO-2022-JP is safe up to
its first escape; and a ``<meta charset>`` that our tag would push out of the 1024 bytes a browser looks at goes into the
header instead. https://encoding.spec.whatwg.org/ · https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding
"""

from __future__ import annotations

import re

PRESCAN_BYTES = 1024
_UTF16 = {
    "utf-16": "utf-16-le",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "unicode": "utf-16-le",
    "ucs-2": "utf-16-le",
    "iso-10646-ucs-2": "utf-16-le",
    "csunicode": "utf-16-le",
    "unicodefeff": "utf-16-le",
    "unicodefffe": "utf-16-be",
}
ESCAPED = "iso-2022-jp"
_META = re.compile(
    rb"<!--.*?-->|<meta[\t\n\x0c\r /]((?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>|</?[a-z](?:\"[^\"]*\"|'[^']*'|[^>\"'])*>|<[!/?][^>]*>",
    re.I | re.S,
)
_META_ATTRIBUTE = re.compile(
    rb"([a-z-]+)[\t\n\x0c\r ]*=[\t\n\x0c\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\x0c\r >]+))", re.I
)
_IN_CONTENT = re.compile(rb"charset[\t\n\x0c\r ]*=[\t\n\x0c\r ]*[\"']?([^\t\n\x0c\r ;\"']+)", re.I)
_LABEL = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,39}")


# Charsets whose "<" may not be the byte "<".
UNUSUAL = frozenset({*_UTF16, ESCAPED})


def utf16_of(beginning: bytes, charset: str) -> tuple[str, int] | None:
    """(codec, length of the byte order mark) of a page in UTF-16, else None. The mark wins over the header."""
    if beginning.startswith(b"\xff\xfe"):
        return "utf-16-le", 2
    if beginning.startswith(b"\xfe\xff"):
        return "utf-16-be", 2
    if beginning.startswith(b"\xef\xbb\xbf"):
        return None
    codec = _UTF16.get(charset)
    return None if codec is None else (codec, 0)


def ascii_view(page: bytes, codec: str, mark: int) -> bytes:
    """The beginning of a page in UTF-16 with one byte per character, for the scanner."""
    return _text(page, codec, mark).encode("ascii", "replace")


def offset_in_utf16(page: bytes, codec: str, mark: int, offset: int) -> int:
    """Where the character at ``offset`` of the :func:`ascii_view` starts in the page's own bytes."""
    return mark + len(_text(page, codec, mark)[:offset].encode(codec, "surrogatepass"))


def _text(page: bytes, codec: str, mark: int) -> str:
    return page[mark : len(page) - (len(page) - mark) % 2].decode(codec, "surrogatepass")


def pushed_out_charset(beginning: bytes, growth: int) -> str | None:
    """The charset that a ``<meta>`` declares so late that ``growth`` more bytes before it would hide it."""
    if len(beginning) <= PRESCAN_BYTES - growth:
        return None
    declared = declared_charset(beginning)
    if declared is None or declared[1] + growth <= PRESCAN_BYTES:
        return None
    # A page that could be read as ASCII so far is not UTF-16: the browser takes UTF-8 then.
    return "utf-8" if declared[0] in _UTF16 else declared[0]


def declared_charset(page: bytes) -> tuple[str, int] | None:
    """The charset of the first ``<meta>`` within sight that declares one, and where that tag ends."""
    for tag in _META.finditer(page[:PRESCAN_BYTES]):
        if tag[1] is None:
            continue
        attributes: dict[bytes, bytes] = {}
        for match in _META_ATTRIBUTE.finditer(tag[1]):
            attributes.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
        label: bytes | None = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
            inner = _IN_CONTENT.search(attributes.get(b"content", b""))
            label = inner[1] if inner is not None else None
        if label is not None and _LABEL.fullmatch(label.strip()) is not None:
            return label.strip().decode("ascii").lower(), tag.end()
    return None
