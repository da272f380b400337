"""The application's answer as it goes to the client: hop-by-hop fields out, its own address replaced by the public one."""

from __future__ import annotations

import re

from .head import HOP_BY_HOP, Head, connection_tokens

_ADDRESS_FIELDS = frozenset(("location", "content-location"))
_REFRESH = re.compile(r"(\s*\d+\s*[;,]\s*url\s*=\s*['\"]?)(.*)", re.I | re.S)
# The WSGI server writes Date and Server itself; Alt-Svc would lead the browser past us.
_DROPPED = HOP_BY_HOP | {"date", "server", "alt-svc"}
# Framing cannot be unsaid by listing it in Connection.
_NEVER_LISTED = frozenset(("content-length",))
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
        listed = connection_tokens(head.fields)
        fields = []
        length_seen = False
        for name, value in head.fields:
            lowered = name.lower()
            if lowered in _DROPPED or (lowered in listed and lowered not in _NEVER_LISTED):
                continue
            if lowered == "content-length":
                # RFC 9110 section 8.6: no length in a 204.
                if length_seen or head.length is None or head.code == 204:
                    continue
                length_seen = True
            elif lowered in _ADDRESS_FIELDS:
                value = self._public(value, public_origin, host)
            elif lowered == "refresh":
                match = _REFRESH.fullmatch(value)
                value = match[1] + self._public(match[2], public_origin, host) if match else value
            elif lowered == "set-cookie":
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


def authenticates_connection(head: Head, authorization: str) -> bool:
    """Whether this connection belongs to one user from now on (NTLM, Negotiate)."""
    offers = [value.lower() for value in head.values("www-authenticate")]
    return authorization.lower().startswith(_CONNECTION_AUTH) or any(o.startswith(_CONNECTION_AUTH) for o in offers)
