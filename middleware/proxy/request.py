"""The request as it goes to the application: written anew from the environ, path and query byte for byte."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from .errors import BadRequest, Dripping, LengthRequired, TooLarge, Unsupported
from .forwarded import ForwardedHeaders
from .head import HOP_BY_HOP, tokens_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BODY_BYTES = 65_536
UPLOAD_GRACE_S = 60.0
UPLOAD_BYTES_PER_S = 500
# Methods whose request may be sent twice when nothing came back (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS"))
_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}")
_TARGET = re.compile(r"(?:/[!-~\x80-\xff]*|\*)")
_TURNED = re.compile(r"%00|\\")
_ABSOLUTE = re.compile(r"https?://([^/?#]*)", re.I)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._~!$&'()*+;=%-]{1,255})(?::[0-9]{0,5})?")
_NOTHING: frozenset[str] = frozenset()
_REMEMBERED_BYTES = 512
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
# Proxy would become PHP's and CGI's HTTP_PROXY variable (CVE-2016-5385); an Expect was answered by the server in front.
_DROPPED = HOP_BY_HOP | {"host", "expect", "proxy", "content-length", "content-type"}


@dataclass(slots=True)
class Request:
    """Head bytes and how the body is framed. ``length`` None with ``chunked``: as long as it comes."""

    method: str
    head: bytes
    length: int
    chunked: bool
    upgrade: bool

    @property
    def expecting_head(self) -> bytes:
        """The head that asks whether the body is wanted (RFC 9110 section 10.1.1)."""
        return self.head[:-2] + b"Expect: 100-continue\r\n\r\n"

    @property
    def may_repeat(self) -> bool:
        return self.method in IDEMPOTENT and not self.length and not self.chunked


def build_request(environ: WSGIEnvironment, forwarded: ForwardedHeaders, authority: str, max_body: int) -> Request:
    """The head to send and how the body follows.

    :raises BadRequest, TooLarge: before anything is sent.
    """
    method = environ["REQUEST_METHOD"]
    if _METHOD.fullmatch(method) is None or method in ("CONNECT", "TRACE"):
        raise BadRequest(f"method {method[:40]!r}")
    chunked = _is_chunked(environ)
    length = 0 if chunked else _content_length(environ.get("CONTENT_LENGTH", ""))
    if length > max_body:
        raise TooLarge(f"a request body of {length} bytes; server.max_upload_mb allows {max_body}")
    upgrade = _upgrade_of(environ)
    host = _host_of(environ, authority)
    trusted = forwarded.trusts(environ)
    lines = [f"{method} {target_of(environ)} HTTP/1.1\r\nHost: {host}\r\n", *_end_to_end(environ, trusted)]
    lines.append(forwarded.fields(environ))
    content_type = environ.get("CONTENT_TYPE")
    if content_type:
        lines.append(_line("Content-Type", content_type))
    if chunked:
        lines.append("Transfer-Encoding: chunked\r\n")
    elif length or method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        lines.append(f"Content-Length: {length}\r\n")
    lines.append(f"Connection: upgrade\r\nUpgrade: {upgrade}\r\n\r\n" if upgrade else "Connection: keep-alive\r\n\r\n")
    return Request(method, "".join(lines).encode("latin-1"), length, chunked, bool(upgrade))


def target_of(environ: WSGIEnvironment) -> str:
    """Path and query as the client wrote them; servers that do not tell get them quoted again.

    :raises BadRequest: for what is not a path.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        raw = quote(path.encode("latin-1"), safe="/!$&'()*+,;=:@~") or "/"
        if environ.get("QUERY_STRING"):
            raw += "?" + environ["QUERY_STRING"]
    raw = str(raw)
    absolute = _ABSOLUTE.match(raw)
    if absolute is not None:
        raw = raw[absolute.end() :]
        raw = raw if raw.startswith("/") else "/" + raw
    raw = raw.partition("#")[0]
    # Applications cut a path at NUL, and IIS turns a backslash: they would serve another page than the route we saw.
    if _TARGET.fullmatch(raw) is None or _TURNED.search(raw.partition("?")[0]) is not None:
        raise BadRequest(f"target {raw[:80]!r}")
    return raw


