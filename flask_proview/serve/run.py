"""``proview serve``: bind the port, start media, jobs and web, keep them running."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence

from flask_proview.config import Config
from flask_proview.errors import ConfigError

from .supervisor import Program, Supervisor

log = logging.getLogger(__name__)


def bind(host: str, port: int) -> socket.socket:
    """The listening socket, held by the supervisor: while web restarts, browsers wait in its queue instead of being refused.

    :raises ConfigError: when the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}; set server.listen or --listen to a free address"
        ) from None
    listener.set_inheritable(True)
    return listener


def serve(
    config: Config,
    config_path: str,
    overrides: Mapping[str, str],
    on_started: Callable[[str], None],
    before: Sequence[Program] = (),
) -> None:
    """Runs until stopped by a signal.

    :param overrides: environment variables for the children (command line options that win over the file).
    :param on_started: gets the URL when all processes have been started.
    :param before: further programs, started first and stopped last (the demo's legacy site).
    """
    address = config.server.listen
    with contextlib.closing(bind(address.host, address.port)) as listener:
        port = listener.getsockname()[1]
        env = {**os.environ, **overrides}
        programs = [
            *before,
            *([] if config.media.live == "off" else [_program("media", config_path, env)]),
            _program("worker", config_path, env),
            _program("web", config_path, env, fd=listener.fileno()),
        ]
        scheme = "https" if config.server.tls else "http"
        host = f"[{address.host}]" if ":" in address.host else address.host
        url = config.server.public_url or f"{scheme}://{host}:{port}"
        Supervisor(programs, lambda: on_started(url)).run()


def _program(name: str, config_path: str, env: Mapping[str, str], fd: int | None = None) -> Program:
    argv = [sys.executable, "-m", f"flask_proview.serve.{name}", "--config", config_path]
    if fd is not None:
        argv += ["--fd", str(fd)]
    return Program(name, argv, dict(env), pass_fds=() if fd is None else (fd,))
