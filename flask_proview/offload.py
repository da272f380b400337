"""Run blocking work (fsync, commits, password hashing) without stopping the event loop. Where there is none: inline.

Under ``gunicorn -k gevent`` the process is monkey-patched and a ``threading.Thread`` is a greenlet, so a slow fsync would
stop every candidate of the worker; gevent's own native thread pool is the way out. The only gevent user outside middleware/proxy/.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def is_patched() -> bool:
    """Whether gevent has patched sockets in this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("socket")


def on_event_loop() -> bool:
    """Whether others wait for as long as this thread blocks. The loop is the main thread's, whose id on Linux is the process's."""
    return is_patched() and threading.get_native_id() == os.getpid()


def offload(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """``function(*args, **kwargs)`` in a native thread when called on gevent's loop, else right here. Exceptions pass through."""
    if not on_event_loop():
        return function(*args, **kwargs)
    import gevent

    result: R = gevent.get_hub().threadpool.apply(function, args, kwargs)
    return result
