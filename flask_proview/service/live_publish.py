"""``POST …/live`` and ``…/hangup``: the candidate's side of the live view without a socket; the answer comes in the reply.

Live view never endangers the recording: without media there is a quick, clear refusal.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify, request

from flask_proview.errors import ApiError, FieldError
from flask_proview.links import LinkError
from flask_proview.sessions.models import OPEN_STATES

from .access import session_of_request
from .live import refusal
from .quota import Quota
from .requests import read_json
from .runtime import Runtime
from .signal.protocol import BadMessage, parse_offer

PUBLISH_S = 5.0
# The first request after media came back finds the link down for a moment; nobody's worker waits longer for it.
CONNECT_S = 1.0
HANGUP_S = 2.0
OFFERS_PER_MINUTE, OFFERS_BURST = 30, 6
logger = logging.getLogger(__name__)


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Both routes."""
    quota = Quota(OFFERS_PER_MINUTE, OFFERS_BURST)

    @blueprint.post("/v1/sessions/<uuid>/live")
    def publish(uuid: str) -> Response:
        session = session_of_request(runtime, request, uuid)
        try:
            offer = parse_offer(read_json(request))
        except BadMessage as error:
            raise ApiError(str(error), code="validation", fields=(FieldError("offer", str(error), "value"),)) from None
        if runtime.config.media.live == "off":
            raise ApiError("Live view is switched off.", code="live_off", status=409)
        if session.state not in OPEN_STATES:
            raise ApiError("The session has ended.", code="session_ended", status=410)
        wait_s = quota.take(uuid)
        if wait_s:
            raise ApiError(
                "Too many offers; try again in a few seconds.",
                code="too_many_offers",
                status=429,
                critical=False,
                retry_after_s=int(wait_s) + 1,
            )
        try:
            reply = runtime.media.request(
                "publish",
                timeout_s=PUBLISH_S if runtime.media.connected else CONNECT_S,
                session=uuid,
                sdp=offer.sdp,
                tracks=dict(offer.tracks),
            )
        except LinkError as error:
            raise refusal(error) from None
        return jsonify(type="answer", id=offer.id, sdp=reply.get("sdp"))

    @blueprint.post("/v1/sessions/<uuid>/hangup")
    def hang_up(uuid: str) -> Response:
        session_of_request(runtime, request, uuid)
        if runtime.media.connected:
            try:
                runtime.media.request("unpublish", timeout_s=HANGUP_S, session=uuid)
            except LinkError as error:
                # Media forgets a connection that is gone by itself.
                logger.info("session %s: unpublish failed: %s", uuid, error.message)
        return jsonify({})
