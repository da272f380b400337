"""The proxy under other WSGI servers than gunicorn's gevent worker, and by the rules of WSGI (PEP 3333)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
import requests
from werkzeug.middleware.lint import LintMiddleware

from tests.waitress_server import waitress_server

from .asking import open_proxy
from .upstream import OK, Upstream, fields

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
)
COOKIES = b"HTTP/1.1 302 Found\r\nContent-Type: text/plain\r\nLocation: http://next.test/\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def wsgiref_server(app: WSGIApplication) -> Iterator[int]:
    server = _Threaded(("127.0.0.1", 0), _Quiet)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


Serve = Callable[["WSGIApplication"], AbstractContextManager[int]]
SERVERS: dict[str, Serve] = {"wsgiref": wsgiref_server, "waitress": waitress_server}


@pytest.fixture(params=list(SERVERS))
def serve(request: pytest.FixtureRequest) -> Serve:
    return SERVERS[request.param]


def test_pages_forms_redirects_and_cookies_pass_by_the_rules(serve: Serve) -> None:
    with (
        Upstream(OK, CHUNKED, COOKIES, OK) as upstream,
        open_proxy(upstream.url) as app,
        serve(LintMiddleware(app)) as port,
    ):
        at = f"http://127.0.0.1:{port}"
        assert requests.get(f"{at}/a%20b?x=%C3%A4", timeout=10).text == "ok"
        assert requests.get(f"{at}/chunked", timeout=10).text == "abcde"
        answer = requests.post(f"{at}/save", data={"answer": "42"}, timeout=10, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "http://next.test/")
        assert answer.raw.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert upstream.requests[0].startswith(b"GET /a%20b?x=%C3%A4 HTTP/1.1\r\n")
    assert upstream.requests[2].endswith(b"\r\n\r\nanswer=42")


def test_a_chunked_upload_arrives_whole_or_is_refused_never_cut(serve: Serve) -> None:
    """wsgiref does not decode chunks: it must not come to a guess."""
    with Upstream(OK) as upstream, open_proxy(upstream.url) as app, serve(app) as port:
        answer = requests.post(f"http://127.0.0.1:{port}/up", data=iter([b"one", b"two"]), timeout=10)
    if answer.status_code == 411:
        assert upstream.requests == []
    else:
        assert answer.text == "ok"
        sent = upstream.requests[0]
        assert b"onetwo" in sent or b"one\r\n3\r\ntwo" in sent
        assert ("transfer-encoding" in fields(sent)) != ("content-length" in fields(sent))


def test_an_application_that_is_cut_off_never_looks_complete(serve: Serve) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf"
    broken = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)
    with (
        Upstream(cut) as upstream,
        open_proxy(upstream.url) as app,
        serve(app) as port,
        pytest.raises(broken),
    ):
        requests.get(f"http://127.0.0.1:{port}/", timeout=10)
