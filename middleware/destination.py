"""Whether a request asks for a page: something the browser will show, not a script's fetch or an image.

Browsers say so in ``Sec-Fetch-Dest`` (secure contexts only, which pages with a camera are). Request headers only narrow
what is looked at closer; they are the candidate's to forge, so they prove nothing.
https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .insertion import Sniff

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_METHODS = frozenset({"GET", "POST", "HEAD"})
_EMBEDDED = frozenset({"iframe", "frame", "embed", "object"})
FRAMES = frozenset({"iframe", "frame"})


def page_likelihood(environ: WSGIEnvironment) -> Sniff | None:
    """How much the answer must look like a page to be treated as one; None: it is not asked for as a page.

    A top-level document is shown as HTML whatever is in it. Frames also receive JSON labelled as HTML (uploads of old
    sites). Without fetch metadata ``Accept`` decides, and where that says nothing the answer must spell out a document.
    """
    if environ["REQUEST_METHOD"] not in _METHODS:
        return None
    if "HTTP_UPGRADE" in environ and environ["HTTP_UPGRADE"].lower() == "websocket":
        return None
    destination = environ.get("HTTP_SEC_FETCH_DEST")
    if destination is not None:
        if destination == "document":
            return Sniff.NONE
        if destination in _EMBEDDED:
            return Sniff.MARKUP
        # <link rel=prefetch>: the stored answer is used for the navigation that follows.
        return Sniff.DOCUMENT if destination == "empty" and is_prefetch(environ) else None
    if environ.get("HTTP_X_REQUESTED_WITH", "").lower() == "xmlhttprequest":
        return None
    accept = environ.get("HTTP_ACCEPT")
    if accept is None or "html" in accept.lower():
        return Sniff.MARKUP
    return Sniff.DOCUMENT if "*/*" in accept else None


def is_prefetch(environ: WSGIEnvironment) -> bool:
    """Asked for ahead of time: nobody sees the page yet."""
    return any("prefetch" in environ.get(key, "").lower() for key in ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ"))


def is_navigation(environ: WSGIEnvironment) -> bool:
    """A top-level GET of a browser that says so."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
        and environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
    )


def may_stop(environ: WSGIEnvironment) -> bool:
    """Whether reaching a stop path by this request may count: not ahead of time, not as another site's image or script."""
    if environ["REQUEST_METHOD"] in ("HEAD", "OPTIONS") or is_prefetch(environ):
        return False
    return environ.get("HTTP_SEC_FETCH_SITE") != "cross-site" or environ.get("HTTP_SEC_FETCH_DEST") == "document"
