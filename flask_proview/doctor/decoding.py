"""A compressed body as its text's bytes, never more than a bound: a kilobyte of gzip can stand for a gigabyte."""

from __future__ import annotations

import zlib


def decoded_body(body: bytes, encoding: str, limit: int) -> bytes | None:
    """The first ``limit`` bytes; None for an encoding that cannot be read. Cut or broken bodies give what there is."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body[:limit]
    if encoding in ("gzip", "x-gzip"):
        return _inflate(body, 31, limit)
    if encoding == "deflate":
        # RFC 9110 means zlib's format; some servers send raw deflate.
        found = _inflate(body, 15, limit)
        return found if found is not None else _inflate(body, -15, limit)
    return None


def _inflate(body: bytes, window: int, limit: int) -> bytes | None:
    inflater = zlib.decompressobj(window)
    try:
        return inflater.decompress(body, limit)
    except zlib.error:
        return None
