"""The application's answer as it goes to the client: hop-by-hop fields out, its own address replaced by the public one."""

from __future__ import annotations

import re
from functools import lru_cache

from .head import HOP_BY_HOP, Head

_REFRESH = re.compile(r"(\s*\d+\s*[;,]\s*url\s*=\s*['\"]?)(.*)", re.I | re.S)
# The WSGI server writes Date and Server itself; Alt-Svc would lead the browser past us.
_DROPPED = HOP_BY_HOP | {"date", "server", "alt-svc"}
_KEPT, _LEFT, _LENGTH, _ADDRESS, _REFRESH_FIELD, _COOKIE = range(6)
_TREATMENTS = {
    **dict.fromkeys(_DROPPED, _LEFT),
    "content-length": _LENGTH,
    "location": _ADDRESS,
    "content-location": _ADDRESS,
    "refresh": _REFRESH_FIELD,
    "set-cookie": _COOKIE,
}
# What Connection lists besides names of fields, and Keep-Alive, which stays behind anyway.
_NO_FIELDS = frozenset(("close", "keep-alive"))
_AFTER_HOST = ("", "/", "?", "#", "'", '"')
_CONNECTION_AUTH = ("ntlm", "negotiate")


class AnswerRewriter:
    """Knows the application's own address (``scheme://host:port``), and the one it builds from the Host we send it: an
    application that does not know X-Forwarded-Proto redirects from https to http."""

    def __init__(self, upstream: str) -> None:
        scheme, _, authority = upstream.partition("://")
        port = {"http": ":80", "https": ":443"}[scheme]
        self._scheme = scheme
        spellings = {authority, authority.removesuffix(port), authority if ":" in authority else authority + port}
        self._own = re.compile(
            rf"(?:{scheme}:)?//(?:{'|'.join(re.escape(s) for s in sorted(spellings))})(?=[/?#'\"]|$)", re.I
        )
        self._host = authority.rpartition(":")[0] if ":" in authority else authority

    def fields(self, head: Head, public_origin: str, host: str) -> list[tuple[str, str]]:
        """End-to-end fields in their order; repeated ones (Set-Cookie) stay separate.

        :param host: what the request said in ``Host``.
        """
        listed = head.listed - _NO_FIELDS
        fields = []
        length_seen = False
        for field in head.fields:
            treatment = _treatment(field[0])
            if treatment == _KEPT:
                if not listed or field[0].lower() not in listed:
                    fields.append(field)
                continue
            name, value = field
            if treatment == _LEFT or (treatment != _LENGTH and name.lower() in listed):
                continue
            if treatment == _LENGTH:
                # RFC 9110 section 8.6: no length in a 204. Framing cannot be unsaid by listing it in Connection.
                if length_seen or head.length is None or head.code == 204:
                    continue
                length_seen = True
            elif treatment == _ADDRESS:
                value = self._public(value, public_origin, host)
            elif treatment == _REFRESH_FIELD:
                match = _REFRESH.fullmatch(value)
                value = match[1] + self._public(match[2], public_origin, host) if match else value
            else:
                value = self._cookie(value)
            fields.append((name, value))
        return fields

    def _public(self, address: str, public_origin: str, host: str) -> str:
        own = self._own.match(address)
        if own is not None:
            return public_origin + address[own.end() :]
        seen = f"{self._scheme}://{host}"
        if address[: len(seen)].lower() == seen.lower() and address[len(seen) : len(seen) + 1] in _AFTER_HOST:
            return public_origin + address[len(seen) :]
        return address

    def _cookie(self, value: str) -> str:
        """Without a Domain that names the application's internal host: a browser would refuse the cookie."""
        parts = value.split(";")
        kept = [part for part in parts[1:] if not self._names_own_host(part)]
        return ";".join([parts[0], *kept])

    def _names_own_host(self, attribute: str) -> bool:
        name, _, value = attribute.partition("=")
        return name.strip().lower() == "domain" and value.strip().lower().lstrip(".") == self._host.lower()


@lru_cache(1024)
def _treatment(name: str) -> int:
    return _TREATMENTS.get(name.lower(), _KEPT)


def authenticates_connection(head: Head, authorization: str) -> bool:
    """Whether this connection belongs to one user from now on (NTLM, Negotiate)."""
    if authorization.lower().startswith(_CONNECTION_AUTH):
        return True
    return head.authenticates and any(
        value.lower().startswith(_CONNECTION_AUTH) for value in head.values("www-authenticate")
    )
