"""``POST …/approval``: a candidate who is ready asks to be let in, and goes on asking while waiting. Fails closed.

The answer always is where they stand. What a proctor decides rings over bus and mailbox ("approval" says: ask again), so it
arrives at once; a message that gets lost only makes it a few seconds later.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from flask_proview.errors import ApiError
from flask_proview.sessions.approvals import Approval, ask, decide, somebody_is_there
from flask_proview.sessions.models import OPEN_STATES

from .access import session_of_request
from .checks import asked_of, done_of
from .ending import announce_to_console
from .quota import Quota
from .requests import read_json
from .runtime import Runtime

ASKS_PER_MINUTE, ASKS_BURST = 30, 10


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The candidate's side."""
    quota = Quota(ASKS_PER_MINUTE, ASKS_BURST)

    @blueprint.post("/v1/sessions/<uuid>/approval")
    def approval(uuid: str) -> Response:
        session = session_of_request(runtime, request, uuid)
        wait_s = quota.take(uuid)
        if wait_s:
            raise ApiError("Too many questions.", code="too_many_requests", status=429, critical=False, retry_after_s=int(wait_s) + 1)  # fmt: skip
        again = read_json(request, required=False).get("again") is True
        asked = asked_of(runtime.config, session)
        if not asked.approval:
            return jsonify(approval=Approval.APPROVED, reason=None, somebody=False)
        if session.state not in OPEN_STATES:
            raise ApiError("The session has ended.", code="session_ended", status=410)
        with runtime.db.read() as orm:
            done, somebody = done_of(orm, session), somebody_is_there(orm)
        missing = [kind for kind in asked.photos if kind not in done["photos"]]
        if missing:
            raise ApiError(f"Photos are missing: {', '.join(missing)}.", code="photos_missing", status=409)
        session, changed = ask(runtime.db, uuid, again)
        runtime.sessions.touch(uuid)
        if changed:
            announce_to_console(runtime, session)
        return jsonify(approval=session.approval, reason=session.approval_reason, somebody=somebody)


def let_in(runtime: Runtime, uuid: str, approval: Approval, reason: str, by: str) -> None:
    """A proctor's word, and the candidate is told.

    :raises ApiError: as :func:`flask_proview.sessions.approvals.decide`.
    """
    for session in decide(runtime.db, uuid, approval, reason, by):
        if session.state in OPEN_STATES:
            runtime.commands.tell(session.uuid, {"type": "approval"})
            announce_to_console(runtime, session)
