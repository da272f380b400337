"""The WSGI environ of a request, as gunicorn makes it, without what a front server on TCP never needs (SCRIPT_NAME from the
process's environment, unix sockets, the PROXY protocol).

``100 Continue`` is said when the application begins to read the body, not before (RFC 9110 section 10.1.1): an upload that is
refused by its length, or by the application behind the proxy, is never sent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gunicorn.http.wsgi import base_environ
from gunicorn.util import unquote_to_wsgi_str

from .answers import OneWriteResponse, send_whole
from .arriving import PIECE_BYTES, ArrivingBody

_APART = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}


@lru_cache(1024)
def _key(name: str) -> str:
    return _APART.get(name) or "HTTP_" + name.replace("-", "_")


class EnvironMaker:
    """Knows what all requests of a process have in common."""

    def __init__(self, settings: Any) -> None:
        self._base = {**base_environ(settings), "wsgi.multithread": True}

    def environ_of(self, request: Any, sock: Any, client: Any, here: Any, answer: OneWriteResponse) -> dict[str, Any]:
        environ = self._base.copy()
        for name, value in request.headers:
            key = _key(name)
            # Fields that may come once only were checked by the parser.
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        version = request.version
        path = request.path
        environ["wsgi.input"] = AwaitedBody(request.body, answer) if request._expected_100_continue else request.body
        environ["gunicorn.socket"] = sock
        environ["REQUEST_METHOD"] = request.method
        environ["QUERY_STRING"] = request.query
        environ["RAW_URI"] = request.uri
        environ["SERVER_PROTOCOL"] = "HTTP/1.1" if version == (1, 1) else f"HTTP/{version[0]}.{version[1]}"
        environ["wsgi.url_scheme"] = request.scheme
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
        environ["SERVER_NAME"], environ["SERVER_PORT"] = here[0], str(here[1])
        environ["PATH_INFO"] = unquote_to_wsgi_str(path) if "%" in path else path
        environ["SCRIPT_NAME"] = ""
        if version >= (1, 1):
            environ["wsgi.early_hints"] = answer.send_early_hints
        return environ


class AwaitedBody:
    """A body whose sender waits to be told that it is wanted."""

    def __init__(self, body: ArrivingBody, answer: OneWriteResponse) -> None:
        self._body, self._answer = body, answer
        answer.body_is_awaited = True

    @property
    def is_awaited(self) -> bool:
        """Whether its sender still waits."""
        return self._answer.body_is_awaited

    def _ask(self) -> None:
        if self._answer.body_is_awaited:
            self._answer.body_is_awaited = False
            if not self._answer.headers_sent:
                send_whole(self._answer.sock, b"HTTP/1.1 100 Continue\r\n\r\n")

    def read(self, size: int | None = None) -> bytes:
        self._ask()
        return self._body.read(size)  # type: ignore[no-any-return]

    def read1(self, size: int = PIECE_BYTES) -> bytes:
        self._ask()
        return self._body.read1(size)

    def readline(self, size: int | None = None) -> bytes:
        self._ask()
        return self._body.readline(size)  # type: ignore[no-any-return]

    def readlines(self, size: int | None = None) -> list[bytes]:
        self._ask()
        return self._body.readlines(size)  # type: ignore[no-any-return]

    def __iter__(self) -> AwaitedBody:
        return self

    def __next__(self) -> bytes:
        self._ask()
        return next(self._body)  # type: ignore[no-any-return]
