"""gunicorn's request parser with a memory for lines: browsers send the same dozen header lines with every request.

Nothing is parsed here. A line that gunicorn has accepted once means the same when it comes again, so it is looked up instead of
being checked anew; what depends on the rest of the head (repeated fields, their number, Expect) goes to gunicorn every time.
"""

from __future__ import annotations

import sys
import time
from functools import cached_property
from typing import Any

from gunicorn.http.message import RFC9110_5_3_SINGLETON_FIELDS, Request
from gunicorn.http.parser import Parser

from .arriving import ArrivingBody

MAX_LINES = 8192
MAX_LINE_BYTES = 1024
# From the first byte of a head to its last; what drips in longer is given up.
HEAD_S = 30.0
Field = tuple[str, str]


class LineMemory:
    """Header lines and request lines by their bytes; forgets everything when full. One for each worker process."""

    def __init__(self) -> None:
        self.fields: dict[bytes, Field] = {}
        self.requests: dict[bytes, dict[str, Any]] = {}

    def keep_field(self, line: bytes, field: Field) -> None:
        if len(line) <= MAX_LINE_BYTES and field[0] != "EXPECT":
            if len(self.fields) >= MAX_LINES:
                self.fields.clear()
            self.fields[line] = (sys.intern(field[0]), field[1])

    def keep_request(self, line: bytes, parts: dict[str, Any]) -> None:
        if len(line) <= MAX_LINE_BYTES:
            if len(self.requests) >= MAX_LINES:
                self.requests.clear()
            self.requests[line] = parts


class RememberingRequest(Request):  # type: ignore[misc]
    """One request.

    :param memory: shared by all requests of the process.
    """

    def __init__(self, cfg: Any, unreader: Any, peer_addr: Any, req_number: int, memory: LineMemory) -> None:
        self._memory = memory
        self._head_until = 0.0
        super().__init__(cfg, unreader, peer_addr, req_number)

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        """:raises TimeoutError: when the head takes too long."""
        if self._head_until and time.monotonic() > self._head_until:
            raise TimeoutError("the head of the request drips in")
        super().read_into(unreader, buf, stop)
        self._head_until = self._head_until or time.monotonic() + HEAD_S

    def set_body_reader(self) -> None:
        super().set_body_reader()
        self.body: ArrivingBody = ArrivingBody(self.body.reader)

    def parse_request_line(self, line_bytes: bytes) -> None:
        line = bytes(line_bytes)
        known = self._memory.requests.get(line)
        if known is None:
            super().parse_request_line(line_bytes)
            known = {name: getattr(self, name) for name in ("method", "uri", "path", "query", "fragment", "version")}
            self._memory.keep_request(line, known)
        else:
            self.__dict__.update(known)

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[Field]:
        if from_trailer:
            return super().parse_headers(data, from_trailer=True)  # type: ignore[no-any-return]
        known = self._memory.fields
        fields: list[Field] = []
        for line in data.split(b"\r\n"):
            field = known.get(line)
            if field is None:
                # Alone it is refused for the same reasons: a folded line has no name.
                for field in super().parse_headers(line):
                    self._memory.keep_field(line, field)
                    fields.append(field)
            else:
                fields.append(field)
        names = [name for name, _ in fields]
        if len(names) > self.limit_request_fields or (
            len(set(names)) < len(names) and any(names.count(name) > 1 for name in RFC9110_5_3_SINGLETON_FIELDS)
        ):
            return super().parse_headers(data)  # type: ignore[no-any-return]
        return fields

    def should_close(self) -> bool:
        """By all that ``Connection`` lists (RFC 9112 section 9.3); gunicorn looks for the bare word in the first of them."""
        return self.must_close or self._asks_to_close

    @cached_property
    def _asks_to_close(self) -> bool:
        if self.method == "CONNECT":
            return True
        values = [value.lower() for name, value in self.headers if name == "CONNECTION"]
        if values in (["keep-alive"], []):
            return not values and self.version <= (1, 0)
        tokens = {token.strip(" \t") for value in values for token in value.split(",")}
        return "close" in tokens or (self.version <= (1, 0) and "keep-alive" not in tokens)

    def _peer_trusted_for_forwarded(self) -> tuple[dict[str, str], list[str]]:
        """Nobody: forwarded headers are judged by server.trusted_proxies, in one place."""
        return {}, []


class RememberingParser(Parser):  # type: ignore[misc]
    """The requests of one connection."""

    def __init__(self, cfg: Any, source: Any, source_addr: Any, memory: LineMemory) -> None:
        super().__init__(cfg, source, source_addr)
        self._memory = memory

    def mesg_class(self, cfg: Any, unreader: Any, source_addr: Any, number: int) -> RememberingRequest:
        return RememberingRequest(cfg, unreader, source_addr, number, self._memory)
