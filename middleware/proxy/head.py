"""The head of an answer, parsed strictly: what is not plainly right is refused, not repaired (RFC 9112 sections 2.2, 4, 5, 6.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .errors import BadAnswer

MAX_HEAD = 65_536
MAX_FIELDS = 200
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t -~\x80-\xff]*))?")
# No space before the colon, no obs-fold, no control character (bare CR, LF, NUL) in a value (RFC 9110 section 5.5).
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++):[ \t]*+([\t -~\x80-\xff]*+)")
_DIGITS = re.compile(r"[0-9]{1,18}")
# Applications repeat most lines of their heads; what was found right once is looked up.
_REMEMBERED_LINES = 2048
_REMEMBERED_LINE_BYTES = 512
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
_PLAIN, _LENGTH, _CODING, _CONNECTION, _HANDSHAKE, _EVENTS = range(1, 7)
_KINDS = {
    "content-length": _LENGTH,
    "transfer-encoding": _CODING,
    "connection": _CONNECTION,
    "www-authenticate": _HANDSHAKE,
}
_NOTHING: frozenset[str] = frozenset()


@dataclass(slots=True)
class Head:
    """Status, fields as sent (names keep their case), how the body is framed, what ``Connection`` lists, and whether there
    is something to look for in the fields: a login handshake or an event stream."""

    version: int
    code: int
    reason: str
    fields: list[tuple[str, str]]
    length: int | None
    chunked: bool
    keep_alive: bool
    listed: frozenset[str]
    authenticates: bool = False
    is_event_stream: bool = False

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
    if not data.endswith(b"\r\n\r\n"):
        raise BadAnswer("a head without its end")
    first, *lines = data[:-4].split(b"\r\n")
    version, code, reason = _status(first)
    if len(lines) > MAX_FIELDS:
        raise BadAnswer(f"more than {MAX_FIELDS} header fields")
    fields: list[tuple[str, str]] = []
    lengths: list[str] = []
    codings: list[str] = []
    listed: frozenset[str] = _NOTHING
    handshake = events = False
    for line in lines:
        kind, field = _known_field(line) if len(line) <= _REMEMBERED_LINE_BYTES else _field(line)
        fields.append(field)
        if kind == _PLAIN:
            continue
        if kind == _LENGTH:
            lengths.append(field[1])
        elif kind == _CODING:
            codings.append(field[1])
        elif kind == _CONNECTION:
            listed |= tokens_of(field[1])
        elif kind == _HANDSHAKE:
            handshake = True
        else:
            events = True
    length, chunked = _framing(lengths, codings, version)
    if method == "HEAD" or code < 200 or code in (204, 304):
        length, chunked = 0, False
    keep_alive = "close" not in listed if version == 1 else "keep-alive" in listed
    return Head(version, code, reason, fields, length, chunked, keep_alive, listed, handshake, events)


def tokens_of(connection: str) -> frozenset[str]:
    """What a ``Connection`` field lists, in lower case."""
    return frozenset(token.strip().lower() for token in connection.split(","))


def _field(line: bytes) -> tuple[int, tuple[str, str]]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise BadAnswer(f"malformed header line: {line[:60]!r}")
    name, value = match[1].decode("ascii"), match[2].rstrip(b" \t").decode("latin-1")
    kind = _KINDS.get(name.lower(), _PLAIN)
    if kind == _PLAIN and name.lower() == "content-type" and value.startswith("text/event-stream"):
        kind = _EVENTS
    return kind, (name, value)


_known_field = lru_cache(_REMEMBERED_LINES)(_field)


def _status(line: bytes) -> tuple[int, int, str]:
    match = _STATUS.fullmatch(line)
    if match is None:
        raise BadAnswer(f"not an HTTP/1 status line: {line[:60]!r}")
    return int(match[1]), int(match[2]), (match[3] or b"").decode("latin-1").strip()


def _framing(lengths: list[str], codings: list[str], version: int) -> tuple[int | None, bool]:
    if codings:
        # HTTP/1.0 has no codings: whoever sends one has not written this head (RFC 9112 section 6.1).
        if lengths or version == 0 or len(codings) > 1 or codings[0].lower() != "chunked":
            raise BadAnswer(f"ambiguous framing: transfer-encoding {codings}, content-length {lengths}")
        return None, True
    if not lengths:
        return None, False
    if len(set(lengths)) > 1 or _DIGITS.fullmatch(lengths[0]) is None:
        raise BadAnswer(f"content-length {lengths}")
    return int(lengths[0]), False
