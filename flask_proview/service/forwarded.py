"""Who really asks, and under which address: ``X-Forwarded-*`` is believed only from ``server.trusted_proxies``. Fails closed."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from flask_proview.origins import Origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from flask_proview.config import Config

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOCAL = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128"))


def parse_networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    """From a checked setting."""
    return tuple(ipaddress.ip_network(entry) for entry in entries)


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether the address lies in one of the networks; mapped IPv4 counts as IPv4. No address: no."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped if mapped is not None else ip
    return any(ip.version == network.version and ip in network for network in networks)


class Forwarded:
    """Reads the client's address and the public origin from a request's environ."""

    def __init__(self, config: Config) -> None:
        self._trusted = parse_networks(config.server.trusted_proxies)
        self._public_url = config.server.public_url

    def is_proxied(self, environ: WSGIEnvironment) -> bool:
        """Whether the connection comes from a trusted proxy."""
        return is_within(environ.get("REMOTE_ADDR") or "", self._trusted)

    def address(self, environ: WSGIEnvironment) -> str:
        """The client: the right-most address of ``X-Forwarded-For`` that is not one of our proxies, else the peer."""
        address = str(environ.get("REMOTE_ADDR") or "")
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        while hops and is_within(address, self._trusted):
            hop = hops.pop()
            try:
                address = str(ipaddress.ip_address(hop))
            except ValueError:
                break
        return address[:64]

    def origin(self, environ: WSGIEnvironment) -> Origin | None:
        """Scheme, host and port the browser used, as far as it can be known; None for a malformed Host."""
        scheme = str(environ.get("wsgi.url_scheme", "http"))
        host = str(environ.get("HTTP_HOST", ""))
        if self.is_proxied(environ):
            scheme = str(environ.get("HTTP_X_FORWARDED_PROTO", scheme)).rpartition(",")[2].strip().lower() or scheme
            host = str(environ.get("HTTP_X_FORWARDED_HOST", host)).rpartition(",")[2].strip() or host
        try:
            return Origin.from_host_header(scheme, host)
        except ValueError:
            return None

    def public_origin(self, environ: WSGIEnvironment) -> str:
        """Where browsers reach us: ``server.public_url``, or as the request came. No slash at the end."""
        if self._public_url is not None:
            return self._public_url.rstrip("/")
        return str(self.origin(environ) or "")
