"""``M/console/``: the list of sessions, and the same list as JSON for the page's polling."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.service.runtime import Runtime

from .gate import Gate, Right, Visitor
from .listing import Filter, count_open, count_waiting, list_sessions
from .pages import Pages

STATE_CHOICES = (
    ("", "All states"),
    ("waiting", "Waiting for approval"),
    ("open", "In progress"),
    ("ended", "Ended"),
    ("stopped", "Completed"),
    ("terminated", "Terminated"),
    ("expired", "Connection lost"),
)


def register(pages: Pages, runtime: Runtime, _gate: Gate) -> None:
    """The list."""
    accounts = [account.name for account in runtime.config.accounts]
    routes = [route.name or f"r{index}" for index, route in enumerate(runtime.config.routes)]

    @pages.route("", "root", right=Right.LIST)
    def root(_visitor: Visitor) -> BaseResponse:
        return redirect(f"{pages.mount}/console/", 303)

    @pages.route("/", "sessions", right=Right.LIST)
    def sessions(visitor: Visitor) -> BaseResponse:
        wanted = Filter.parse(request.args)
        listed = list_sessions(runtime.db, wanted)
        return pages.render(
            "proview/sessions.html",
            visitor,
            wanted=wanted,
            rows=listed.rows,
            open_count=count_open(runtime.db),
            waiting_count=count_waiting(runtime.db),
            older=_link(wanted, listed.next) if listed.next is not None else None,
            newest=_link(wanted, None) if wanted.before is not None else None,
            accounts=accounts,
            routes=routes,
            choices=STATE_CHOICES,
        )

    @pages.route("/sessions.json", "sessions_json", right=Right.LIST, json=True)
    def sessions_json(_visitor: Visitor) -> BaseResponse:
        listed = list_sessions(runtime.db, Filter.parse(request.args))
        counts = {"open": count_open(runtime.db), "waiting": count_waiting(runtime.db)}
        return jsonify({"rows": listed.rows, "next": listed.next, **counts})


def _link(wanted: Filter, before: int | None) -> str:
    values = {"q": wanted.text, "state": wanted.state, "account": wanted.account, "before": before}
    return "?" + urlencode({name: value for name, value in values.items() if value})
