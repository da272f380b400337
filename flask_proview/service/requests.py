"""Around every request under the mount: request id, Host check, body limit, CORS for whitelisted origins, safe headers.

Fails closed: a Host that is not ours is refused (DNS rebinding), an unknown origin gets no CORS answer.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Request, Response, g, request

from flask_proview.config import Config
from flask_proview.errors import ApiError
from flask_proview.origins import Origin, host_names, parse_header

from .forwarded import LOCAL, is_within
from .json_input import parse_object
from .runtime import Runtime

MAX_JSON_BYTES = 64 * 1024
JSON_CSP = "default-src 'none'; frame-ancestors 'none'; sandbox"
ALLOWED_HEADERS = (
    "Authorization, X-Proview-Token, Content-Type, Content-Digest, X-Piece-Start, X-Piece-Duration, X-Piece-Last"
)
PREFLIGHT_S = 600


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Hooks that run for the blueprint's requests only."""
    hosts = HostCheck(runtime.config)

    @blueprint.before_request
    def check_request() -> Response | None:
        g._proview_request_id = secrets.token_hex(8)
        request.max_content_length = MAX_JSON_BYTES
        if not hosts.admits(runtime.forwarded.origin(request.environ), request.remote_addr or ""):
            raise ApiError("This server does not answer under that host name.", code="host_unknown", status=421)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return Response(status=204)
        return None

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["X-Request-Id"] = g.get("_proview_request_id", "")
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Cache-Control", "no-store")
        if response.mimetype == "application/json":
            headers["Content-Security-Policy"] = JSON_CSP
        _add_cors(runtime.config, response)
        return response


def _add_cors(config: Config, response: Response) -> None:
    if "Access-Control-Allow-Origin" in response.headers:
        return
    response.vary.add("Origin")
    origin = parse_header(request.headers.get("Origin"))
    if origin is None or not any(origin in account.domains for account in config.accounts):
        return
    response.headers["Access-Control-Allow-Origin"] = str(origin)
    response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id, X-Proview-Mail, X-Proview-State"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT"
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)


class HostCheck:
    """Which Host headers we answer to: with ``server.public_url`` only known ones, else every well-formed one."""

    def __init__(self, config: Config) -> None:
        public = config.public_origin
        self._names = None if public is None else {public.host} | host_names(config.compat.hosts)
        self._domains = tuple(account.domains for account in config.accounts)

    def admits(self, origin: Origin | None, peer: str) -> bool:
        if origin is None:
            return False
        if self._names is None or origin.host in self._names:
            return True
        if is_within(origin.host.strip("[]"), LOCAL) or origin.host == "localhost":
            return is_within(peer, LOCAL)
        # The service is mounted under the exam's own host too; its domains name it, whatever TLS is ended in front of us.
        twins = [
            Origin(scheme, origin.host, port) for scheme, port in (("https", 443), ("http", 80), ("https", origin.port))
        ]
        return any(twin in domains for domains in self._domains for twin in (origin, *twins))


def read_json(request: Request, required: bool = True) -> dict[str, Any]:
    """The request's JSON object.

    :param required: when false, no body is an empty object.
    :raises ApiError: 413, 415 ``content_type``, 400 ``json_invalid``.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ApiError("Send the body without Content-Encoding.", code="content_encoding", status=415)
    body = request.get_data(cache=False)
    if not body and not required:
        return {}
    # Only this type makes a browser ask first when another site's page sends it (Fetch, CORS-safelisted request-header).
    if request.mimetype != "application/json":
        raise ApiError("Send JSON with Content-Type: application/json.", code="content_type", status=415)
    return parse_object(body)
