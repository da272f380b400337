"""The proxy as it is served: gunicorn with its gevent worker. ``python -m tests.proxy.front UPSTREAM FD``"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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


@contextmanager
def gunicorn_proxy(upstream: str) -> Iterator[int]:
    """The port of a running proxy. The socket is bound here, so a request waits instead of being refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.proxy.front", upstream, str(listener.fileno())],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            yield int(listener.getsockname()[1])
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    _ProxyOnly(proxy_config(sys.argv[1], upstream_connect_s=2), f"fd://{sys.argv[2]}").run()
