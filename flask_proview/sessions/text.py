"""Text from outside that a database is asked to keep: without what no database stores, and no longer than its column."""

from __future__ import annotations

import re

# PostgreSQL stores no NUL; a lone surrogate (paths and headers decoded with surrogateescape) is not UTF-8.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str, limit: int | None = None) -> str:
    """``text`` cut to ``limit`` characters, with U+FFFD for what cannot be stored."""
    return _UNSTORABLE.sub("\ufffd", text)[:limit]
