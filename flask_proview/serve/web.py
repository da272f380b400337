"""The web process: gunicorn with its gevent worker around the middleware. ``python -m flask_proview.serve.web --config FILE --fd N``

gunicorn's parser faces the network, never ``gevent.pywsgi`` (docs/security.md, "Front server"). The application is
built inside the worker, after gevent has patched sockets, so nothing that opens one is imported at the top here.
"""

from __future__ import annotations

import argparse
import resource
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from .lifetime import end_with_parent

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from flask_proview.config import Config

# With what stops before and after it, `proview serve` ends within 10 s.
GRACEFUL_STOP_S = 5


class WebServer(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured from ours instead of from its own files."""

    def __init__(self, config: Config, bind: str) -> None:
        self._config = config
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        server = self._config.server
        settings: dict[str, Any] = {
            "bind": [self._bind],
            "workers": server.workers,
            "worker_class": "flask_proview.serve.front_worker.FrontWorker",
            # The probes of tests/proxy are sent to this parser; a faster one that happens to be installed may judge otherwise.
            "http_parser": "python",
            "worker_connections": 10_000,
            "timeout": 60,
            "graceful_timeout": GRACEFUL_STOP_S,
            "keepalive": 75,
            "limit_request_line": 8190,
            "limit_request_field_size": 16_380,
            # X_Forwarded_For and X-Forwarded-For are one name in WSGI: refused, never guessed.
            "header_map": "refuse",
            # Forwarded headers are judged by our own trusted_proxies, in one place.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,
            "proc_name": "proview-web",
            "worker_exit": _stop_runtime,
            "loglevel": "warning",
        }
        if server.tls is not None:
            settings |= {"certfile": server.tls.cert, "keyfile": server.tls.key}
        for key, value in settings.items():
            self.cfg.set(key, value)

    def load(self) -> WSGIApplication:
        from flask_proview.extension import build_application

        return build_application(self._config)


def _raise_open_files() -> None:
    """A candidate costs two descriptors for the socket and up to two for run files; the usual soft limit of 1024 is no limit we chose."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _stop_runtime(_arbiter: object, worker: Any) -> None:
    """gunicorn's ``worker_exit``: commit what is queued and close what is open."""
    application = getattr(worker, "wsgi", None)
    if application is not None and hasattr(application, "runtime"):
        application.runtime.stop()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="flask_proview.serve.web")
    parser.add_argument("--config", required=True)
    parser.add_argument("--fd", type=int, help="a listening socket to take over")
    args = parser.parse_args(argv)
    end_with_parent()
    _raise_open_files()
    from flask_proview.config import load_config

    from .logs import set_up_logging

    set_up_logging()
    config = load_config(args.config)
    WebServer(config, f"fd://{args.fd}" if args.fd is not None else str(config.server.listen)).run()


if __name__ == "__main__":
    main()
