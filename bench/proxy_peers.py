"""The Python proxies that ``bench.proxy`` compares with, as WSGI applications for gunicorn in the peers' environment.

Nothing of ours is imported here. Each is wrapped in what is usually written to put a tag into pages: join, search, replace.
``UPSTREAM`` and ``TAG`` come from the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

UPSTREAM = os.environ["UPSTREAM"]
TAG = os.environ["TAG"].encode()
_HEAD = re.compile(rb"<head[^>]*>", re.I)

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def with_tag(app: App) -> App:
    """Pages of type text/html get the tag; everything else passes as it is."""

    def injecting(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        held: list[Any] = []

        def hold(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
            held[:] = [status, headers]
            return lambda data: None

        answer = app(environ, hold)
        status, headers = held
        if not any(name.lower() == "content-type" and value.startswith("text/html") for name, value in headers):
            start_response(status, headers)
            return answer
        try:
            body = _HEAD.sub(lambda match: match[0] + TAG, b"".join(answer), count=1)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body)))])
        return [body]

    return injecting


def werkzeug_proxy() -> App:
    """werkzeug's ``ProxyMiddleware``."""
    from werkzeug.exceptions import NotFound
    from werkzeug.middleware.http_proxy import ProxyMiddleware

    return with_tag(ProxyMiddleware(NotFound(), {"/exam/": {"target": UPSTREAM, "host": None}}))


def wsgiproxy2() -> App:
    """WSGIProxy2 with urllib3, its client with a pool of kept connections."""
    from wsgiproxy import HostProxy

    return with_tag(HostProxy(UPSTREAM, client="urllib3"))
