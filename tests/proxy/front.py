"""The proxy as it is served: gunicorn with our gevent worker. ``python -m tests.proxy.front OPTIONS FD``"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_proview.config import Config, load_config
from flask_proview.serve.web import WebServer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ROOT = Path(__file__).resolve().parents[2]


def proxy_config(upstream: str, **server: object) -> Config:
    return load_config({"secrets": {"keys": ["k" * 40]}, "server": {"upstream": upstream, **server}}, {})


class _ProxyOnly(WebServer):
    def load(self) -> WSGIApplication:
        from flask_proview.middleware.proxy import ReverseProxy

        return ReverseProxy(self._config)


@dataclass(frozen=True, slots=True)
class Front:
    """A running proxy."""

    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def running_proxy(
    upstream: str,
    *,
    patience: Mapping[str, float] | None = None,
    env: Mapping[str, str] | None = None,
    **server: Any,
) -> Iterator[Front]:
    """The socket is bound here, so a request waits instead of being refused.

    :param patience: ``module:NAME`` → seconds, for limits that would take minutes to reach.
    """
    options = json.dumps({"upstream": upstream, "server": server, "patience": dict(patience or {})})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.proxy.front", options, str(listener.fileno())],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Front(int(listener.getsockname()[1]), process)
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def gunicorn_proxy(upstream: str, **options: Any) -> Iterator[int]:
    """The port of a running proxy."""
    with running_proxy(upstream, **options) as front:
        yield front.port


def _main(options: dict[str, Any], fd: str) -> None:
    for place, seconds in options["patience"].items():
        module, _, name = place.partition(":")
        setattr(importlib.import_module(module), name, seconds)
    server = {"upstream_connect_s": 2, **options["server"]}
    _ProxyOnly(proxy_config(options["upstream"], **server), f"fd://{fd}").run()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]), sys.argv[2])
