"""Entity tags of changed pages: ours outside, the application's inside.

``"abc"`` goes out as ``W/"abc;px=VERSION"`` and comes back as ``"abc"``, so the application can still answer 304. A copy
stored before the page was protected, or protected otherwise, carries no such mark: it is never revalidated, but fetched anew.
https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
"""

from __future__ import annotations

import re
from functools import lru_cache

_ENTITY_TAG = re.compile(r'(W/)?"([^"]*)"')
# How the application wrote its own tag: strong, weak, or (against the grammar) without quotes.
_STRONG, _WEAK, _BARE = ";px=", ";pw=", ";pu="


@lru_cache(1024)
def outward(tag: str, version: str) -> str | None:
    """The application's entity tag as clients see it; None when it cannot be carried."""
    tag = tag.strip()
    match = _ENTITY_TAG.fullmatch(tag)
    if match is not None:
        return f'W/"{match[2]}{_WEAK if match[1] else _STRONG}{version}"'
    if not tag or re.search(r'[\s",\x00-\x20\x7f]', tag):
        return None
    return f'W/"{tag}{_BARE}{version}"'


def inward(header: str, version: str) -> str | None:
    """``If-None-Match`` or ``If-Match`` as the application would have got it; None when nothing of ours is in it."""
    tags = []
    for match in _ENTITY_TAG.finditer(header):
        for mark, form in ((_STRONG, '"{}"'), (_WEAK, 'W/"{}"'), (_BARE, "{}")):
            if match[2].endswith(mark + version):
                tags.append(form.format(match[2].removesuffix(mark + version)))
    return ", ".join(tags) or None
