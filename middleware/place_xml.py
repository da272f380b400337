"""Where a ``<script>`` goes in a page served as ``application/xhtml+xml``: after the start tag of ``<head>``.

XML is not forgiving: a page that does not match the grammar here is left alone (and reported), because a tag in the
wrong place would turn it into an error page. https://www.w3.org/TR/xml/#NT-prolog
"""

from __future__ import annotations

import re

from .place import BOM

_S = rb"[ \t\r\n]"
_COMMENT = rb"<!--(?:[^-]++|-(?!-))*+-->"
_INSTRUCTION = rb"<\?(?:[^?]++|\?(?!>))*+\?>"
_MISC = rb"(?:" + _S + rb"++|" + _COMMENT + rb"|" + _INSTRUCTION + rb")*+"
_QUOTED = rb"\"[^\"]*+\"|'[^']*+'"
_SUBSET = (
    rb"\[(?:" + _COMMENT + rb"|" + _INSTRUCTION + rb"|" + _QUOTED + rb"|[^\]\"'<]++|<(?![?]|!--))*+\]" + _S + rb"*+"
)
_DOCTYPE = rb"<!DOCTYPE(?:[^\[>\"']++|" + _QUOTED + rb")*+(?:" + _SUBSET + rb")?+>"
_ATTRIBUTES = (
    rb"(?:" + _S + rb"++[^ \t\r\n=/>\"'<]++" + _S + rb"*+=" + _S + rb"*+(?:\"[^<\"]*+\"|'[^<']*+'))*+" + _S + rb"*+"
)
_HEAD = re.compile(
    _MISC
    + rb"(?:"
    + _DOCTYPE
    + rb")?+"
    + _MISC
    + rb"<(?P<prefix>(?:[A-Za-z_][\w.-]*:)?)html"
    + _ATTRIBUTES
    + rb">"
    + _MISC
    + rb"<(?P=prefix)head"
    + _ATTRIBUTES
    + rb">",
    re.S,
)


def place_xml(page: bytes) -> int | None:
    """The offset behind ``<head …>``, or None: not there (yet), or not well-formed so far."""
    match = _HEAD.match(page, 3 if page.startswith(BOM) else 0)
    return None if match is None else match.end()
