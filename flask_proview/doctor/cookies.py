"""The cookies of one crawled origin, as far as a browser on it would send them (RFC 6265 section 5).

``Domain`` is not looked at: there is one host. ``Secure`` cookies are sent over http too: the crawl often asks the
application behind the TLS front, and without its session cookie would see nothing but the login page.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

MAX_COOKIES = 100
MAX_BYTES = 4096


class CookieJar:
    """Cookies by name and path."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str], str] = {}

    def put(self, name: str, value: str, path: str = "/") -> None:
        """Set one; the operator's own come in here."""
        self._cookies[name, path] = value

    def read(self, set_cookie: str, target: str) -> None:
        """Take over a ``Set-Cookie`` header of the answer for ``target``."""
        pair, *attributes = set_cookie.split(";")
        name, equals, value = pair.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name or len(pair) > MAX_BYTES or not set_cookie.isprintable():
            return
        path = _default_path(target)
        gone = False
        for attribute in attributes:
            key, _, text = attribute.partition("=")
            key, text = key.strip().lower(), text.strip()
            if key == "path" and text.startswith("/"):
                path = text
            elif key == "max-age":
                gone = text.lstrip("-").isdigit() and int(text[:20]) <= 0
            elif key == "expires" and not any(a.strip().lower().startswith("max-age") for a in attributes):
                gone = _is_past(text)
        if gone:
            self._cookies.pop((name, path), None)
        elif (name, path) in self._cookies or len(self._cookies) < MAX_COOKIES:
            self._cookies[name, path] = value

    def header(self, target: str) -> str:
        """The ``Cookie`` header for a target, the most specific path first; empty when there is none."""
        path = target.partition("?")[0]
        fitting = [(where, name, value) for (name, where), value in self._cookies.items() if _covers(where, path)]
        return "; ".join(f"{name}={value}" for where, name, value in sorted(fitting, key=lambda c: -len(c[0])))


def _default_path(target: str) -> str:
    folder = target.partition("?")[0].rpartition("/")[0]
    return folder or "/"


def _covers(cookie_path: str, path: str) -> bool:
    return path == cookie_path or path.startswith(cookie_path.rstrip("/") + "/")


def _is_past(text: str) -> bool:
    try:
        return parsedate_to_datetime(text).timestamp() <= time.time()
    except (ValueError, TypeError, OverflowError):
        return False
