"""``GET M/openapi.json``: the HTTP API as an OpenAPI 3.1 document, for people and for generators of clients.

Written by hand beside the handlers; tests compare it with the application's routes and fuzz the application with it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from flask_proview._version import __version__
from flask_proview.service.runtime import Runtime

from .paths import PATHS, SECURITY
from .schemas import SCHEMAS


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The document, with the server it is read from."""
    described = document(runtime.config.server.mount)

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        response = jsonify(described)
        # Public, no data: documentation tools on other sites may read it.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cache-Control"] = "public, max-age=300"
        return response


def document(mount: str) -> dict[str, Any]:
    """The whole document (https://spec.openapis.org/oas/v3.1.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "flask-proview",
            "version": __version__,
            "description": "Self-hosted online proctoring. Times are epoch milliseconds unless a name says otherwise.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": mount}],
        "tags": [
            {"name": "sessions", "description": "The candidate's browser."},
            {"name": "back ends", "description": "Logins, results, playback tickets."},
            {"name": "lms", "description": "Proview's LMS connector."},
            {"name": "playback", "description": "Watching."},
            {"name": "operation", "description": "Code and health."},
        ],
        "paths": PATHS,
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
    }
