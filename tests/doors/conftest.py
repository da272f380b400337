"""The same exam application behind both doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from werkzeug.test import Client

from flask_proview import Proview, ProviewMiddleware
from flask_proview.service.runtime import Runtime

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ORIGIN = "https://exam.example.edu"
TOKEN = "11111111-2222-4333-8444-555555555555"
PAGE = b"<!doctype html><title>Exam</title><h1>Attempt 7</h1>"
COMPAT_HOST = "cdn.proview.io"


def raw_config(folder: Path) -> dict[str, Any]:
    return {
        "secrets": {"keys": ["q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"]},
        "storage": {
            "database": f"sqlite:///{folder}/proview.db",
            "recordings": str(folder / "recordings"),
            "min_free_mb": 1,
        },
        "media": {"live": "off"},
        "compat": {"hosts": [COMPAT_HOST]},
        "accounts": [{"name": "main", "token": TOKEN, "domains": ["exam.example.edu"]}],
        "routes": [
            {
                "name": "exam",
                "path": "/exam/<attempt>/take",
                "session": "path:attempt",
                "profile": "cookie:uid",
                "stop_paths": ["/exam/<attempt>/done"],
            }
        ],
    }


def bare_application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """A WSGI callable of no framework."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE)))])
    return [PAGE]


def flask_application() -> Flask:
    app = Flask("legacy")

    @app.get("/exam/<attempt>/take")
    @app.get("/exam/<attempt>/done")
    @app.get("/about")
    def page(attempt: str = "") -> bytes:
        return PAGE

    return app


@dataclass(frozen=True)
class Door:
    """A protected application."""

    application: WSGIApplication
    runtime: Runtime

    def client(self) -> Client:
        """A browser with a cookie jar of its own."""
        return Client(self.application)


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


Open = Callable[[str], Door]


@pytest.fixture
def open_door(tmp_path: Path, closing: ExitStack) -> Open:
    """By name: ``extension``, ``middleware`` (around a bare callable), ``middleware around flask``."""

    def open_(name: str) -> Door:
        config = raw_config(tmp_path)
        if name == "extension":
            app = flask_application()
            app.config["PROVIEW_CONFIG"] = config
            Proview(app)
            door = Door(app, app.extensions["proview"])
        else:
            inner = flask_application() if name.endswith("flask") else bare_application
            middleware = ProviewMiddleware(inner, config)
            door = Door(middleware, middleware.runtime)
        closing.callback(door.runtime.stop)
        return door

    return open_


@pytest.fixture(params=["extension", "middleware", "middleware around flask"])
def door(request: pytest.FixtureRequest, open_door: Open) -> Door:
    return open_door(request.param)
