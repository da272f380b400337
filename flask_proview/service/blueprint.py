"""The blueprint: everything under the mount prefix. Fails closed.

A feature is a module with ``register(blueprint, runtime)``; its handlers close over the runtime.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


class ServiceBlueprint(Blueprint):
    """Answers a call with a slash at its end as it does without: clients of Proview write both (reference 1.9).

    Folders (rules that end with a slash) and rules that take whole paths stay exact.
    """

    def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
        if not rule.endswith("/") and "<path:" not in rule:
            options.setdefault("strict_slashes", False)
        super().add_url_rule(rule, *args, **options)


def create_blueprint(runtime: Runtime) -> Blueprint:
    """The service of ``runtime``, to be registered on a Flask application."""
    blueprint = ServiceBlueprint(
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
