"""The application's answer as it goes to the client: hop-by-hop fields out, its own address replaced by the public one."""

from __future__ import annotations

import re

from .head import HOP_BY_HOP, Head, connection_tokens

_ADDRESS_FIELDS = frozenset(("location", "content-location"))
_REFRESH = re.compile(r"(\s*\d+\s*[;,]\s*url\s*=\s*['\"]?)(.*)", re.I | re.S)
_CONNECTION_AUTH = ("ntlm", "negotiate")


class AnswerRewriter:
    """Knows the application's own address (``scheme://host:port``)."""

    def __init__(self, upstream: str) -> None:
        scheme, _, authority = upstream.partition("://")
        port = {"http": ":80", "https": ":443"}[scheme]
        spellings = {authority, authority.removesuffix(port), authority if ":" in authority else authority + port}
        self._own = re.compile(
            rf"(?:{scheme}:)?//(?:{'|'.join(re.escape(s) for s in sorted(spellings))})(?=[/?#'\"]|$)", re.I
        )
        self._host = authority.rpartition(":")[0] if ":" in authority else authority

    def fields(self, head: Head, public_origin: str) -> list[tuple[str, str]]:
        """End-to-end fields in their order; repeated ones (Set-Cookie) stay separate."""
        listed = connection_tokens(head.fields)
        fields = []
        for name, value in head.fields:
            lowered = name.lower()
            if lowered in HOP_BY_HOP or lowered in listed:
                continue
            if lowered == "content-length" and head.length is None:
                continue
            if lowered in _ADDRESS_FIELDS:
                value = self._own.sub(lambda _: public_origin, value, count=1) if self._own.match(value) else value
            elif lowered == "refresh":
                value = self._refresh(value, public_origin)
            elif lowered == "set-cookie":
                value = self._cookie(value)
            fields.append((name, value))
        return fields

    def _refresh(self, value: str, public_origin: str) -> str:
        match = _REFRESH.fullmatch(value)
        if match is None or self._own.match(match[2]) is None:
            return value
        return match[1] + self._own.sub(lambda _: public_origin, match[2], count=1)

    def _cookie(self, value: str) -> str:
        """Without a Domain that names the application's internal host: a browser would refuse the cookie."""
        parts = value.split(";")
        kept = [part for part in parts[1:] if not self._names_own_host(part)]
        return ";".join([parts[0], *kept])

    def _names_own_host(self, attribute: str) -> bool:
        name, _, value = attribute.partition("=")
        return name.strip().lower() == "domain" and value.strip().lower().lstrip(".") == self._host.lower()


def authenticates_connection(head: Head, authorization: str) -> bool:
    """Whether this connection belongs to one user from now on (NTLM, Negotiate)."""
    offers = [value.lower() for value in head.values("www-authenticate")]
    return authorization.lower().startswith(_CONNECTION_AUTH) or any(o.startswith(_CONNECTION_AUTH) for o in offers)
