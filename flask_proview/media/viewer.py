"""A proctor's connection: receives what the session's publisher sends, now or later; asks for repeats and key frames."""

from __future__ import annotations

import time
from collections import Counter
from typing import Protocol

from . import rtp
from .incoming import IncomingTrack
from .offers import Offer, render_answer
from .outgoing import OutgoingTrack
from .peer import Network, Peer

MAX_STRANGERS = 8


class ViewerOwner(Protocol):
    def viewer_connected(self, viewer: Viewer) -> None: ...
    def viewer_closed(self, viewer: Viewer, reason: str) -> None: ...


class Viewer:
    """See the module."""

    def __init__(
        self, network: Network, owner: ViewerOwner, session: str, name: str, offer: Offer, dropped: Counter[str]
    ) -> None:
        self.session = session
        self.name = name
        self._owner = owner
        self._offer = offer
        self._dropped = dropped
        self._peer = Peer(network, self, dropped)
        self._cname = f"proview-{session[:8]}"
        self.tracks = {
            section.name: OutgoingTrack(section, self._peer.send_rtp, self._cname) for section in offer.sections
        }
        self._by_ssrc = {track.ssrc: track for track in self.tracks.values()}
        self._reporters: set[int] = set()

    @property
    def connected(self) -> bool:
        return self._peer.connected

    async def answer(self) -> str:
        """Start, and the SDP answer; at once, whether or not somebody publishes.

        :raises LinkError: no socket could be opened.
        """
        local = await self._peer.accept(self._offer)
        ssrcs = {name: track.ssrc for name, track in self.tracks.items()}
        return render_answer(self._offer, local, sends=True, ssrcs=ssrcs, cname=self._cname)

    async def close(self, reason: str) -> None:
        await self._peer.close(reason)

    def watch(self, sources: dict[str, IncomingTrack]) -> None:
        """Take these tracks from now on; none when the publisher left."""
        now = time.monotonic()
        for name, track in self.tracks.items():
            source = sources.get(name)
            if source is None:
                track.detach()
            elif source is not track.source:
                track.attach(source, now)

    def on_connected(self) -> None:
        self._owner.viewer_connected(self)

    def on_closed(self, reason: str) -> None:
        for track in self.tracks.values():
            track.detach()
        self._owner.viewer_closed(self, reason)

    def on_rtp(self, data: bytes) -> None:
        """A viewer has nothing to send."""
        self._dropped["viewer_rtp"] += 1

    def on_rtcp(self, data: bytes) -> None:
        srtp = self._peer.srtp
        if srtp is None or len(data) < 8:
            return
        reporter = int.from_bytes(data[4:8], "big")
        if reporter not in self._reporters:
            if len(self._reporters) >= MAX_STRANGERS:
                self._dropped["ssrc"] += 1
                return
            self._reporters.add(reporter)
        feedback = rtp.parse_rtcp(srtp.unprotect_rtcp(data))
        for ssrc, seqs in feedback.lost:
            if ssrc in self._by_ssrc:
                self._by_ssrc[ssrc].repeat(seqs)
        for ssrc in feedback.key_frames:
            track = self._by_ssrc.get(ssrc)
            if track is not None and track.source is not None:
                track.source.request_key_frame(time.monotonic())

    def report(self, now: float) -> None:
        """Once a second: a sender report per track."""
        self._peer.refresh_path()
        for track in self.tracks.values():
            report = track.report(now)
            if report is not None:
                self._peer.send_rtcp(report)
