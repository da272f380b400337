"""The blueprint: everything under the mount prefix. Fails closed.

A feature is a module with ``register(blueprint, runtime)``; its handlers close over the runtime.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint

from . import (
    approval_api,
    arrival,
    connector,
    console,
    errors,
    events_catalogue,
    health,
    live_publish,
    loader,
    login_api,
    openapi,
    people,
    photos_api,
    pieces_api,
    playback,
    poll_api,
    requests,
    sessions_api,
    signal,
)
from .runtime import Runtime

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def create_blueprint(runtime: Runtime) -> Blueprint:
    """The service of ``runtime``, to be registered on a Flask application."""
    blueprint = Blueprint(
        "proview", __name__, url_prefix=runtime.config.server.mount, template_folder=str(TEMPLATES), static_folder=None
    )
    blueprint.record_once(lambda state: state.app.extensions.setdefault("proview", runtime))
    features = (
        requests,
        errors,
        events_catalogue,
        health,
        arrival,
        loader,
        sessions_api,
        people,
        pieces_api,
        photos_api,
        approval_api,
        poll_api,
        live_publish,
        signal,
        login_api,
        playback,
        connector,
        openapi,
        console,
    )
    for feature in features:
        feature.register(blueprint, runtime)
    return blueprint
