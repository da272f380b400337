"""The one tag that protected pages get. Constant per route and role, ASCII, no inline code."""

from __future__ import annotations

from html import escape

from flask_proview.config import Config, Route

XHTML = b' xmlns="http://www.w3.org/1999/xhtml"'


def script_tag(config: Config, route: Route, role: str, script_root: str = "") -> str:
    """The tag of a route's pages (``page``), stop pages (``stop``) or shell (``shell``).

    :param script_root: path under which the wrapped application itself is mounted (SCRIPT_NAME), percent-encoded.
    """
    # Only a page that is waited for is covered; a stop page is not.
    cover = route.cover and route.start == "auto" and role in ("page", "shell")
    source = escape(script_root + config.server.mount + "/init.js")
    return (
        f'<script src="{source}" data-proview-route="{escape(route.name or "")}" data-proview-role="{role}"'
        f' data-proview-start="{route.start}" data-proview-cover="{int(cover)}"></script>'
    )


def with_nonce(tag: bytes, nonce: str) -> bytes:
    """The tag with a nonce that matches the grammar of :mod:`.csp`."""
    return _with_attribute(tag, f' nonce="{nonce}"'.encode("ascii"))


def as_xml(tag: bytes) -> bytes:
    """The tag for XHTML, whatever prefix the page uses for the XHTML namespace."""
    return _with_attribute(tag, XHTML)


def _with_attribute(tag: bytes, attribute: bytes) -> bytes:
    return tag.replace(b"<script", b"<script" + attribute, 1)
