"""``?next=``: only paths of the console itself. Everything else would let a link send a freshly logged-in person elsewhere."""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import request

# Plain path characters only: no backslash, no control characters, no second slash at the start, no scheme.
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?(?:\?[A-Za-z0-9._~&=%+-]*)?", re.ASCII)


def local_next(mount: str, wanted: str | None) -> str:
    """``wanted`` when it is a path of the console, else the console's start."""
    start = f"{mount}/console/"
    if not wanted or len(wanted) > 500 or _PATH.fullmatch(wanted) is None:
        return start
    path = wanted.partition("?")[0]
    if not path.startswith(start) or "/.." in path or path.startswith((f"{start}login", f"{start}logout")):
        return start
    return wanted


def login_location(mount: str) -> str:
    """Where a page sends somebody who is not logged in; afterwards they come back to it."""
    login = f"{mount}/console/login"
    if request.method != "GET":
        return login
    here = request.full_path if request.query_string else request.path
    wanted = local_next(mount, here)
    return login if wanted == f"{mount}/console/" else f"{login}?next={quote(wanted, safe='')}"
