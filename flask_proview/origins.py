"""The one place where origins and domain whitelists are parsed and compared. Fails closed.

An origin is an exact (scheme, host, port) tuple (RFC 6454). ``urlsplit`` is not used on purpose: it deletes tabs and
newlines silently and takes ``https://evil.net\\@good`` for ``good`` where a browser goes to ``evil.net``
(docs/security.md, "Origins"). What does not match the one grammar below in full is not an origin.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

MAX_LENGTH = 300
_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_ORIGIN = re.compile(rf"(https?)://({_HOST}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?", re.ASCII)
_DOMAIN = re.compile(rf"(?:(https?)://)?(\*\.)?({_HOST}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?", re.ASCII)
_HOST_HEADER = re.compile(rf"({_HOST}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?", re.ASCII)
# "127.1", "2130706433", "0x7f.1": a browser turns these into an address; only the canonical dotted quad is accepted.
_NUMERIC_LAST_LABEL = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)


class Origin(NamedTuple):
    """(scheme, host, port), lower case, port always given."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Origin:
        """The origin that ``text`` spells out in full.

        :raises ValueError: for everything else, ``null`` and paths included.
        """
        if len(text) > MAX_LENGTH:
            raise ValueError("longer than 300 characters")
        match = _ORIGIN.fullmatch(text.lower() if text.isascii() else text)
        if match is None:
            raise ValueError("not an origin: write scheme://host or scheme://host:port")
        scheme, host, port = match.groups()
        return cls(scheme, _checked_host(host), _checked_port(port, scheme))

    @classmethod
    def from_host_header(cls, scheme: str, host: str) -> Origin:
        """The origin of a request from its scheme and ``Host`` header (RFC 9110 section 7.2).

        :raises ValueError: when the header is not exactly host or host:port.
        """
        if scheme not in _PORTS or len(host) > MAX_LENGTH or not host.isascii():
            raise ValueError("not a host")
        match = _HOST_HEADER.fullmatch(host.lower())
        if match is None:
            raise ValueError("not a host")
        return cls(scheme, _checked_host(match[1]), _checked_port(match[2], scheme))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


@dataclass(frozen=True, slots=True)
class DomainSet:
    """The whitelisted origins of an account: exact tuples, and opt-in wildcards of one left-most label."""

    exact: frozenset[Origin]
    wildcards: frozenset[Origin]
    entries: tuple[str, ...]

    @classmethod
    def parse(cls, raw: object) -> DomainSet:
        """From the config's list of domains.

        :raises ValueError: naming the entry and the way out.
        """
        if not isinstance(raw, (list, tuple)) or not raw:
            raise ValueError('expected a list of at least one domain, e.g. ["exam.example.edu"]')
        exact: set[Origin] = set()
        wildcards: set[Origin] = set()
        for entry in raw:
            if not isinstance(entry, str):
                raise ValueError(f"{entry!r} is not text")
            star, origin = _parse_domain(entry)
            (wildcards if star else exact).add(origin)
        return cls(frozenset(exact), frozenset(wildcards), tuple(raw))

    def __contains__(self, origin: object) -> bool:
        if not isinstance(origin, Origin):
            return False
        if origin in self.exact:
            return True
        _, dot, parent = origin.host.partition(".")
        return bool(dot) and Origin(origin.scheme, parent, origin.port) in self.wildcards

    def admits(self, header: str | None) -> bool:
        """Whether an ``Origin`` header value names a whitelisted origin. Missing, malformed and ``null``: no."""
        origin = parse_header(header)
        return origin is not None and origin in self


def parse_header(header: str | None) -> Origin | None:
    """The origin of an ``Origin`` header exactly as browsers send it, else None. Upper case, default ports and paths are not sent by browsers."""
    if not header:
        return None
    try:
        origin = Origin.parse(header)
    except ValueError:
        return None
    return origin if str(origin) == header else None


def host_names(entries: Iterable[str]) -> frozenset[str]:
    """Lower-case host names for a Host allowlist.

    :raises ValueError: for anything that is not a plain host name.
    """
    names = set()
    for entry in entries:
        if re.fullmatch(_HOST, entry.lower(), re.ASCII) is None:
            raise ValueError(f"{entry!r} is not a host name; write it without scheme and port")
        names.add(entry.lower())
    return frozenset(names)


def _parse_domain(entry: str) -> tuple[bool, Origin]:
    lowered = entry.lower() if entry.isascii() else entry
    match = _DOMAIN.fullmatch(lowered) if len(entry) <= MAX_LENGTH else None
    if match is None:
        raise ValueError(
            f"{entry!r} is not a domain: write a host (https on 443 is meant), scheme://host:port, or https://*.host; international names as xn--…"
        )
    scheme, star, host, port = match.groups()
    if port and not scheme:
        raise ValueError(f"{entry!r}: write the scheme too when a port is given, e.g. https://{entry}")
    scheme = scheme or "https"
    host = _checked_host(host)
    if star and ("." not in host or _is_address(host)):
        raise ValueError(f"{entry!r}: a wildcard needs a host of at least two labels below it")
    return bool(star), Origin(scheme, host, _checked_port(port, scheme))


def _checked_host(host: str) -> str:
    if len(host) > 253:
        raise ValueError("host name longer than 253 characters")
    if host.startswith("["):
        return f"[{ipaddress.IPv6Address(host[1:-1])}]"
    if _NUMERIC_LAST_LABEL.fullmatch(host):
        return str(ipaddress.IPv4Address(host))
    return host


def _checked_port(port: str | None, scheme: str) -> int:
    if port is None:
        return _PORTS[scheme]
    number = int(port)
    if not 0 < number < 65536:
        raise ValueError(f"port {port} is out of range")
    return number


def _is_address(host: str) -> bool:
    return host.startswith("[") or _NUMERIC_LAST_LABEL.fullmatch(host) is not None
