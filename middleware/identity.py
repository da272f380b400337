"""Session and profile id of a page, from the sources that the route names, tried in order.

Only ``path:``, ``environ:``, ``response-header:`` and ``literal:`` come from the application's side; ``query:``,
``cookie:`` and ``header:`` are what the candidate's browser sent, and as trustworthy as the application's own use of them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_ID = 256
_MAX_QUERY_FIELDS = 1000


class Pending(enum.Enum):
    """What must be looked at before an id is known."""

    REQUEST = "request"
    RESPONSE = "response"


PENDING: Final = Pending.RESPONSE
UNREAD: Final = Pending.REQUEST


class Identity(NamedTuple):
    session: str | None
    profile: str | None


class Exchange(NamedTuple):
    """What the ids are read from; ``response`` is None before the application has answered."""

    environ: dict[str, Any]
    variables: Mapping[str, str]
    response: Iterable[tuple[str, str]] | None = None


Reader = Callable[[Exchange], str | None | Pending]


class _Source(NamedTuple):
    read: Reader
    # Path and configuration alone tell.
    fixed: bool


class IdentityReader:
    """The compiled sources of one route."""

    def __init__(self, session: Iterable[str], profile: Iterable[str]) -> None:
        self._session = tuple(_source(text) for text in session)
        self._profile = tuple(_source(text) for text in profile)

    def of_address(self, variables: Mapping[str, str]) -> tuple[str | None | Pending, str | None | Pending]:
        """Session and profile id as far as path and configuration tell, ``UNREAD`` where the request itself must be looked at."""
        return _fixed(self._session, variables), _fixed(self._profile, variables)

    def session(self, exchange: Exchange) -> str | None | Pending:
        """The session id, None when no source has one, ``PENDING`` when the response must be seen first."""
        return _first(self._session, exchange)

    def profile(self, exchange: Exchange) -> str | None | Pending:
        return _first(self._profile, exchange)


def checked_id(value: str | None) -> str | None:
    """The value when it can be an id: 1 to 256 printable characters, not only blanks."""
    if value is None:
        return None
    value = value.strip(" ")
    return value if 0 < len(value) <= MAX_ID and value.isprintable() else None


def _fixed(sources: tuple[_Source, ...], variables: Mapping[str, str]) -> str | None | Pending:
    for source in sources:
        if not source.fixed:
            return UNREAD
        value = source.read(Exchange({}, variables))
        found = None if isinstance(value, Pending) else checked_id(value)
        if found is not None:
            return found
    return None


def _first(sources: tuple[_Source, ...], exchange: Exchange) -> str | None | Pending:
    for source in sources:
        value = source.read(exchange)
        if isinstance(value, Pending):
            return value
        found = checked_id(value)
        if found is not None:
            return found
    return None


def _source(text: str) -> _Source:
    kind, _, name = text.partition(":")
    return _Source(_reader(text, kind, name), kind in ("path", "literal"))


def _reader(text: str, kind: str, name: str) -> Reader:
    if kind == "path":
        return lambda exchange: exchange.variables.get(name)
    if kind == "query":
        return lambda exchange: _query(exchange.environ, name)
    if kind == "cookie":
        return lambda exchange: _cookie(exchange.environ, name)
    if kind == "header":
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key
        return lambda exchange: _text(exchange.environ.get(key))
    if kind == "response-header":
        lowered = name.lower()
        return lambda exchange: _response_header(exchange, lowered)
    if kind == "environ":
        return lambda exchange: _environ(exchange, name)
    if kind == "literal":
        return lambda exchange: name
    raise ValueError(f"{text!r} is not a source of ids")


def _query(environ: WSGIEnvironment, name: str) -> str | None:
    query = environ.get("QUERY_STRING", "")
    if not query:
        return None
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        return None
    # PHP, Django and Rails take the last of several; whoever repeats the name must not choose another id than theirs.
    return next((value for key, value in reversed(fields) if key == name), None)


def _cookie(environ: WSGIEnvironment, name: str) -> str | None:
    # The most specific path comes first (RFC 6265 section 5.4), and servers take that one.
    for pair in environ.get("HTTP_COOKIE", "").split(";"):
        key, equals, value = pair.partition("=")
        if equals and key.strip() == name:
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            return _text(value)
    return None


def _response_header(exchange: Exchange, name: str) -> str | None | Pending:
    if exchange.response is None:
        return PENDING
    return _text(next((value for key, value in exchange.response if key.lower() == name), None))


def _environ(exchange: Exchange, name: str) -> str | None | Pending:
    value = exchange.environ.get(name)
    if value is None and exchange.response is None:
        return PENDING  # the application may still set it
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _text(value: str | None) -> str | None:
    """A header's text: WSGI hands bytes over as Latin-1; what is valid UTF-8 was meant as that."""
    if value is None or value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
