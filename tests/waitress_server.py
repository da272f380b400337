"""waitress in a thread of the test's process, ended in its own loop: closed from outside, ``select`` fails on a descriptor that is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import waitress.server  # type: ignore[import-untyped]
import waitress.wasyncore  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@contextmanager
def waitress_server(application: WSGIApplication, threads: int = 4) -> Iterator[int]:
    """The port while it serves ``application``."""
    sockets: dict[int, object] = {}
    server = waitress.server.create_server(application, map=sockets, host="127.0.0.1", port=0, threads=threads)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield int(server.effective_port)
    finally:
        server.task_dispatcher.shutdown()
        # The trigger runs it between two rounds of the loop, which ends when no socket is left.
        server.trigger.pull_trigger(lambda: waitress.wasyncore.close_all(sockets, ignore_all=True))
        thread.join(20)
        assert not thread.is_alive(), "waitress does not end"