def body_chunks(stream: IO[bytes], request: Request, max_body: int) -> Iterator[bytes]:
    """The body as it goes over the wire, read while it arrives.

    :raises BadRequest: when the client stops early. :raises TooLarge: when a chunked body grows too long.
    :raises Dripping: when the client takes too long.
    """
    started = time.monotonic()
    if request.chunked:
        sent = 0
        while data := _read(stream, BODY_BYTES):
            sent += len(data)
            if sent > max_body:
                raise TooLarge("a chunked request body")
            _check_pace(started, sent)
            yield b"%x\r\n%b\r\n" % (len(data), data)
        yield b"0\r\n\r\n"
        return
    left = request.length
    while left:
        data = _read(stream, min(left, BODY_BYTES))
        if not data:
            raise BadRequest(f"the request body ended {left} bytes early")
        left -= len(data)
        _check_pace(started, request.length - left)
        yield data


def _check_pace(started: float, sent: int) -> None:
    """An upload holds a connection to the application: it may be slow, but not for ever."""
    if time.monotonic() - started > UPLOAD_GRACE_S + sent / UPLOAD_BYTES_PER_S:
        raise Dripping(f"{sent} bytes of the request body in {time.monotonic() - started:.0f} s")


def _read(stream: IO[bytes], size: int) -> bytes:
    try:
        # ``read`` of most servers waits for all of it; an upload goes on as it arrives where the server can tell.
        some = getattr(stream, "read1", None) or stream.read
        return some(size)
    except (OSError, ValueError) as error:
        raise BadRequest(f"the request body cannot be read: {error}") from None


def _is_chunked(environ: WSGIEnvironment) -> bool:
    """Servers differ in what they make of codings they do not know; a body that is read in two ways is two requests."""
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding is None:
        return False
    if coding.strip().lower() != "chunked":
        raise Unsupported(f"transfer-encoding {coding[:40]!r}")
    if environ.get("CONTENT_LENGTH"):
        raise BadRequest("both transfer-encoding and content-length")
    if not environ.get("wsgi.input_terminated"):
        raise LengthRequired("this WSGI server does not decode chunked bodies")
    return True


def _host_of(environ: WSGIEnvironment, authority: str) -> str:
    """The Host as it was asked for (RFC 9112 section 3.2). HTTP/1.0 may leave it out: health checks do.

    :raises BadRequest: when there is none, or two that differ.
    """
    host = str(environ.get("HTTP_HOST", ""))
    if not host and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return authority
    if _HOST.fullmatch(host) is None:
        raise BadRequest(f"host {host[:80]!r}")
    absolute = _ABSOLUTE.match(str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""))
    if absolute is not None and absolute[1].lower() != host.lower():
        raise BadRequest(f"target names {absolute[1][:80]!r}, host {host[:80]!r}")
    return host


def _content_length(raw: str) -> int:
    if raw == "":
        return 0
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 19):
        raise BadRequest(f"content-length {raw[:40]!r}")
    return int(raw)


def _upgrade_of(environ: WSGIEnvironment) -> str:
    # h2c would open a second protocol past all our rules; only WebSockets are carried (RFC 6455).
    if environ.get("HTTP_UPGRADE", "").strip().lower() != "websocket":
        return ""
    return "websocket" if "upgrade" in tokens_of(environ.get("HTTP_CONNECTION", "")) else ""


def _end_to_end(environ: WSGIEnvironment, trusted: bool) -> Iterator[str]:
    connection = environ.get("HTTP_CONNECTION", "keep-alive")
    listed = _NOTHING if connection in ("keep-alive", "close") else tokens_of(connection)
    for key, value in environ.items():
        if key[:5] != "HTTP_" or type(value) is not str:
            continue
        if listed and _name_of(key, trusted).lower() in listed:
            continue
        yield _known_line(key, value, trusted) if len(value) <= _REMEMBERED_BYTES else _line_of(key, value, trusted)


def _line_of(key: str, value: str, trusted: bool) -> str:
    name = _name_of(key, trusted)
    return _line(name, value) if name else ""


# Browsers send the same fields with every request.
_known_line = lru_cache(4096)(_line_of)


@lru_cache(1024)
def _name_of(key: str, trusted: bool) -> str:
    """The name of a field that goes on to the application; "" for one that does not."""
    name = key[5:].replace("_", "-").lower()
    return "" if name in _DROPPED or ForwardedHeaders.must_drop(name, trusted) else name.title()


def _line(name: str, value: str) -> str:
    if _VALUE.fullmatch(value) is None:
        raise BadRequest(f"header {name}")
    return f"{name}: {value}\r\n"
