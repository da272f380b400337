"""From the head of a response: may it be changed, and what its headers become when it is.

Decided before any byte of the body. What is not a page goes out untouched: other types, attachments, 204, 205, 206, 304,
redirects, authentication handshakes, encodings we never asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from . import etag
from .permissions import admit_in_feature_policy, admit_in_integrity_policy, admit_in_permissions_policy

Headers = list[tuple[str, str]]

INJECTED = "X-Proview-Injected"
_HTML, _XHTML = "text/html", "application/xhtml+xml"
_MEDIA_TYPE = re.compile(r"[ \t]*([^;, \t]+)[ \t]*(?:;|,|$)")
_CHARSET = re.compile(r";[ \t]*charset[ \t]*=[ \t]*(?:\"([^\"]*)\"|'?([^;,\"' \t]+))", re.I)

# What a header's name means here.
(
    _KEPT,
    _CONTENT_TYPE,
    _LENGTH,
    _ENCODING,
    _DISPOSITION,
    _GONE,
    _ETAG,
    _CACHE,
    _VARY,
    _CSP,
    _PERMISSIONS,
    _FEATURES,
    _FRAME,
    _OURS,
    _HANDSHAKE,
    _ELSEWHERE,
    _INTEGRITY,
) = range(17)
_MEANINGS = {
    "content-type": _CONTENT_TYPE,
    "content-length": _LENGTH,
    "content-encoding": _ENCODING,
    "content-disposition": _DISPOSITION,
    "etag": _ETAG,
    "cache-control": _CACHE,
    "vary": _VARY,
    "content-security-policy": _CSP,
    "content-security-policy-report-only": _CSP,
    "permissions-policy": _PERMISSIONS,
    "permissions-policy-report-only": _PERMISSIONS,
    "integrity-policy": _INTEGRITY,
    "integrity-policy-report-only": _INTEGRITY,
    "feature-policy": _FEATURES,
    "x-frame-options": _FRAME,
    INJECTED.lower(): _OURS,
    "www-authenticate": _HANDSHAKE,
    # The front server will send a file instead of the body: there is nothing here to change.
    **dict.fromkeys(("x-accel-redirect", "x-sendfile", "x-lighttpd-send-file"), _ELSEWHERE),
    # True of the application's bytes only, or for caches that would share one candidate's page.
    **dict.fromkeys(
        (
            "last-modified", "accept-ranges", "content-md5", "digest", "content-digest", "repr-digest",
            "surrogate-control", "cdn-cache-control", "x-accel-expires",
        ),
        _GONE,
    ),
}  # fmt: skip
_NAMES_REMEMBERED = 4096
# Where split_head puts what, if not among what decides.
_DECIDING = 1
_GROUPS = {_KEPT: 0, _LENGTH: 2, _ETAG: 3, _GONE: 4}


class HeaderNames(dict[str, int]):
    """Name as spelled → meaning; spellings repeat, so lower-casing is done once for each."""

    def __missing__(self, name: str) -> int:
        meaning = _MEANINGS.get(name.lower(), _KEPT)
        if len(self) < _NAMES_REMEMBERED:
            self[name] = meaning
        return meaning


class Head:
    """A response's head, sorted by what matters here. What a head does not say stays a default of the class: most say little."""

    content_type = ""
    length: str | None = None
    encoding = ""
    attachment = False
    etag: str | None = None
    cache_control: str | None = None
    vary: str | None = None
    csp: tuple[tuple[str, str], ...] = ()
    permissions: tuple[tuple[str, str], ...] = ()
    features: tuple[tuple[str, str], ...] = ()
    integrity: tuple[tuple[str, str], ...] = ()
    frame_options: tuple[str, ...] = ()
    injected = False
    handshake = False
    body_elsewhere = False

    def __init__(self) -> None:
        self.kept: Headers = []


def read_head(headers: Headers, names: HeaderNames) -> Head:
    """One pass over the headers."""
    head = Head()
    keep = head.kept.append
    for item in headers:
        meaning = names[item[0]]
        if not meaning:
            keep(item)
            continue
        value = item[1]
        if meaning == _CONTENT_TYPE:
            head.content_type = value
        elif meaning == _LENGTH:
            head.length = value.strip()
        elif meaning == _ENCODING:
            head.encoding = f"{head.encoding},{value.strip().lower()}".strip(",")
        elif meaning == _CACHE:
            head.cache_control = value if head.cache_control is None else f"{head.cache_control}, {value}"
        elif meaning == _VARY:
            head.vary = value if head.vary is None else f"{head.vary}, {value}"
        elif meaning == _ETAG:
            head.etag = value
        elif meaning == _CSP:
            head.csp += (item,)
        elif meaning == _PERMISSIONS:
            head.permissions += (item,)
        elif meaning == _FEATURES:
            head.features += (item,)
        elif meaning == _INTEGRITY:
            head.integrity += (item,)
        elif meaning == _FRAME:
            head.frame_options += (value,)
        elif meaning == _DISPOSITION:
            head.attachment = head.attachment or _is_attachment(value)
            keep(item)
        elif meaning == _OURS:
            head.injected = True
        elif meaning == _HANDSHAKE:
            head.handshake = True
            keep(item)
        elif meaning == _ELSEWHERE:
            head.body_elsewhere = True
    return head


