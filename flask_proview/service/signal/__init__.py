"""The signal socket: ``WS M/v1/sessions/<uuid>/signal``."""

from __future__ import annotations

from .route import register

__all__ = ["register"]
