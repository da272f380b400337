"""Frame mode's shell: the small page that owns the capture and shows the requested page in a frame of the same origin.

It is answered to top-level navigations instead of the page, without asking the application; the frame then asks for the
page itself (``Sec-Fetch-Dest: iframe``). Full page loads inside the frame do not interrupt the capture.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from flask_proview.languages import choose_language, html_attributes, page_words
from flask_proview.origins import Origin

from .csp import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

INLINE_COOKIE = "proview_inline"
ALLOW = "camera; microphone; display-capture; fullscreen; clipboard-read; clipboard-write"
# RFC 3986 path characters, with the escapes that are there already.
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_RAW_TARGET = re.compile(r"/[!-~]*")


def shell_page(tag: str, *, title: str | None, source: str, mount: str, language: str) -> bytes:
    """The document.

    :param tag: the script element with role ``shell``.
    :param source: what the frame shows: path and query on this origin.
    """
    words = page_words(language)
    shown_title, shown_source = escape(title or words["proctored"]), escape(source)
    return (
        f'<!doctype html><html {html_attributes(language)}><head><meta charset="utf-8"><title>{shown_title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="{escape(mount)}/static/sdk/shell.css">{tag}</head>'
        # No name: the page in it would see it as its own window.name.
        f'<body><iframe id="proview-frame" title="{shown_title}" allow="{ALLOW}"'
        f' data-proview-src="{shown_source}"></iframe>'
        f"<noscript><p>{escape(words['script'])}"
        f' <a href="{shown_source}">{escape(words["reopen"])}</a></p></noscript></body></html>'
    ).encode()


def shell_language(environ: WSGIEnvironment, setting: str | None) -> str:
    """What the browser code shows, too: it reads the shell's ``lang``."""
    return choose_language(str(environ.get("HTTP_ACCEPT_LANGUAGE", "")), setting)


def shell_headers(length: int, origin: Origin, cookie: str) -> list[tuple[str, str]]:
    """The head of the shell: never stored, strict policies of its own."""
    site = Site(str(origin), "")
    policy = "; ".join((
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"connect-src 'self' {site.websocket}",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "worker-src 'self'",
        # It holds for every page the frame ever shows, and the site may send it anywhere: files it made, other hosts.
        "frame-src * blob: data:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ))  # fmt: skip
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(length)),
        ("Cache-Control", "no-store"),
        ("Vary", "Sec-Fetch-Dest"),
        ("Content-Security-Policy", policy),
        ("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self)"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Set-Cookie", cookie),
    ]


def wants_inline(environ: WSGIEnvironment) -> bool:
    """The shell has found out that this page does not work in a frame, and asks for the page itself.

    It leaves a cookie with the page's path. A candidate who sets it gets the same page, recorded in inline mode.
    """
    cookies = environ.get("HTTP_COOKIE", "")
    return INLINE_COOKIE in cookies and any(pair.strip() == f"{INLINE_COOKIE}=1" for pair in cookies.split(";"))


def requested_target(environ: WSGIEnvironment) -> str:
    """Path and query of the request as the browser sent them, safe to be resolved against this origin.

    Servers keep the raw target under different names; without one it is written anew from the decoded path.
    """
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    for key in ("REQUEST_URI", "RAW_URI"):
        raw = environ.get(key)
        if isinstance(raw, str) and _RAW_TARGET.fullmatch(raw) is not None:
            raw_path, _, raw_query = raw.partition("?")
            if unquote_to_bytes(raw_path).decode("latin-1") == path and raw_query == query:
                return _on_this_origin(raw_path, raw_query)
    return _on_this_origin(quote(path.encode("latin-1", "replace"), safe=_PATH_SAFE), query)


def _on_this_origin(path: str, query: str) -> str:
    # "//host/x" and "/\host/x" would be another host's address; "/." before it is dropped by URL parsers.
    path = path.replace("\\", "%5C")
    if path.startswith("//"):
        path = "/." + path
    query = re.sub(r"[^!-~]", lambda match: quote(match[0], encoding="latin-1"), query.partition("#")[0])
    return f"{path}?{query}" if query else path
