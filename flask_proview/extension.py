"""The three front doors: ``Proview(app)``, ``ProviewMiddleware(wsgi_app, config)`` and ``build_application(config)``.

One code path for injection (middleware/), one for the service (service/); this file only joins them. In the host's
traffic it fails open, under the mount prefix it fails closed.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from flask import Flask

from .config import Config, Source, load_config
from .errors import ConfigError
from .middleware.inject import InjectMiddleware
from .observing import RuntimeObserver
from .service.app import create_app
from .service.blueprint import create_blueprint
from .service.connector import ROOT_PATHS
from .service.runtime import Runtime, build_runtime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)


class _StartedInEachProcess:
    """Starts the runtime's threads at a process's first request: servers fork after they have loaded the application.

    First requests that come at once all wait for the start. One that fails (the database is down) stops no page: it is
    logged and tried again, ``RETRY_S`` later.
    """

    RETRY_S = 5.0

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pid = 0
        self._not_before = 0.0

    def ensure(self) -> None:
        if self._pid == os.getpid() or time.monotonic() < self._not_before:
            return
        try:
            self._runtime.start()
        except Exception:
            self._not_before = time.monotonic() + self.RETRY_S
            logger.exception("proview does not start; pages pass, sessions are refused; next try in %g s", self.RETRY_S)
        else:
            self._pid = os.getpid()


class _Front:
    """Who answers: the service below the mount and on classic hosts, the application with our tag everywhere else."""

    def __init__(self, service: WSGIApplication, application: WSGIApplication, runtime: Runtime) -> None:
        config = runtime.config
        self._service = service
        self._page = InjectMiddleware(application, config, signer=runtime.signer, observer=RuntimeObserver(runtime))
        self._started = _StartedInEachProcess(runtime)
        self._mount = config.server.mount
        self._prefix = self._mount + "/"
        self._compat_hosts = frozenset(config.compat.hosts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._started.ensure()
        path = environ.get("PATH_INFO", "")
        below = path.startswith(self._prefix) or path == self._mount
        at_root = not below or path.rstrip("/") in ROOT_PATHS
        if self._compat_hosts and at_root and _host_name(environ) in self._compat_hosts:
            # Of the loader's addresses one is a host alone, https://sdk.tlv.cx.
            path = "/init.js" if path == "/" else path
            return self._service({**environ, "PATH_INFO": self._mount + path}, start_response)
        if below:
            return self._service(environ, start_response)
        return self._page(environ, start_response)


class ProviewMiddleware:
    """Proctoring around any WSGI application: the service below the mount prefix, injection everywhere else.

    :param application: the application to protect; it is not changed.
    :param config: path of proview.toml, dict or ``Config``.
    """

    def __init__(self, application: WSGIApplication, config: Source) -> None:
        self.config = load_config(config)
        self.runtime = build_runtime(self.config)
        self._front = _Front(create_app(self.runtime), application, self.runtime)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._front(environ, start_response)


class Proview:
    """The Flask extension: registers the blueprint and wraps ``app.wsgi_app``. Reads ``PROVIEW_CONFIG`` from ``app.config``.

    The parts are in ``app.extensions["proview"]`` (a ``Runtime``).
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Protect ``app``.

        :raises ConfigError: when ``PROVIEW_CONFIG`` is missing or wrong.
        """
        source: Source | None = app.config.get("PROVIEW_CONFIG")
        if source is None:
            raise ConfigError(
                'app.config["PROVIEW_CONFIG"] is missing: set it to the path of proview.toml or to a dict'
            )
        if "proview" in app.extensions:
            raise ConfigError("Proview is registered on this application already; call it once")
        runtime = build_runtime(load_config(source))
        app.extensions["proview"] = runtime
        app.register_blueprint(create_blueprint(runtime))
        # Flask looks wsgi_app up for every request, so that wrapping it keeps app.run() and test clients working.
        app.wsgi_app = _Front(app.wsgi_app, app.wsgi_app, runtime)  # type: ignore[method-assign]


def build_application(config: Config) -> ProviewMiddleware:
    """What ``proview serve`` serves: the proxy in front of ``server.upstream``, or only the service."""
    if config.server.upstream is None:
        return ProviewMiddleware(_nothing_here, config)
    from .middleware.proxy import ReverseProxy

    return ProviewMiddleware(ReverseProxy(config), config)


def _nothing_here(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = b"proview: no application is behind this server; set server.upstream\n"
    start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


def _host_name(environ: WSGIEnvironment) -> str:
    host = str(environ.get("HTTP_HOST", "")).lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
