"""Links as a browser would follow them, and which of them a crawl must not.

Browsers drop tabs and line ends inside addresses and take ``\\`` for ``/``; ``/\\evil.example`` is another host's address
(https://url.spec.whatwg.org/). What is not exactly an origin by ``origins.py`` is not followed.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from flask_proview.origins import Origin

MAX_TARGET = 2000
_DROPPED = re.compile(r"[\t\n\r]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_UNSAFE = re.compile(r"[^!-~]")
# Session ids in addresses differ from visit to visit; the page is the same.
_PATH_SESSION = re.compile(r";(?:jsessionid|sid|phpsessid)=[^/?;]*", re.I)
_QUERY_SESSION = re.compile(r"(?:phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|sid)=", re.I)
_VARIABLE = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![a-z0-9])[0-9a-f]{8,}(?![a-z0-9])|[0-9]+", re.I
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# Asking for such an address may change something, whatever GET is meant for.
DESTRUCTIVE = frozenset((
    "logout", "logoff", "signout", "delete", "remove", "destroy", "erase", "purge", "drop", "cancel", "revoke", "reset",
    "unsubscribe", "unregister", "terminate", "deactivate", "disable", "finish", "submit", "abmelden", "ausloggen", "loeschen",
    "deconnexion", "supprimer", "salir", "borrar", "esci",
))  # fmt: skip
_PAIRS = frozenset({("log", "out"), ("log", "off"), ("sign", "out"), ("sign", "off"), ("hand", "in"), ("end", "exam")})


class Place(NamedTuple):
    """``target``: path and query in ASCII, as sent."""

    origin: Origin
    target: str

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


def read_address(text: str) -> Place | None:
    """An absolute http or https address, None for everything else."""
    text = _DROPPED.sub("", text.strip("\0\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r \x1f"))
    try:
        parts = urlsplit(text)
        authority = parts.netloc
        if "@" in authority or parts.scheme not in ("http", "https"):
            return None
        origin = Origin.parse(f"{parts.scheme}://{authority.removesuffix(':')}")
    except ValueError:
        return None
    target = _escaped(parts.path or "/") + (f"?{_escaped(parts.query)}" if parts.query else "")
    return Place(origin, target) if len(target) <= MAX_TARGET and target.startswith("/") else None


def follow(base: str, link: str) -> Place | None:
    """Where a link on a page leads; None when not to a page (``mailto:``, ``javascript:``, a fragment, nonsense)."""
    link = _DROPPED.sub("", link).strip()
    if not link or link.startswith("#") or len(link) > 4 * MAX_TARGET:
        return None
    scheme = _SCHEME.match(link)
    if scheme is not None and scheme[1].lower() not in ("http", "https"):
        return None
    before, question, query = link.partition("?")
    try:
        return read_address(urljoin(base, before.replace("\\", "/") + question + query))
    except ValueError:
        return None


def same_page(target: str) -> str:
    """The target without what differs from visit to visit: two links to one page are equal."""
    path, _, query = target.partition("?")
    fields = [field for field in query.split("&") if field and _QUERY_SESSION.match(field) is None]
    return _PATH_SESSION.sub("", path) + ("?" + "&".join(sorted(fields)) if fields else "")


def shape(target: str) -> str:
    """What many pages of one kind have in common: numbers and ids out, names of query fields without values."""
    path, _, query = same_page(target).partition("?")
    names = sorted({field.partition("=")[0] for field in query.split("&")} - {""})
    return _VARIABLE.sub("#", path) + ("?" + "&".join(names) if names else "")


def is_destructive(target: str, text: str = "") -> bool:
    """Whether the address or the words on the link sound as if following it changed something."""
    for part in (target, text[:200]):
        words = [word.lower() for word in _WORDS.findall(part)]
        if not DESTRUCTIVE.isdisjoint(words) or not _PAIRS.isdisjoint(zip(words, words[1:], strict=False)):
            return True
    return False


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: quote(match[0].encode("utf-8", "replace"), safe=""), text)
