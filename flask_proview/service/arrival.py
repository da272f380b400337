"""``M/v1/check``: what arrives here of a request, told to ``proview check --url`` alone. Fails closed.

Only who holds the signing keys can ask (a token of kind ``check``, a minute long). Nothing is stored. It answers what no
other call can: which scheme, host and address the service sees behind all front servers, whether bodies and their digest
come through whole, and whether an answer that is sent in two steps arrives in two steps.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from flask import Blueprint, Response, jsonify, request

from flask_proview.sessions.database import now_ms
from flask_proview.tokens import Kind

from .access import bearer_token
from .health import describe_server
from .piece_input import parse_digest
from .runtime import Runtime

STEP_S = 1.0
# What the front servers say about the request, and what pieces need.
TOLD = (
    "Host", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "Via", "Content-Encoding",
    "Accept-Encoding", "X-Piece-Start", "X-Piece-Duration", "Origin",
)  # fmt: skip


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The one route."""

    @blueprint.route("/v1/check", methods=["GET", "PUT"])
    def check() -> Response:
        runtime.signer.read(Kind.CHECK, bearer_token(request))
        if request.method == "GET" and request.args.get("steps") == "2":
            return Response(_two_steps(), content_type="text/plain; charset=utf-8")
        environ = request.environ
        seen = {
            "scheme": str(environ.get("wsgi.url_scheme", "")),
            "peer": request.remote_addr or "",
            "trusted": runtime.forwarded.is_proxied(environ),
            "address": runtime.forwarded.address(environ),
            "origin": str(runtime.forwarded.origin(environ) or ""),
            "headers": {name: request.headers[name][:300] for name in TOLD if name in request.headers},
        }
        return jsonify(seen=seen, body=_body(runtime) if request.method == "PUT" else None, server_time=now_ms(),
                       server=describe_server(runtime, environ))  # fmt: skip


def _body(runtime: Runtime) -> dict[str, object]:
    """Its length, and whether it is what its digest says."""
    announced = parse_digest(request.headers.get("Content-Digest"))
    limit = runtime.config.limits.max_piece_mb << 20
    # One more than is allowed: a server that ends the input itself is read until it says so.
    request.max_content_length = limit + 1
    digest, size = hashlib.sha256(), 0
    while data := request.stream.read(64 * 1024):
        digest.update(data)
        size += len(data)
    return {"bytes": size, "digest": "same" if digest.hexdigest() == announced else "other"}


def _two_steps() -> Iterator[bytes]:
    yield b"first\n"
    time.sleep(STEP_S)
    yield b"second\n"
