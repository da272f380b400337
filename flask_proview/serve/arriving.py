"""The body of a request as it arrives. ``read(n)`` waits for ``n`` bytes, as files do; a proxy wants what is there."""

from __future__ import annotations

import io
from typing import Any

from gunicorn.http.body import Body, ChunkedReader

PIECE_BYTES = 65_536


class ArrivingBody(Body):  # type: ignore[misc]
    """gunicorn's body with ``read1``, as buffered files have it."""

    buf: io.BytesIO
    reader: Any

    def read1(self, size: int = PIECE_BYTES) -> bytes:
        """At most ``size`` bytes, as soon as there are any; b"" at the end."""
        if self.buf.tell():
            held = self.buf.getvalue()
            self.buf = io.BytesIO()
            self.buf.write(held[size:])
            return held[:size]
        try:
            data = self._next_chunk() if isinstance(self.reader, ChunkedReader) else self._next_part(size)
        except Exception:
            self.failed = True
            raise
        if len(data) > size:
            self.buf.write(data[size:])
        return data[:size]

    @property
    def is_read(self) -> bool:
        """Whether nothing of it is left on the connection."""
        reader = self.reader
        return reader.parser is None if isinstance(reader, ChunkedReader) else reader.length == 0

    def _next_chunk(self) -> bytes:
        reader = self.reader
        held: bytes = reader.buf.getvalue()
        if held:
            reader.buf = io.BytesIO()
            return held
        data: bytes | None = next(reader.parser, None) if reader.parser else None
        if data is None:
            reader.parser = None
            return b""
        return data

    def _next_part(self, size: int) -> bytes:
        reader = self.reader
        wanted = min(size, reader.length)
        if not wanted:
            return b""
        data: bytes = reader.unreader.read(None, read_ahead=wanted)
        if len(data) > wanted:
            reader.unreader.unread(data[wanted:])
            data = data[:wanted]
        reader.length -= len(data)
        return data
