"""``POST …/poll``: the way back to browsers that have no socket. Fails closed.

Messages come from the mailbox, the state from the session's row, so it does not matter which process answers, or that one
was restarted in between. Every other answer to the session's browser carries the number of the newest message and
the state as headers (``X-Proview-Mail``, ``X-Proview-State``): while pieces are uploaded, a browser knows within a slice that
there is something to fetch, and nobody has to wait in a thread for that.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from flask_proview.errors import ApiError, FieldError
from flask_proview.links import LinkError
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.mailbox import Holder, Letter
from flask_proview.sessions.models import OPEN_STATES, Session, State

from .access import session_of_request
from .commands import for_browser
from .ending import end_session
from .holding import HOLD_S, Place, held_at_once, poll_after_ms
from .limit import is_over_the_limit
from .quota import Quota
from .requests import read_json
from .runtime import Runtime
from .server_facts import ServerFacts, server_facts

# The commands of another process are only in the database: a held poll looks there this often.
LOOK_S = 2.0
STATUS_S = 0.5
MAX_CURSOR = 2**53 - 1
POLLS_PER_MINUTE, POLLS_BURST = 240, 40
_CLIENT = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Poll:
    """What a browser asks: ``cursor`` None is its first question; ``state`` what it was told last, None: do not wait."""

    client: str
    cursor: int | None
    state: str | None
    stamp: float | None


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The route, and the headers on everything else."""
    quota = Quota(POLLS_PER_MINUTE, POLLS_BURST)

    @blueprint.post("/v1/sessions/<uuid>/poll")
    def poll(uuid: str) -> Response:
        session = session_of_request(runtime, request, uuid)
        asked = parse_poll(read_json(request))
        wait_s = quota.take(uuid)
        if wait_s:
            raise ApiError(
                "Too many polls.", code="too_many_requests", status=429, critical=False, retry_after_s=int(wait_s) + 1
            )
        return jsonify(_answer(runtime, session, asked, server_facts(request.environ)))

    @blueprint.after_request
    def add_hint(response: Response) -> Response:
        session = g.get("_proview_session")
        if isinstance(session, Session):
            response.headers["X-Proview-Mail"] = str(session.mail_seq)
            response.headers["X-Proview-State"] = session.state
        return response


def parse_poll(body: dict[str, Any]) -> Poll:
    """:raises ApiError: 400 ``validation``."""
    client, cursor, state, stamp = body.get("client"), body.get("cursor"), body.get("state"), body.get("t")
    errors = []
    if not isinstance(client, str) or _CLIENT.fullmatch(client) is None:
        errors.append(FieldError("client", "must be 8 to 64 letters, digits, - or _", "value"))
    if cursor is not None and (type(cursor) is not int or not 0 <= cursor <= MAX_CURSOR):
        errors.append(FieldError("cursor", "must be the cursor of the answer before, or null", "value"))
    if state is not None and not isinstance(state, str):
        errors.append(FieldError("state", "must be text", "type"))
    if errors:
        raise ApiError("The request has invalid fields.", code="validation", fields=tuple(errors))
    number = stamp if isinstance(stamp, (int, float)) and not isinstance(stamp, bool) else None
    return Poll(str(client), cursor, state, number)


def _answer(runtime: Runtime, session: Session, asked: Poll, facts: ServerFacts) -> dict[str, Any]:
    asking = Holder.of("http", asked.client, asked.stamp)
    first = asked.cursor is None
    if first:
        had_it = _has_it(session, asking)
        session = runtime.mailbox.claim(session.uuid, asking)
        if not had_it:
            runtime.commands.ring(session.uuid, {"type": "replaced", "by": asking.way})
    _check_holder(session, asking)
    if session.state in OPEN_STATES:
        runtime.sessions.touch(session.uuid)
    if is_over_the_limit(runtime.config, session):
        session = end_session(runtime, session.uuid, State.STOPPED, "limit")
    # Clamped: a cursor beyond what was ever sent (a restored backup) must not hide what comes.
    cursor = min(asked.cursor or session.mail_read, session.mail_seq)
    runtime.mailbox.forget(session, cursor)
    limit = held_at_once(facts, runtime.config.server.held_polls)
    letters = runtime.mailbox.read(session, cursor)
    if limit and not letters and asked.state == session.state and session.state in OPEN_STATES:
        place = runtime.places.take(session.uuid, limit)
        if place is not None:
            with place:
                session, letters = _wait(runtime, session, cursor, asking, place, facts)
    answer = {
        "messages": [for_browser(runtime.config, letter.message) for letter in letters],
        "cursor": letters[-1].seq if letters else cursor,
        "t": asked.stamp,
        "server_time": now_ms(),
        "state": session.state,
        "reason": session.end_reason,
        "poll_after_ms": 0 if limit else poll_after_ms(),
    }
    return {**answer, **_welcome(runtime, session)} if first else answer


def _wait(
    runtime: Runtime, session: Session, cursor: int, asking: Holder, place: Place, facts: ServerFacts
) -> tuple[Session, list[Letter]]:
    """Hold the poll until there is news. No database connection is held meanwhile."""
    uuid, known = session.uuid, session.state
    blind = facts.multiprocess and runtime.config.bus.url.startswith("memory:")
    deadline = time.monotonic() + min(HOLD_S, runtime.config.limits.heartbeat_timeout_s / 2.5)
    letters: list[Letter] = []
    subscription = runtime.bus.subscribe(f"session:{uuid}", place.ring)
    try:
        # Looked at after subscribing, so that nothing falls between the two.
        while True:
            found = runtime.sessions.get(uuid)
            if found is None or found.revoked:
                break  # the next poll is told why
            session = found
            _check_holder(session, asking)
            letters = runtime.mailbox.read(session, cursor)
            left = deadline - time.monotonic()
            if letters or session.state != known or place.over or left <= 0:
                break
            place.wait(min(left, LOOK_S) if blind else left)
    finally:
        subscription.close()
    return session, letters


def _has_it(session: Session, asking: Holder) -> bool:
    """Whether the page that asks has the way back, by polls."""
    holding = Holder.read(session.peer)
    return (holding.way, holding.page) == (asking.way, asking.page)


def _check_holder(session: Session, asking: Holder) -> None:
    if not _has_it(session, asking):
        raise ApiError("The session was opened in another tab.", code="replaced", status=409)


def _welcome(runtime: Runtime, session: Session) -> dict[str, Any]:
    """What a socket's ``welcome`` says as well."""
    watchers: int | None = runtime.viewers.count(session.uuid)
    # Media knows the viewers of all processes; nobody waits here while it is away.
    if not watchers and session.state in OPEN_STATES and runtime.config.media.live != "off":
        try:
            status = runtime.media.request("status", timeout_s=STATUS_S) if runtime.media.connected else None
            watchers = None if status is None else runtime.viewers.count_in(status, session.uuid)
        except LinkError:
            watchers = None
    return {"started_at": session.started_at, "watchers": watchers}
