"""Pages of the site that are opened in frame mode's frame: every one, protected or not (log-in, help, results).

Two things keep such a page out of a frame that the candidate does not know of, and both are turned so that it behaves as
in a window of its own:

- ``X-Frame-Options: DENY`` and ``frame-ancestors`` without the own origin admit the own origin. Browsers hold all
  ancestors against both headers, so a page of another origin can frame it as little as before.
- A redirect to another origin (single sign-on, a payment page) would be followed inside the frame, where such pages
  refuse to be shown. It is answered with a small page that sends the window itself there.

Fails open: whatever is not understood passes as it is. Requests that are not for a frame are not looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from flask_proview.config import Config
from flask_proview.origins import Origin

from .csp import Site, admit_own_frame
from .destination import FRAMES, is_prefetch
from .headers import Headers, frame_headers, varied
from .page_origin import PageOrigins

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
_POLICIES = frozenset({"content-security-policy", "content-security-policy-report-only"})
# What the page that leaves keeps of the application's answer: the cookies of a log-in are set on the way.
_KEPT = frozenset({"set-cookie", "referrer-policy", "clear-site-data", "strict-transport-security"})
_MAX_LOCATION = 16384


class FramedPages:
    """Wraps the application below the injection; only there when a route has ``mode = "frame"``."""

    def __init__(self, app: WSGIApplication, config: Config) -> None:
        self._app = app
        self._mount = config.server.mount
        self._origins = PageOrigins(config)
        self._domains = tuple(account.domains for account in config.accounts)
        self._is_whitelisted = lru_cache(256)(lambda origin: any(origin in domains for domains in self._domains))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_SEC_FETCH_DEST") not in FRAMES or is_prefetch(environ):
            return self._app(environ, start_response)
        origin, _ = self._origins.of(environ)
        if origin is None or not self._is_whitelisted(origin):
            return self._app(environ, start_response)
        answer = _Answer(start_response, lambda status, headers: self._changed(environ, origin, status, headers))
        body = self._app(environ, answer.start_response)
        if answer.started and answer.page is None:
            return body
        return _Body(body, answer)

    def _changed(
        self, environ: WSGIEnvironment, origin: Origin, status: str, headers: Headers
    ) -> tuple[str, Headers, bytes | None]:
        """What is sent: status, headers, and the page instead of the application's."""
        try:
            target = self._foreign_target(environ, origin, status, headers)
            if target is not None:
                page = leave_page(target, self._root(environ) + self._mount)
                return "200 OK", [*_leave_headers(len(page)), *(h for h in headers if h[0].lower() in _KEPT)], page
            return status, admit_frame(headers, Site(str(origin), "")), None
        except Exception:
            log.exception("fault while handling a page in a frame; it passes as it is")
            return status, headers, None

    def _root(self, environ: WSGIEnvironment) -> str:
        return quote(environ.get("SCRIPT_NAME", ""), encoding="latin-1")

    def _foreign_target(self, environ: WSGIEnvironment, origin: Origin, status: str, headers: Headers) -> str | None:
        """Where a redirect leads that leaves the own origin; None when it does not, or takes a body with it."""
        code, method = status[:3], environ["REQUEST_METHOD"]
        if not (code in ("301", "302", "303") or (code in ("307", "308") and method == "GET")):
            return None
        location = next((value.strip() for name, value in headers if name.lower() == "location"), "")
        if not location or len(location) > _MAX_LOCATION or not location.isascii() or not location.isprintable():
            return None
        # Browsers read a backslash as a slash in http addresses: https://url.spec.whatwg.org/#relative-slash-state
        path = quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), encoding="latin-1")
        parts = urlsplit(urljoin(f"{origin}{path}", location.replace("\\", "/")))
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            return None
        try:
            if Origin.parse(f"{parts.scheme}://{parts.netloc}") == origin:
                return None
        except ValueError:
            return None
        return parts.geturl()


def admit_frame(headers: Headers, site: Site) -> Headers:
    """The headers with the own origin as a frame ancestor; the same list when nothing keeps it out."""
    options = [value for name, value in headers if name.lower() == "x-frame-options"]
    limited = any(name.lower() in _POLICIES and "frame-ancestors" in value.lower() for name, value in headers)
    if not options and not limited:
        return headers
    changed: Headers = []
    vary: list[str] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered in _POLICIES:
            changed.append((name, admit_own_frame(value, site)))
        elif lowered == "vary":
            vary.append(value)
        elif lowered != "x-frame-options":
            changed.append((name, value))
    return [*changed, *frame_headers(options, framed=True), ("Vary", varied(", ".join(vary)))]


def leave_page(target: str, mount: str) -> bytes:
    """Sends the window to ``target``; a frame of the site's own goes there by itself (``static/sdk/leave.js``)."""
    shown = escape(target)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>…</title>'
        f'<script src="{escape(mount)}/static/sdk/leave.js" data-proview-to="{shown}"></script></head>'
        f'<body><noscript><a href="{shown}" target="_top">{shown}</a></noscript></body></html>'
    ).encode()


def _leave_headers(length: int) -> Headers:
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(length)),
        ("Cache-Control", "no-store"),
        ("Vary", "Sec-Fetch-Dest"),
        ("Content-Security-Policy", "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'self'"),
        ("X-Content-Type-Options", "nosniff"),
        # Also keeps the injection away, should the path be a protected one.
        ("X-Proview-Injected", "leave"),
    ]


class _Answer:
    """``start_response`` as the application gets it."""

    def __init__(self, start_response: StartResponse, change: Any) -> None:
        self._start_response = start_response
        self._change = change
        self.started = False
        self.page: bytes | None = None

    def start_response(self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /) -> Any:
        self.started = True
        status, headers, self.page = self._change(status, headers)
        write = (
            self._start_response(status, headers)
            if exc_info is None
            else self._start_response(status, headers, exc_info)
        )
        return write if self.page is None else lambda data: None


class _Body:
    """The application's body, or ours in its place; the application's is closed either way."""

    def __init__(self, body: Iterable[bytes], answer: _Answer) -> None:
        self._body = body
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        for data in self._body:
            if self._answer.page is None:
                yield data
        if self._answer.page is not None:
            yield self._answer.page

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
