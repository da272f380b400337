"""The origin of the page that is being asked for, as the browser sees it.

Scheme and ``Host`` as the server got them. ``X-Forwarded-Proto`` and ``-Host`` count only when the peer is one of
``server.trusted_proxies``; their last value is the one that peer wrote. ``server.public_url`` decides scheme and port when
its host is the one asked for, so that a front server which forwards nothing but ``Host`` still works.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from flask_proview.config import Config
from flask_proview.origins import Origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_HOST = 300
_REMEMBERED = 1024


class PageOrigins:
    """Reads origins by one configuration; answers are remembered."""

    def __init__(self, config: Config) -> None:
        self._networks = tuple(ipaddress.ip_network(n) for n in config.server.trusted_proxies)
        self._public = config.public_origin
        self._resolve = lru_cache(_REMEMBERED)(self._resolve_uncached)
        self.trusts = lru_cache(_REMEMBERED)(self._trusts_uncached)

    def of(self, environ: WSGIEnvironment) -> tuple[Origin | None, str]:
        """(origin, host as it was sent). None: not a host that could be whitelisted."""
        return self.resolve(*self.asked(environ))

    def asked(self, environ: WSGIEnvironment) -> tuple[str, str]:
        """(scheme, host) as the browser sent them, not yet looked at."""
        host = environ.get("HTTP_HOST", "")
        scheme = environ.get("wsgi.url_scheme", "http")
        if self._networks and self.trusts(environ.get("REMOTE_ADDR", "")):
            host = _last(environ.get("HTTP_X_FORWARDED_HOST")) or host
            scheme = _last(environ.get("HTTP_X_FORWARDED_PROTO")).lower() or scheme
        return scheme, host

    def resolve(self, scheme: str, host: str) -> tuple[Origin | None, str]:
        """What :meth:`of` answers."""
        if len(host) > MAX_HOST:
            return None, host[:MAX_HOST]
        return self._resolve(scheme, host), host

    def _resolve_uncached(self, scheme: str, host: str) -> Origin | None:
        try:
            if self._public is not None and Origin.from_host_header(self._public.scheme, host) == self._public:
                return self._public
            return Origin.from_host_header(scheme, host)
        except ValueError:
            return None

    def _trusts_uncached(self, address: str) -> bool:
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        return any(peer in network for network in self._networks)


def _last(value: str | None) -> str:
    return "" if value is None else value.rpartition(",")[2].strip()
