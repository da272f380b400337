"""New Relic's own page middleware and insertion function, without an agent: what the injection is compared with.

The classes are theirs, from PyPI (``requirements/bench.txt``); only the transaction, which says what to insert, is a stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .peers import add_peers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Insert = Callable[[bytes, Callable[[], bytes]], bytes | None]


class _BrowserMonitoring:
    content_type = ("text/html",)
    enabled = True


class _Debug:
    log_autorum_middleware = False


class _Settings:
    browser_monitoring = _BrowserMonitoring
    debug = _Debug


class _Transaction:
    settings = _Settings
    autorum_disabled = False
    rum_header_generated = False

    def __init__(self, tag: str) -> None:
        self._tag = tag

    def browser_timing_header(self, *_: object) -> str:
        return self._tag


class NewRelicMiddleware:
    """``_WSGIApplicationMiddleware`` around an application."""

    def __init__(self, middleware: Any, app: WSGIApplication, tag: bytes) -> None:
        self._middleware = middleware
        self._app = app
        self._transaction = _Transaction(tag.decode())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._middleware(self._app, environ, start_response, self._transaction)
        return answer


class JoinAndInsert:
    """The insertion function on the whole page, which is how other middleware uses it."""

    def __init__(self, insert: Insert, app: WSGIApplication, tag: bytes) -> None:
        self._insert = insert
        self._app = app
        self._tag = tag

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        held: dict[str, Any] = {}

        def hold(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            held.update(status=status, headers=headers)

        page = b"".join(self._app(environ, hold))
        body = self._insert(page, lambda: self._tag) or page
        headers = [(k, v) if k.lower() != "content-length" else (k, str(len(body))) for k, v in held["headers"]]
        start_response(held["status"], headers)
        return [body]


def new_relic(app: WSGIApplication, tag: bytes) -> dict[str, WSGIApplication]:
    """Both around ``app``; empty, with a word about it, where New Relic's agent is not installed."""
    add_peers()
    try:
        from newrelic.api.html_insertion import insert_html_snippet
        from newrelic.api.wsgi_application import _WSGIApplicationMiddleware
    except ImportError:
        print("New Relic's agent is not installed (make bench installs it): not compared")
        return {}
    return {
        "new_relic": NewRelicMiddleware(_WSGIApplicationMiddleware, app, tag),
        "new_relic_function": JoinAndInsert(insert_html_snippet, app, tag),
    }
