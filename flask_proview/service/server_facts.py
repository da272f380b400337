"""What the WSGI server that runs us can do, read from a request's environ: whether sockets fit it, whether a request may wait.

A WebSocket needs the server's socket, and it needs waiting to be free: gevent, or a thread of its own per connection. A pool of
threads (gunicorn gthread, waitress, mod_wsgi) has a handful; each candidate's socket would take one from the host
application for the whole exam. There, and where the server hides its socket, browsers signal by HTTP (``poll_api.py``).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_proview.offload import is_patched

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """``worker``: ``gevent``, ``threads`` (several requests at once, each in a thread) or ``single`` (one at a time)."""

    server: str
    worker: str
    websockets: bool
    multithread: bool
    multiprocess: bool
    background_threads: bool


def server_facts(environ: WSGIEnvironment) -> ServerFacts:
    """The facts of the server that made ``environ``."""
    patched = is_patched()
    multithread = bool(environ.get("wsgi.multithread"))
    software = str(environ.get("SERVER_SOFTWARE", ""))
    # What simple-websocket finds a socket by, and whether one request more costs a thread out of a pool there.
    per_connection = multithread and environ.get("werkzeug.socket") is not None
    cooperative = patched and ("gunicorn.socket" in environ or software.startswith("gevent/"))
    return ServerFacts(
        server=_name(environ, software),
        worker="gevent" if patched else "threads" if multithread else "single",
        websockets=per_connection or cooperative,
        multithread=multithread,
        multiprocess=bool(environ.get("wsgi.multiprocess")),
        background_threads=_background_threads(),
    )


def _name(environ: WSGIEnvironment, software: str) -> str:
    if "mod_wsgi.version" in environ:
        return "mod_wsgi/" + ".".join(str(part) for part in _parts(environ["mod_wsgi.version"]))
    if "uwsgi.version" in environ:
        version = environ["uwsgi.version"]
        return "uWSGI/" + (version.decode("ascii", "replace") if isinstance(version, bytes) else str(version))
    return software[:80]


def _parts(version: object) -> tuple[object, ...]:
    return version if isinstance(version, tuple) else (version,)


def _background_threads() -> bool:
    """uWSGI stops all threads of ours between two requests unless it is started with ``enable-threads``."""
    options = getattr(sys.modules.get("uwsgi"), "opt", None)
    if not isinstance(options, dict):
        return True
    # https://uwsgi-docs.readthedocs.io/en/latest/Options.html#enable-threads: threads and gevent imply it.
    return any(name in options or name.encode() in options for name in ("enable-threads", "threads", "gevent"))
