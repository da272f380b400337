"""Who asked, and how: X-Forwarded-* and Forwarded (RFC 7239), written anew for every request.

What the client sent under these names is believed, and continued, only when it is one of ``server.trusted_proxies``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from flask_proview.config import Config
from flask_proview.middleware.page_origin import PageOrigins

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WRITTEN = frozenset(("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"))
# What applications and frameworks believe about the client or about the address that was asked for. An address told
# beside the real one would lead around the routes we protect (IIS, Symfony: X-Original-URL, X-Rewrite-URL).
_CLAIMS = frozenset(
    (
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "x-original-url",
        "x-original-uri",
        "x-original-host",
        "x-rewrite-url",
        "x-host",
        "front-end-https",
        "x-url-scheme",
    )
)
_ADDRESSES = re.compile(r"[0-9A-Fa-f.:, \[\]]{1,1000}")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,300}")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_MAX_CHAIN = 2000


class ForwardedHeaders:
    """Writes the forwarded fields by one configuration."""

    def __init__(self, config: Config) -> None:
        self._origins = PageOrigins(config)

    def trusts(self, environ: WSGIEnvironment) -> bool:
        """Whether the peer is one of our own proxies."""
        return self._origins.trusts(environ.get("REMOTE_ADDR", ""))

    def is_behind_a_proxy(self, environ: WSGIEnvironment) -> bool:
        """Whether several people may share the peer's connection, declared or not."""
        return (
            self.trusts(environ)
            or not environ.get("REMOTE_ADDR")
            or any(key in environ for key in ("HTTP_VIA", "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR"))
        )

    def origin(self, environ: WSGIEnvironment) -> str:
        """``scheme://host`` under which the client asked."""
        origin, host = self._origins.of(environ)
        return str(origin) if origin is not None else f"{environ.get('wsgi.url_scheme', 'http')}://{host}"

    @staticmethod
    def must_drop(name: str, trusted: bool) -> bool:
        """Whether the client's own field of this name (in lower case) stays behind."""
        return name in WRITTEN or (not trusted and (name in _CLAIMS or name.startswith("x-forwarded-")))

    def fields(self, environ: WSGIEnvironment) -> str:
        """The lines to send upstream."""
        peer = environ.get("REMOTE_ADDR", "") or "unknown"
        before = earlier = ""
        if self.trusts(environ):
            before = environ.get("HTTP_X_FORWARDED_FOR", "")
            earlier = environ.get("HTTP_FORWARDED", "")
        if len(before) > _MAX_CHAIN or len(earlier) > _MAX_CHAIN:
            return _lines(peer, self.origin(environ), before, earlier)
        return _known_lines(peer, self.origin(environ), before, earlier)


def _lines(peer: str, origin: str, before: str, earlier: str) -> str:
    scheme, _, host = origin.partition("://")
    if _HOST.fullmatch(host) is None:
        host = ""
    chain = f"{before}, {peer}" if _ADDRESSES.fullmatch(before) else peer
    forwarded = f"for={_node(peer)};host={_quoted(host)};proto={scheme}"
    if earlier and len(earlier) <= _MAX_CHAIN and _VALUE.fullmatch(earlier):
        forwarded = f"{earlier}, {forwarded}"
    port = host.rpartition(":")[2] if ":" in host.rpartition("]")[2] else ("443" if scheme == "https" else "80")
    return (
        f"X-Forwarded-For: {chain}\r\nX-Forwarded-Proto: {scheme}\r\nX-Forwarded-Host: {host}\r\n"
        f"X-Forwarded-Port: {port}\r\nForwarded: {forwarded}\r\n"
    )


# A client asks many times under the same address.
_known_lines = lru_cache(1024)(_lines)


def _node(address: str) -> str:
    return f'"[{address}]"' if ":" in address else address


def _quoted(host: str) -> str:
    return f'"{host}"' if ":" in host or not host else host
