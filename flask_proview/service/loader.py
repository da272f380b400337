"""``M/init.js`` (any path before it) and ``M/static/…``: the browser's code, readable across origins, from memory.

Classic snippets load the loader from many paths (reference 1.2), so everything that ends in ``/init.js`` is it.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_proview.errors import ApiError

from .bundle import bundled
from .runtime import Runtime

STATIC = Path(__file__).resolve().parent.parent / "static"
# What a browser executes must have the right type: with nosniff a wrong one is refused. mimetypes reads the machine's tables.
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webm": "video/webm",
}
# Multi-page sites load it with every page; an update arrives within five minutes.
CACHE = "public, max-age=300, stale-while-revalidate=86400"
COMPRESSED = (".js", ".css", ".svg", ".json")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent; ``gzipped`` is empty where that would not make it smaller."""

    body: bytes
    etag: str
    content_type: str
    gzipped: bytes = b""


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The loader and the static files."""
    files = dict(read_static(STATIC))

    @blueprint.get("/init.js")
    @blueprint.get("/<path:anything>/init.js")
    def loader(anything: str = "") -> WerkzeugResponse:
        file = files.get("init.js")
        return _answer(_below(file, anything.count("/") + 1) if file is not None and anything else file)

    @blueprint.get("/static/<path:name>")
    def static_file(name: str) -> WerkzeugResponse:
        return _answer(files.get(name))


def _below(file: StaticFile, depth: int) -> StaticFile:
    """The loader for a page that asks for it ``depth`` folders below the mount: told where the mount is, unless its tag says so."""
    line = f'(function(s){{if(s&&!s.dataset.proviewBase)s.dataset.proviewBase="{"../" * min(depth, 20)}"}})(document.currentScript);\n'
    body = line.encode() + file.body
    return StaticFile(body, f"{file.etag}-{depth}", file.content_type, gzip.compress(body, 6, mtime=0))


def read_static(folder: Path) -> Iterator[tuple[str, StaticFile]]:
    """Relative name → file, for every file of a type we serve."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    for name, path in (files | bundled(folder)).items():
        content_type = TYPES.get(path.suffix)
        if content_type is not None and not name.startswith("bundle/"):
            body = path.read_bytes()
            packed = gzip.compress(body, 9, mtime=0) if path.suffix in COMPRESSED else b""
            yield name, StaticFile(body, hashlib.sha256(body).hexdigest()[:32], content_type, packed)


def _answer(file: StaticFile | None) -> WerkzeugResponse:
    if file is None:
        raise ApiError("There is no such file.", code="not_found", status=404)
    packed = bool(file.gzipped) and request.accept_encodings["gzip"] > 0
    response = Response(file.gzipped if packed else file.body, content_type=file.content_type)
    if file.gzipped:
        response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    # Two representations, two tags (RFC 9110 section 8.8.3.3).
    response.set_etag(f"{file.etag}-gz" if packed else file.etag)
    response.headers["Cache-Control"] = CACHE
    # Public code, no data: any page may load it, also as a module and under COEP.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if file.content_type == TYPES[".svg"]:
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response.make_conditional(request)
