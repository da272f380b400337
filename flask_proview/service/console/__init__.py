"""The console: where proctors watch live, reviewers watch and rate recordings, and the operator sees what is wrong.

``register`` hangs its pages below ``M/console`` on the service's blueprint. A feature is a module here with
``register(pages, runtime, gate)``.
"""

from __future__ import annotations

from flask import Blueprint, Request

from flask_proview.service.runtime import Runtime

from . import approval_page, callbacks_page, edge_view, live_view, login, problems_page, session_page, sessions_page
from .gate import Gate, Right
from .pages import Pages


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Add the console to the service."""
    gate = Gate(runtime)
    pages = Pages(blueprint, runtime, gate)
    for feature in (
        login,
        sessions_page,
        session_page,
        approval_page,
        live_view,
        edge_view,
        problems_page,
        callbacks_page,
    ):
        feature.register(pages, runtime, gate)

    def may_watch(_request: Request, _uuid: str) -> bool:
        visitor = gate.visitor()
        return visitor is not None and visitor.may(Right.WATCH)

    runtime.playback_gates.append(may_watch)


register_console = register
