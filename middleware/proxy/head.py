"""The head of an answer, parsed strictly: what is not plainly right is refused, not repaired (RFC 9112 sections 2.2, 4, 5, 6.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import BadAnswer

MAX_HEAD = 65_536
MAX_FIELDS = 200
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t -~\x80-\xff]*))?\r\n")
# No space before the colon, no obs-fold, no control character (bare CR, LF, NUL) in a value (RFC 9110 section 5.5).
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++):[ \t]*+([\t -~\x80-\xff]*+)\r\n")
_DIGITS = re.compile(r"[0-9]{1,18}")
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


@dataclass(frozen=True, slots=True)
class Head:
    """Status, fields as sent (names keep their case), and how the body is framed."""

    version: int
    code: int
    reason: str
    fields: list[tuple[str, str]]
    length: int | None
    chunked: bool
    keep_alive: bool

    @property
    def status(self) -> str:
        return f"{self.code} {self.reason or 'Unknown'}"

    def values(self, name: str) -> list[str]:
        """All values of a field; ``name`` in lower case."""
        return [value for key, value in self.fields if key.lower() == name]


def parse_head(data: bytes, method: str) -> Head:
    """The head in ``data``, which ends with the empty line.

    :raises BadAnswer: for everything ambiguous.
    """
    status = _STATUS.match(data)
    if status is None:
        raise BadAnswer(f"not an HTTP/1 status line: {data[:60]!r}")
    fields: list[tuple[str, str]] = []
    position = status.end()
    while not data.startswith(b"\r\n", position):
        match = _FIELD.match(data, position)
        if match is None:
            raise BadAnswer(f"malformed header line: {data[position : position + 60]!r}")
        if len(fields) >= MAX_FIELDS:
            raise BadAnswer(f"more than {MAX_FIELDS} header fields")
        fields.append((match[1].decode("ascii"), match[2].rstrip(b" \t").decode("latin-1")))
        position = match.end()
    if position + 2 != len(data):
        raise BadAnswer("bytes behind the end of the head")
    version, code = int(status[1]), int(status[2])
    length, chunked = _framing(fields, version)
    if method == "HEAD" or code < 200 or code in (204, 304):
        length, chunked = 0, False
    tokens = connection_tokens(fields)
    keep_alive = "close" not in tokens if version == 1 else "keep-alive" in tokens
    reason = (status[3] or b"").decode("latin-1").strip()
    return Head(version, code, reason, fields, length, chunked, keep_alive)


def connection_tokens(fields: list[tuple[str, str]]) -> set[str]:
    """What ``Connection`` lists, in lower case."""
    return {
        token.strip().lower() for name, value in fields if name.lower() == "connection" for token in value.split(",")
    }


def _framing(fields: list[tuple[str, str]], version: int) -> tuple[int | None, bool]:
    lengths = {value for name, value in fields if name.lower() == "content-length"}
    codings = [value for name, value in fields if name.lower() == "transfer-encoding"]
    if codings:
        # HTTP/1.0 has no codings: whoever sends one has not written this head (RFC 9112 section 6.1).
        if lengths or version == 0 or len(codings) > 1 or codings[0].lower() != "chunked":
            raise BadAnswer(f"ambiguous framing: transfer-encoding {codings}, content-length {sorted(lengths)}")
        return None, True
    if not lengths:
        return None, False
    if len(lengths) > 1 or _DIGITS.fullmatch(next(iter(lengths))) is None:
        raise BadAnswer(f"content-length {sorted(lengths)}")
    return int(lengths.pop()), False
