"""An application with ProviewMiddleware around it, as any WSGI server loads it; ``PROVIEW_CONFIG`` names the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask_proview import ProviewMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGE = b"<!doctype html><html lang=en><title>Exam</title>"


def legacy(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """The application."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE)))])
    return [PAGE]


application = ProviewMiddleware(legacy, os.environ["PROVIEW_CONFIG"]) if "PROVIEW_CONFIG" in os.environ else legacy
