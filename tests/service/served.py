"""The service as gunicorn loads it in the socket tests; ``PROVIEW_TEST_CONFIG`` names a JSON file with the configuration."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def application() -> WSGIApplication:
    """Built in the worker, after gevent has patched."""
    from flask import request

    from flask_proview.config import load_config
    from flask_proview.service.app import create_app
    from flask_proview.service.runtime import build_runtime
    from flask_proview.service.signal.route import AnsweredResponse
    from flask_proview.service.signal.socket import SignalSocket

    runtime = build_runtime(load_config(json.loads(Path(os.environ["PROVIEW_TEST_CONFIG"]).read_text("utf-8")), {}))
    runtime.start()
    app = create_app(runtime)

    @app.route("/push/<int:size>", websocket=True)
    def push(size: int) -> AnsweredResponse:
        """One large message, then a small one: what a slow reader must get unharmed."""
        socket = SignalSocket(request.environ, max_text=100, max_binary=100)
        socket.send("A" * size)
        socket.send("END")
        socket.close(1000)
        socket.finish()
        return AnsweredResponse(socket.mode)

    return app


def serve_with_waitress(fd: int) -> None:
    """Four threads on a listening socket, as waitress does it by default."""
    import waitress  # type: ignore[import-untyped]

    waitress.serve(application(), sockets=[socket.socket(fileno=fd)], threads=4)


if __name__ == "__main__":
    serve_with_waitress(int(sys.argv[1]))