def split_head(headers: Headers, groups: dict[str, int]) -> tuple[Headers, Headers, Headers, Headers]:
    """(what stays as it is, what decides and is the same for all pages of a kind, Content-Length, ETag).

    :param groups: remembers which name belongs where, as spelled.
    """
    parts: tuple[Headers, Headers, Headers, Headers, Headers] = ([], [], [], [], [])
    try:
        for item in headers:
            parts[groups[item[0]]].append(item)
    except KeyError:
        if len(groups) >= _NAMES_REMEMBERED:
            groups.clear()
        for name, _ in headers:
            groups[name] = _GROUPS.get(_MEANINGS.get(name.lower(), _KEPT), _DECIDING)
        return split_head(headers, groups)
    return parts[:4]


def is_count(length: str) -> bool:
    """Whether a Content-Length is a number."""
    return length.isascii() and length.isdigit()


def read_content_type(value: str) -> tuple[str, str]:
    """(media type, charset), lower case."""
    match = _MEDIA_TYPE.match(value)
    charset = _CHARSET.search(value)
    return match[1].lower() if match else "", ((charset[1] or charset[2] or "").strip().lower() if charset else "")


def is_page_status(status: str, head: Head) -> bool:
    """Success and error pages, but not what has no body of its own or belongs to an authentication handshake."""
    code = status[:3]
    if code == "200":
        return True
    if code in ("204", "205", "206", "407"):
        return False
    return code[:1] in ("2", "4", "5") and not (code == "401" and head.handshake)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is listed and not refused (RFC 9110 section 12.5.3)."""
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return re.fullmatch(r"[ \t]*q[ \t]*=[ \t]*0(\.0*)?[ \t]*", weight) is None
    return False


def is_html(media_type: str) -> bool:
    return media_type in (_HTML, _XHTML)


def is_xml(media_type: str) -> bool:
    return media_type == _XHTML


def content_type_with(value: str, charset: str) -> str:
    """The header with a charset it did not have."""
    return f"{value.rstrip().rstrip(';')}; charset={charset}"


@lru_cache(256)
def private_cache_control(value: str | None) -> str:
    """The page names one candidate's session and must be asked for again each time; ``no-store`` is kept, not added: it
    would cost the back-forward cache and filled-in forms."""
    kept = []
    for part in (value or "").split(","):
        name = part.partition("=")[0].strip().lower()
        if name in ("no-store", "must-revalidate"):
            kept.append(name)
    return ", ".join(["private", "no-cache", *dict.fromkeys(kept)])


@lru_cache(256)
def varied(value: str | None) -> str:
    """``Vary`` with the header that decides between page, shell and fragment."""
    if value is None or not value.strip():
        return "Sec-Fetch-Dest"
    names = [name.strip().lower() for name in value.split(",")]
    return value if "*" in names or "sec-fetch-dest" in names else f"{value}, Sec-Fetch-Dest"


def common_headers(head: Head, version: str) -> Headers:
    """What a changed page and its 304 share: cache rules, entity tag, feature policies."""
    headers = [
        (
            "Cache-Control",
            "private, no-cache" if head.cache_control is None else private_cache_control(head.cache_control),
        ),
        ("Vary", varied(head.vary)),
    ]
    if head.etag is None and not (head.permissions or head.features or head.integrity):
        return headers
    if head.etag is not None:
        headers += entity_tag(head.etag, version)
    if head.permissions:
        headers += [(name, admit_in_permissions_policy(value)) for name, value in head.permissions]
    if head.features:
        headers += [(name, admit_in_feature_policy(value)) for name, value in head.features]
    if head.integrity:
        headers += [(name, admit_in_integrity_policy(value)) for name, value in head.integrity]
    return headers


def entity_tag(value: str, version: str) -> Headers:
    """The field with our mark in it; nothing when it cannot be carried."""
    outward = etag.outward(value, version)
    return [] if outward is None else [("ETag", outward)]


def frame_headers(options: Sequence[str], framed: bool) -> Headers:
    """``X-Frame-Options`` as sent, or admitting our own frame on the same origin (RFC 7034; ALLOW-FROM is obsolete)."""
    if not framed:
        return [("X-Frame-Options", value) for value in options]
    return [
        ("X-Frame-Options", "SAMEORIGIN") for value in options[:1] if not value.strip().lower().startswith("allow-from")
    ]


def _is_attachment(value: str) -> bool:
    kind = value.partition(";")[0].strip().lower()
    # RFC 6266 section 4.2: unknown types are attachments; a bare parameter is no type.
    return kind not in ("", "inline") and "=" not in kind
