"""New Relic's own page middleware and insertion function, without an agent: what the injection is compared with.

The classes are theirs, from PyPI (``requirements/bench.txt``). The transaction, which says what to insert, is a stand-in with a
ready-made snippet, or theirs without an agent, which writes the snippet for each page.
"""

from __future__ import annotations

import time
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


class _AgentSettings(_Settings):
    license_key = "0123456789abcdef0123456789abcdef01234567"
    browser_key = "NRJS-0123456789abcdef012"
    beacon = error_beacon = "beacon.example.com"
    application_id = "1234567890"
    js_agent_file = ""
    # The real one is tens of kilobytes of script.
    js_agent_loader = "/* loader */"

    class browser_monitoring(_BrowserMonitoring):
        ssl_for_http = None


def _writing_transaction(web_transaction: Any) -> Any:
    """Their ``WebTransaction`` with what ``browser_timing_header`` reads and nothing else: no agent stands behind it."""

    class WritingTransaction(web_transaction):  # type: ignore[misc]
        settings = _settings = _AgentSettings
        enabled, autorum_disabled, background_task, ignore_transaction = True, False, False, False
        rum_header_generated = False
        _state = web_transaction.STATE_RUNNING
        _frozen_path = "WebTransaction/Function/exam.views:take"
        queue_start = start_time = time.time()
        capture_params = attribute_filter = None

        def __init__(self) -> None:
            self._custom_params: dict[str, object] = {}
            self._request_params: dict[str, object] = {}

        def __del__(self) -> None:
            """Nothing was begun."""

    return WritingTransaction


class NewRelicMiddleware:
    """``_WSGIApplicationMiddleware`` around an application; ``transaction`` makes one for each request."""

    def __init__(self, middleware: Any, app: WSGIApplication, transaction: Callable[[], Any]) -> None:
        self._middleware = middleware
        self._app = app
        self._transaction = transaction

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._middleware(self._app, environ, start_response, self._transaction())
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
        from newrelic.api.web_transaction import WebTransaction
        from newrelic.api.wsgi_application import _WSGIApplicationMiddleware
    except ImportError:
        print("New Relic's agent is not installed (make bench installs it): not compared")
        return {}
    ready = _Transaction(tag.decode())
    return {
        "new_relic": NewRelicMiddleware(_WSGIApplicationMiddleware, app, lambda: ready),
        "new_relic_snippet": NewRelicMiddleware(_WSGIApplicationMiddleware, app, _writing_transaction(WebTransaction)),
        "new_relic_function": JoinAndInsert(insert_html_snippet, app, tag),
    }
