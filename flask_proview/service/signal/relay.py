"""The live connection of one candidate: offers go to the media process and answers back, beside the receiving loop.

One request at a time; a newer offer replaces one that still waits. Without media the browser gets ``live_failed`` and
records on: live view never endangers the recording.
"""

from __future__ import annotations

import logging
import threading

from flask_proview.links import LinkError
from flask_proview.service.policy import ice_servers
from flask_proview.service.quota import Bucket
from flask_proview.service.runtime import Runtime

from .outbox import Outbox
from .protocol import Offer

PUBLISH_S = 10.0
STATUS_S = 3.0
OFFERS_PER_S = 0.5
OFFERS_BURST = 6
logger = logging.getLogger(__name__)


class Relay:
    """Publishes one session to media."""

    def __init__(self, runtime: Runtime, uuid: str, outbox: Outbox) -> None:
        self._runtime = runtime
        self._uuid = uuid
        self._outbox = outbox
        self._lock = threading.Lock()
        self._bucket = Bucket(OFFERS_PER_S, OFFERS_BURST)
        self._working = False
        self._next: Offer | None = None
        self._hangup = False
        self._published = False

    def offer(self, offer: Offer) -> None:
        """Relay an offer; returns at once."""
        if self._runtime.config.media.live == "off":
            self._fail(offer, "live_off", "Live view is switched off.")
        elif self._bucket.take():
            self._fail(offer, "too_many_offers", "Too many offers; try again in a few seconds.")
        else:
            with self._lock:
                replaced, self._next = self._next, offer
                self._hangup = False
                self._work()
            if replaced is not None:
                self._fail(replaced, "replaced", "A newer offer came.")

    def hang_up(self) -> None:
        """End the live connection; returns at once. Safe to call when there is none."""
        with self._lock:
            self._next = None
            self._hangup = self._published or self._working
            if self._hangup:
                self._work()

    def announce_viewers(self) -> None:
        """Tell the browser when somebody is watching who came while another worker, or none, held its socket."""
        threading.Thread(target=self._ask_viewers, name="signal-viewers", daemon=True).start()

    def _ask_viewers(self) -> None:
        try:
            status = self._runtime.media.request("status", timeout_s=STATUS_S)
        except LinkError:
            return
        entry = status.get("sessions", {}).get(self._uuid, {})
        if isinstance(entry, dict) and entry.get("viewers"):
            self._outbox.send({"type": "live", "wanted": True, "ice_servers": ice_servers(self._runtime.config)})

    def _work(self) -> None:
        """Start the worker unless it runs; called with the lock held."""
        if not self._working:
            self._working = True
            threading.Thread(target=self._run, name="signal-relay", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                offer, self._next = self._next, None
                hangup, self._hangup = self._hangup, False
                if offer is None and not hangup:
                    self._working = False
                    return
            if offer is not None:
                self._publish(offer)
            elif self._published:
                self._unpublish()

    def _publish(self, offer: Offer) -> None:
        try:
            reply = self._runtime.media.request(
                "publish", timeout_s=PUBLISH_S, session=self._uuid, sdp=offer.sdp, tracks=dict(offer.tracks)
            )
        except LinkError as error:
            self._fail(offer, error.code, error.message)
            return
        self._published = True
        self._outbox.send({"type": "answer", "id": offer.id, "sdp": reply.get("sdp")})

    def _unpublish(self) -> None:
        self._published = False
        try:
            self._runtime.media.request("unpublish", timeout_s=PUBLISH_S, session=self._uuid)
        except LinkError as error:
            logger.info("session %s: unpublish failed: %s", self._uuid, error.message)

    def _fail(self, offer: Offer, code: str, message: str) -> None:
        self._outbox.send({"type": "live_failed", "id": offer.id, "code": code, "message": message})
