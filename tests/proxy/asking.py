"""Asking the proxy in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from flask_proview.middleware.proxy import ReverseProxy

from .front import proxy_config
from .upstream import Upstream


@contextmanager
def open_proxy(url: str, **server: Any) -> Iterator[ReverseProxy]:
    proxy = ReverseProxy(proxy_config(url, **server))
    try:
        yield proxy
    finally:
        proxy.close()


def ask(
    upstream: Upstream,
    path: str = "/",
    *,
    method: str = "GET",
    data: bytes | None = None,
    environ: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    **headers: str,
) -> Any:
    with open_proxy(upstream.url, **(server or {})) as app:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        client = Client(app, use_cookies=False)
        return client.open(
            path,
            method=method,
            data=data,
            headers=sent,
            base_url="http://exam.test",
            environ_overrides=environ,
            buffered=True,
        )


def answer(body: bytes = b"ok", *lines: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def call(app: ReverseProxy, **options: Any) -> tuple[Any, str, Any]:
    return run_wsgi_app(app, EnvironBuilder(**options).get_environ())
