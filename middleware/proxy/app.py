"""``ReverseProxy``: one request in, one request out, one answer back; nothing is held in memory as a whole."""

from __future__ import annotations

import errno
import logging
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flask_proview.config import Config

from .connection import Connection
from .errors import BadAnswer, ProxyError, Slow, Stale
from .forwarded import ForwardedHeaders
from .head import Head
from .pages import error_page
from .pool import Pool
from .request import Request, body_chunks, build_request
from .response import AnswerRewriter, authenticates_connection
from .tunnel import client_is_there, client_socket, require_client_socket, run_tunnel

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

# Event streams are silent between events.
EVENT_STREAM_S = 3600.0


class ReverseProxy:
    """A WSGI application in front of ``config.server.upstream``."""

    def __init__(self, config: Config) -> None:
        server = config.server
        if server.upstream is None:
            raise ValueError("server.upstream is not set")
        scheme, _, self._authority = server.upstream.partition("://")
        host, port = _host_and_port(self._authority, scheme)
        self._pool = Pool(
            host,
            port,
            scheme == "https",
            size=server.upstream_pool,
            connect_s=server.upstream_connect_s,
            read_s=server.upstream_read_s,
        )
        self._forwarded = ForwardedHeaders(config)
        self._rewriter = AnswerRewriter(server.upstream)
        self._max_body = server.max_upload_mb * 2**20

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._forward(environ, start_response)
        except ProxyError as error:
            return _answer_error(error, environ, start_response)

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()

    def _forward(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = build_request(environ, self._forwarded, self._authority, self._max_body)
        client = require_client_socket(environ) if request.upgrade else client_socket(environ)
        # A proxy in front may carry many users over one connection: none of them owns it.
        user = None if self._forwarded.is_behind_a_proxy(environ) else client
        connection, head = self._exchange(environ, request, user)
        pin = authenticates_connection(head, environ.get("HTTP_AUTHORIZATION", ""))
        answer = _Answer(self._pool, connection, head, user, pin)
        try:
            fields = self._rewriter.fields(head, self._forwarded.origin(environ), environ.get("HTTP_HOST", ""))
            if head.code == 101:
                if not request.upgrade or [v.lower() for v in head.values("upgrade")] != ["websocket"]:
                    raise BadAnswer("101 to something that was not asked for")
                self._pool.set_apart(connection)
                run_tunnel(client, connection, head, fields)
                answer.close()
                return _end_of_tunnel(environ)
            if head.is_event_stream:
                self._pool.set_apart(connection)
                connection.wait_at_most(EVENT_STREAM_S, None if client is None else partial(client_is_there, client))
            start_response(head.status, fields)
        except BaseException:
            answer.close()
            raise
        return answer

    def _exchange(self, environ: WSGIEnvironment, request: Request, client: object) -> tuple[Connection, Head]:
        """Send the request and read the head of the answer. A kept connection that died in between is replaced once,
        and only for requests that may be repeated and were not answered (RFC 9112 section 9.3.1)."""
        connection = self._pool.acquire(client, fresh=not request.may_repeat)
        try:
            return connection, self._try(connection, environ, request)
        except Stale as error:
            self._pool.release(connection, client, keep=False, pin=False)
            if not request.may_repeat:
                raise BadAnswer(f"{error.detail}; a {request.method} is not repeated") from None
        except BaseException:
            self._pool.release(connection, client, keep=False, pin=False)
            raise
        connection = self._pool.acquire(client, fresh=True)
        try:
            return connection, self._try(connection, environ, request)
        except BaseException:
            self._pool.release(connection, client, keep=False, pin=False)
            raise

    def _try(self, connection: Connection, environ: WSGIEnvironment, request: Request) -> Head:
        early_hints = environ.get("wsgi.early_hints")
        if not request.length and not request.chunked:
            connection.send(request.head)
            return connection.read_head(request.method, early_hints)
        stream = environ["wsgi.input"]
        chunks = body_chunks(stream, request, self._max_body)
        if getattr(stream, "is_awaited", False):
            # The client waits to be told whether its upload is wanted: the application decides.
            connection.send(request.expecting_head)
            refusal = connection.refusal(request.method)
            if refusal is not None:
                return _closing(refusal)
            return self._send_body(connection, request, b"", chunks) or connection.read_head(
                request.method, early_hints
            )
        # Head and first bytes in one packet; with a kept connection nothing is lost yet when this fails.
        first = request.head + next(chunks, b"")
        return self._send_body(connection, request, first, chunks) or connection.read_head(request.method, early_hints)

    @staticmethod
    def _send_body(connection: Connection, request: Request, first: bytes, chunks: Iterator[bytes]) -> Head | None:
        """The answer when it came before the request was sent to its end."""
        try:
            if first:
                connection.send(first)
            for chunk in chunks:
                refusal = connection.early_head(request.method, 400)
                if refusal is not None:
                    return _closing(refusal)
                connection.send(chunk)
        except (BadAnswer, Stale):
            # The application may have answered (413, 401) without waiting for the whole body.
            return _closing(connection.read_head(request.method))
        except Slow:
            # It has stopped reading, perhaps because it has said all.
            early = connection.early_head(request.method, 200)
            if early is None:
                raise
            return _closing(early)
        return None


def _closing(head: Head) -> Head:
    """The request was not sent to its end, so nothing may follow it."""
    return replace(head, keep_alive=False)


class _Answer:
    """The body of an answer; gives the connection back when it was read to its end, closes it when not."""

    def __init__(self, pool: Pool, connection: Connection, head: Head, client: object, pin: bool) -> None:
        self._pool, self._connection, self._client, self._pin = pool, connection, client, pin
        self._body = connection.body(head)
        # A stream whose first bytes are not here yet: the head goes ahead of them.
        self._silent = head.length is None and not connection.has_leftover
        self._reusable = head.keep_alive and head.code != 101 and (head.chunked or head.length is not None)
        self._complete = False
        self._released = False

    def __iter__(self) -> Iterator[bytes]:
        if self._silent:
            yield b""
        yield from self._body
        self._complete = True
        self.close()

    def close(self) -> None:
        """Called by the server when it is done with the answer, also when the client has gone."""
        if self._released:
            return
        self._released = True
        self._pool.release(self._connection, self._client, keep=self._complete and self._reusable, pin=self._pin)


def _answer_error(error: ProxyError, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    reference = secrets.token_hex(6)
    level = logging.WARNING if error.status.startswith("5") else logging.INFO
    path = str(environ.get("PATH_INFO", ""))[:200]
    log.log(level, "%s %r: %s (%s) [%s]", environ.get("REQUEST_METHOD"), path, error.status, error.detail, reference)
    headers, body = error_page(error.status, reference, str(environ.get("HTTP_ACCEPT_LANGUAGE", "")))
    start_response(error.status, headers)
    page = b"" if environ.get("REQUEST_METHOD") == "HEAD" else body
    if error.ends_connection and client_socket(environ) is not None:
        return _last_words(page)
    return [page]


def _last_words(page: bytes) -> Iterator[bytes]:
    """What follows a request that cannot be trusted is not read. WSGI has no way to say so but a broken pipe, which
    servers take for a client that left."""
    yield page
    raise BrokenPipeError(errno.EPIPE, "the request was refused")


def _end_of_tunnel(environ: WSGIEnvironment) -> Iterable[bytes]:
    """Tell the server that its socket was used up: each has its own way of being told."""
    if "gunicorn.socket" in environ:
        raise StopIteration
    raise ConnectionError("tunnel ended")


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    host, colon, port = authority.rpartition(":")
    if colon and port.isdigit() and not authority.endswith("]"):
        return host.strip("[]"), int(port)
    return authority.strip("[]"), 443 if scheme == "https" else 80
