"""The sessions of this process: who publishes, who watches, within limits. The operations of the link, without the link."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from flask_proview.config import Config
from flask_proview.links import LinkError, Message

from .incoming import IncomingTrack
from .offers import parse_offer
from .peer import Network
from .publisher import Publisher
from .recorder import Recording
from .viewer import Viewer
from .writer import Writer

MAX_PEERS = 1024
MAX_VIEWERS_PER_SESSION = 16
# A page that renegotiates in a loop costs some 5 ms of handshake each time.
MAX_PUBLISH_OFFERS = 10
MAX_VIEW_OFFERS = 2 * MAX_VIEWERS_PER_SESSION
OFFER_WINDOW_S = 10.0
TICK_S = 0.02
REPORT_S = 1.0
# The browser's encoder needs head room over the recorder's target to keep its resolution; sound is small.
BITRATE_FACTOR = 1.5
_SESSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VIEWER = re.compile(r"[\x21-\x7e]{1,128}")
logger = logging.getLogger(__name__)

EventSink = Callable[[Message], None]


class Session:
    """What happens in one session: a publisher, the one that will replace it, and viewers."""

    def __init__(self) -> None:
        self.publisher: Publisher | None = None
        self.connecting: Publisher | None = None
        self.viewers: dict[str, Viewer] = {}
        self.publish_offers: deque[float] = deque(maxlen=MAX_PUBLISH_OFFERS)
        self.view_offers: deque[float] = deque(maxlen=MAX_VIEW_OFFERS)
        self.starting = 0

    @property
    def empty(self) -> bool:
        return not (self.publisher or self.connecting or self.viewers or self.starting)


class Hub:
    """See the module. :param emit: gets the unasked messages of the link."""

    def __init__(self, config: Config, emit: EventSink) -> None:
        self._config = config
        self._emit = emit
        self._network = Network.from_config(config)
        self._sessions: dict[str, Session] = {}
        self._peers: set[Publisher | Viewer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.dropped: Counter[str] = Counter()
        self._writer = Writer(self.dropped)
        self._closing = False

    async def run(self) -> None:
        """The timers; until cancelled."""
        self._writer.start()
        next_report = time.monotonic() + REPORT_S
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            report = now >= next_report
            if report:
                next_report = now + REPORT_S
            for peer in list(self._peers):
                if isinstance(peer, Publisher):
                    peer.tick(now)
                if report:
                    peer.report(now)

    async def close(self) -> None:
        """Close every peer and write what waits. Safe to call twice."""
        self._closing = True
        await asyncio.gather(*(peer.close("server_stopped") for peer in list(self._peers)))
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.stop)

    async def publish(self, request: Message) -> Message:
        name = self._session_name(request)
        offer = parse_offer(request.get("sdp"), request.get("tracks"), sends=True)
        session = self._admit(name, publishes=True)
        kbps = {
            "camera": self._config.capture.camera.kbps,
            "screen": self._config.capture.screen.kbps,
            "microphone": self._config.capture.audio_kbps,
        }
        bits_per_s = int(sum(kbps[section.name] for section in offer.sections) * 1000 * BITRATE_FACTOR)
        publisher = Publisher(self._network, self, name, offer, self._recording_opener(name), bits_per_s, self.dropped)
        answer = await self._start(publisher, session)
        # The old connection goes on until the new one stands: a failed attempt must not cost a working picture.
        if session.connecting is not None:
            self._close(session.connecting, "replaced")
        session.connecting = publisher
        return {"sdp": answer}

    async def unpublish(self, request: Message) -> Message:
        session = self._sessions.get(self._session_name(request))
        if session is not None:
            await asyncio.gather(
                *(p.close("unpublished") for p in (session.publisher, session.connecting) if p is not None)
            )
        return {}

    async def view(self, request: Message) -> Message:
        name = self._session_name(request)
        viewer_name = self._viewer_name(request)
        offer = parse_offer(request.get("sdp"), request.get("tracks"), sends=False)
        session = self._admit(name, publishes=False)
        if viewer_name not in session.viewers and len(session.viewers) >= MAX_VIEWERS_PER_SESSION:
            raise LinkError("viewer_limit", f"A session may have {MAX_VIEWERS_PER_SESSION} viewers.")
        viewer = Viewer(self._network, self, name, viewer_name, offer, self.dropped)
        answer = await self._start(viewer, session)
        old = session.viewers.get(viewer_name)
        session.viewers[viewer_name] = viewer
        if old is not None:
            self._close(old, "replaced")
        return {"sdp": answer}

    async def leave(self, request: Message) -> Message:
        name = self._viewer_name(request)
        viewers = [session.viewers[name] for session in self._sessions.values() if name in session.viewers]
        await asyncio.gather(*(viewer.close("left") for viewer in viewers))
        return {}

    def status(self) -> Message:
        sessions: dict[str, Any] = {}
        for name, session in self._sessions.items():
            publisher = session.publisher
            sessions[name] = {
                "tracks": sorted(publisher.tracks) if publisher else [],
                "viewers": len(session.viewers),
                "since": publisher.since_ms if publisher else None,
            }
        return {"sessions": sessions, "peers": len(self._peers), "dropped": dict(self.dropped)}

    def _session_name(self, request: Message) -> str:
        name = request.get("session")
        # It becomes a directory name.
        if not isinstance(name, str) or not _SESSION.fullmatch(name):
            raise LinkError("bad_request", "session must be a UUID in lower case.")
        return name

    def _viewer_name(self, request: Message) -> str:
        name = request.get("viewer")
        if not isinstance(name, str) or not _VIEWER.fullmatch(name):
            raise LinkError("bad_request", "viewer must be 1 to 128 printable ASCII characters.")
        return name

    def _admit(self, name: str, *, publishes: bool) -> Session:
        if self._closing:
            raise LinkError("stopping", "The media process is stopping.")
        if len(self._peers) >= MAX_PEERS:
            raise LinkError("peer_limit", f"The media process serves {MAX_PEERS} connections, no more.")
        session = self._sessions.setdefault(name, Session())
        offers = session.publish_offers if publishes else session.view_offers
        now = time.monotonic()
        if len(offers) == offers.maxlen and now - offers[0] < OFFER_WINDOW_S:
            raise LinkError("offer_rate", f"More than {offers.maxlen} offers for one session in {OFFER_WINDOW_S:g} s.")
        offers.append(now)
        return session

    async def _start(self, peer: Publisher | Viewer, session: Session) -> str:
        self._peers.add(peer)
        session.starting += 1
        try:
            return await peer.answer()
        except BaseException:
            self._peers.discard(peer)
            await peer.close("refused")
            raise
        finally:
            session.starting -= 1
            if session.empty and peer not in self._peers:
                self._forget(peer.session)

    def _forget(self, name: str) -> None:
        session = self._sessions.get(name)
        if session is not None and session.empty:
            del self._sessions[name]

    def _close(self, peer: Publisher | Viewer, reason: str) -> None:
        self._background(peer.close(reason))

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _recording_opener(self, name: str) -> Callable[[str, dict[int, int]], Recording]:
        directory = Path(self._config.storage.recordings) / name[:2] / name / "live"
        min_free_bytes = self._config.storage.min_free_mb << 20

        def open_recording(file: str, clock_rates: dict[int, int]) -> Recording:
            return Recording(self._writer, directory, file, clock_rates, min_free_bytes, lambda: time.time() * 1000)

        return open_recording

    def _sources(self, session: Session) -> dict[str, IncomingTrack]:
        return session.publisher.tracks if session.publisher is not None else {}

    def publisher_connected(self, publisher: Publisher) -> None:
        session = self._sessions[publisher.session]
        old, session.publisher, session.connecting = session.publisher, publisher, None
        if old is not None:
            self._close(old, "replaced")
        for viewer in session.viewers.values():
            if viewer.connected:
                viewer.watch(self._sources(session))
        logger.info("session %s publishes %s", publisher.session, ", ".join(publisher.tracks))
        self._emit({"event": "published", "session": publisher.session, "reason": "connected"})

    def publisher_closed(self, publisher: Publisher, reason: str) -> None:
        self._peers.discard(publisher)
        session = self._sessions.get(publisher.session)
        if session is None:
            return
        if session.connecting is publisher:
            session.connecting = None
            if session.publisher is None:
                self._emit({"event": "unpublished", "session": publisher.session, "reason": reason})
        elif session.publisher is publisher:
            session.publisher = None
            for viewer in session.viewers.values():
                viewer.watch({})
            self._emit({"event": "unpublished", "session": publisher.session, "reason": reason})
        logger.info("session %s: publisher closed (%s)", publisher.session, reason)
        self._forget(publisher.session)

    def viewer_connected(self, viewer: Viewer) -> None:
        session = self._sessions.get(viewer.session)
        if session is not None and session.viewers.get(viewer.name) is viewer:
            viewer.watch(self._sources(session))

    def viewer_closed(self, viewer: Viewer, reason: str) -> None:
        self._peers.discard(viewer)
        session = self._sessions.get(viewer.session)
        if session is not None and session.viewers.get(viewer.name) is viewer:
            del session.viewers[viewer.name]
            self._emit({"event": "viewer_gone", "viewer": viewer.name, "session": viewer.session, "reason": reason})
            self._forget(viewer.session)
