"""A proctor's browser joins and leaves the live view of a session. Fails closed: without media there is a clear 503.

The viewer's offer works before the candidate publishes: the candidate is told that live is wanted, and media forwards
when its packets come.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from flask_proview.catalogue import LIVE_CLOSED, LIVE_OPENED
from flask_proview.errors import ApiError
from flask_proview.links import LinkError
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import OPEN_STATES, Session

from .runtime import Runtime

VIEW_S = 10.0
LEAVE_S = 3.0
# Codes of media that say "your offer", not "my trouble" (flask_proview/media/offers.py).
logger = logging.getLogger(__name__)


def open_live(
    runtime: Runtime, session: Session, sdp: str, tracks: Mapping[str, str], viewer_name: str = ""
) -> tuple[str, str]:
    """(SDP answer, viewer id) for a viewer's SDP offer.

    :param tracks: mid → ``camera``, ``microphone`` or ``screen``, what the viewer wants in which m-line.
    :raises ApiError: 409 ``session_ended`` or ``live_off``, 400 for a bad offer, 503 ``live_unavailable``.
    """
    if runtime.config.media.live == "off":
        raise ApiError("Live view is switched off (media.live).", code="live_off", status=409)
    if session.state not in OPEN_STATES:
        raise ApiError("The session has ended.", code="session_ended", status=409)
    viewer = secrets.token_urlsafe(12)
    try:
        reply = runtime.media.request(
            "view", timeout_s=VIEW_S, session=session.uuid, viewer=viewer, sdp=sdp, tracks=dict(tracks)
        )
    except LinkError as error:
        raise refusal(error) from None
    runtime.viewers.joined(session.uuid, viewer)
    record_watching(runtime, session, LIVE_OPENED, viewer_name)
    return str(reply.get("sdp", "")), viewer


def close_live(runtime: Runtime, session: Session, viewer: str) -> None:
    """The viewer leaves; the candidate's live connection ends with the last one. Safe to call twice and without media."""
    try:
        runtime.media.request("leave", timeout_s=LEAVE_S, viewer=viewer)
    except LinkError as error:
        # Media forgets viewers whose connection is gone by itself.
        logger.info("viewer of %s could not be signed off: %s", session.uuid, error.message)
    if runtime.viewers.left(session.uuid, viewer):
        record_watching(runtime, session, LIVE_CLOSED, "")


def record_watching(runtime: Runtime, session: Session, event_type_id: int, viewer_name: str, source: str = "") -> None:
    """Watching leaves a trace in the session's own timeline. ``source``: where the picture comes from, if not from WebRTC."""
    at_ms = max(0, now_ms() - session.started_at)
    data = {"viewer": viewer_name, "source": source}
    runtime.events.add_server(session.id, event_type_id, at_ms, {key: value for key, value in data.items() if value})


def refusal(error: LinkError) -> ApiError:
    """What a browser is told of a :class:`LinkError`."""
    if error.code.startswith("link_"):
        return ApiError(
            "Live view is not available right now; the recording goes on.",
            code="live_unavailable",
            status=503,
            critical=False,
            retry_after_s=3,
        )
    if error.code == "offer_rate":
        return ApiError(error.message, code=error.code, status=429, critical=False, retry_after_s=10)
    status = 400 if error.blames_request else 503
    return ApiError(f"Live view was refused: {error.message}", code=error.code, status=status)
