"""``GET M/v1/events/catalogue``: every event type, for integrators that subscribe by number, and for the player."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from flask_proview.catalogue import EVENTS, EventType

from .runtime import Runtime


def register(blueprint: Blueprint, _runtime: Runtime) -> None:
    """The list; it is the same for everybody."""
    listed = {"events": [described(EVENTS[number]) for number in sorted(EVENTS)]}

    @blueprint.get("/v1/events/catalogue")
    def events_catalogue() -> Response:
        response = jsonify(listed)
        # Public, no data: it stands in docs/events.md, too.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cache-Control"] = "public, max-age=300"
        return response


def described(event: EventType) -> dict[str, Any]:
    """One type as JSON. ``weight`` is the catalogue's; an account's stake and own weights are its own business."""
    return {
        "event_type_id": event.id,
        "name": event.name,
        "meaning": event.meaning,
        "severity": event.severity,
        "weight": event.weight,
        "documented": event.documented,
        "source": event.basis.source,
        "rests_on": event.basis.rests_on,
        "heuristic": event.basis.heuristic,
    }
