"""Doors 2 and 3: a small Flask application that carries only the blueprint."""

from __future__ import annotations

from flask import Flask

from .blueprint import create_blueprint
from .errors import handle_error
from .runtime import Runtime


def create_app(runtime: Runtime) -> Flask:
    """The service as an application of its own; everything outside the mount is 404."""
    app = Flask("flask_proview", static_folder=None, template_folder=None)
    app.extensions["proview"] = runtime
    # The signer's newest key also signs nothing of Flask's: cookies of ours are opaque ids. No SECRET_KEY, no session cookie.
    app.config.update(SECRET_KEY=None, MAX_CONTENT_LENGTH=64 * 1024, MAX_FORM_PARTS=100, TRAP_HTTP_EXCEPTIONS=False)
    app.register_blueprint(create_blueprint(runtime))
    app.register_error_handler(Exception, handle_error(runtime))
    return app
