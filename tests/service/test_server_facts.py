from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from flask_proview.service import server_facts as module
from flask_proview.service.server_facts import server_facts

SOCKET = object()


@pytest.mark.parametrize(
    ("environ", "patched", "worker", "websockets"),
    [
        ({"gunicorn.socket": SOCKET, "wsgi.multithread": True}, True, "gevent", True),
        ({"gunicorn.socket": SOCKET, "wsgi.multithread": True}, False, "threads", False),
        ({"gunicorn.socket": SOCKET, "wsgi.multithread": False}, False, "single", False),
        ({"werkzeug.socket": SOCKET, "wsgi.multithread": True}, False, "threads", True),
        ({"werkzeug.socket": SOCKET, "wsgi.multithread": False}, False, "single", False),
        ({"SERVER_SOFTWARE": "gevent/26.9.0 Python/3.11"}, True, "gevent", True),
        ({"SERVER_SOFTWARE": "gevent/26.9.0 Python/3.11"}, False, "single", False),
        ({"SERVER_SOFTWARE": "waitress", "wsgi.multithread": True}, False, "threads", False),
        ({"mod_wsgi.version": (4, 9, 4), "wsgi.multithread": True}, False, "threads", False),
        ({"uwsgi.version": b"2.0.21"}, True, "gevent", False),
        ({}, False, "single", False),
    ],
)
def test_sockets_are_for_servers_where_waiting_takes_nobodys_thread(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, Any], patched: bool, worker: str, websockets: bool
) -> None:
    monkeypatch.setattr(module, "is_patched", lambda: patched)
    facts = server_facts(environ)
    assert (facts.worker, facts.websockets) == (worker, websockets)


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"SERVER_SOFTWARE": "gunicorn/27.0.1"}, "gunicorn/27.0.1"),
        ({"SERVER_SOFTWARE": "Apache/2.4", "mod_wsgi.version": (4, 9, 4)}, "mod_wsgi/4.9.4"),
        ({"uwsgi.version": b"2.0.21"}, "uWSGI/2.0.21"),
        ({"SERVER_SOFTWARE": "x" * 500}, "x" * 80),
        ({}, ""),
    ],
)
def test_servers_are_named_as_they_name_themselves(environ: dict[str, Any], name: str) -> None:
    assert server_facts(environ).server == name


@pytest.mark.parametrize(
    ("options", "threads"), [({}, False), ({b"enable-threads": True}, True), ({"threads": b"4"}, True)]
)
def test_uwsgi_without_threads_is_told(
    monkeypatch: pytest.MonkeyPatch, options: dict[Any, object], threads: bool
) -> None:
    assert server_facts({}).background_threads
    uwsgi = types.ModuleType("uwsgi")
    uwsgi.opt = options  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    assert server_facts({}).background_threads is threads
