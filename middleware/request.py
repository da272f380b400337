"""What is changed in a request to a protected page before the application sees it.

The answer must be whole (no Range), readable (gzip or identity), and revalidated only against a copy that we made.
The environ is changed in place: applications and servers around us talk through it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from . import etag
from .headers import accepts_gzip
from .page import PageRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


# Changed pages go out without Last-Modified, so a date can only belong to a copy without the tag.
_DROPPED = ("HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_MODIFIED_SINCE")


@lru_cache(256)
def _narrowed(accept_encoding: str) -> str:
    return "gzip" if accepts_gzip(accept_encoding) else "identity"


def prepare_request(environ: WSGIEnvironment, page: PageRequest) -> None:
    """Narrow the request."""
    environ["HTTP_ACCEPT_ENCODING"] = _narrowed(environ.get("HTTP_ACCEPT_ENCODING", ""))
    for key in _DROPPED:
        if key in environ:
            del environ[key]
    for key in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"):
        value = environ.get(key)
        if value is None:
            continue
        known = etag.inward(value, page.address.parts.version)
        if known is not None:
            environ[key] = known
            page.revalidates = page.revalidates or key == "HTTP_IF_NONE_MATCH"
        elif key == "HTTP_IF_NONE_MATCH":
            del environ[key]
