"""Exam pages with the headers and the head that a case asks for, behind the whole product; gunicorn loads it.

``PROVIEW_TEST_CASES``: JSON file with ``config`` and ``cases`` (name → ``{"headers": [[name, value]], "head": "", "body": ""}``).
A page's path is ``/<mode>/<attempt>/<coding>/<case>``.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask_proview import ProviewMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def application() -> WSGIApplication:
    """Built in the worker, after gevent has patched."""
    told = json.loads(Path(os.environ["PROVIEW_TEST_CASES"]).read_text("utf-8"))
    cases = told["cases"]

    def site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        parts = environ["PATH_INFO"].split("/", 4)
        case = cases.get(parts[4]) if len(parts) == 5 else None
        if case is None:
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "4")])
            return [b"none"]
        head, text = case.get("head", ""), case.get("body", "<p>Question</p>")
        body = f"<!doctype html><html lang=en><head>{head}<title>{parts[4]}</title></head><body>{text}</body></html>".encode()
        coded = [("Content-Encoding", "gzip")] if parts[3] == "gzip" else []
        body = gzip.compress(body) if coded else body
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))), *coded]
        start_response("200 OK", headers + [(name, value) for name, value in case.get("headers", [])])
        return [body]

    return ProviewMiddleware(site, told["config"])
