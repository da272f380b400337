"""Awkward applications, each behind the middleware, for real servers: ``application`` dispatches by the first path segment."""

from __future__ import annotations

import gzip
import io
import threading
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from wsgiref.util import FileWrapper

from flask import Flask, Response, stream_with_context

from flask_proview.config import load_config
from flask_proview.middleware import InjectMiddleware, LogObserver
from flask_proview.tokens import TokenSigner

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "test-signing-key-of-more-than-32-characters"
PAGE = b"<!doctype html><html><head><title>Exam</title></head><body>" + b"<p>text</p>" * 3000 + b"</body></html>"
HTML = ("Content-Type", "text/html; charset=utf-8")
go_on = threading.Event()

site = Flask(__name__)


@site.get("/flask/page")
def flask_page() -> str:
    return PAGE.decode()


@site.get("/flask/streamed")
def flask_streamed() -> Response:
    def parts() -> Iterator[bytes]:
        yield PAGE[:40]
        yield PAGE[40:]

    return Response(stream_with_context(parts()), mimetype="text/html")


@site.get("/flask/missing")
def flask_missing() -> tuple[str, int]:
    return PAGE.decode(), 404


def _pausing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Goes on when another request says so."""
    start_response("200 OK", [HTML])
    yield b"<!doctype html><html>"
    go_on.wait(60)
    yield PAGE[21:]


def _pausing_compressed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    start_response("200 OK", [HTML, ("Content-Encoding", "gzip")])
    yield packer.compress(PAGE[:500]) + packer.flush(zlib.Z_SYNC_FLUSH)
    go_on.wait(60)
    yield packer.compress(PAGE[500:]) + packer.flush()


def _bare(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    kind = environ["PATH_INFO"]
    if kind == "/bare/go":
        go_on.set()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"ok"]
    if kind == "/bare/pausing":
        return _pausing(environ, start_response)
    if kind == "/bare/pausing-gzip":
        return _pausing_compressed(environ, start_response)
    if kind == "/bare/written":
        write = start_response("200 OK", [HTML])
        write(PAGE[:3])
        write(PAGE[3:100])
        return [PAGE[100:]]
    if kind == "/bare/gzip":
        packed = gzip.compress(PAGE)
        start_response("200 OK", [HTML, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))])
        return [packed]
    if kind in ("/bare/file", "/bare/download"):
        disposition = [("Content-Disposition", "attachment")] if kind == "/bare/download" else []
        start_response("200 OK", [HTML, ("Content-Length", str(len(PAGE))), *disposition])
        wrap = environ.get("wsgi.file_wrapper", FileWrapper)
        return wrap(io.BytesIO(PAGE), 4096)  # type: ignore[no-any-return]
    start_response("200 OK", [HTML, ("Content-Length", str(len(PAGE)))])
    return [PAGE]


def _dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return (site.wsgi_app if environ["PATH_INFO"].startswith("/flask/") else _bare)(environ, start_response)


_config = load_config(
    {
        "secrets": {"keys": [KEY]},
        "server": {"public_url": "http://exam.example.com"},
        "accounts": [
            {"name": "a", "token": "0b1c2d3e-4f50-4617-8899-aabbccddeeff", "domains": ["http://exam.example.com"]}
        ],
        "routes": [{"path": "/<kind>/<page>", "session": "path:page"}],
    },
    {},
)
application = InjectMiddleware(_dispatch, _config, signer=TokenSigner([KEY]), observer=LogObserver())
