"""A candidate's connection: its packets are authenticated, sorted into declared tracks, forwarded and recorded. Nothing is decoded."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from . import rtp, webm
from .incoming import IncomingTrack
from .offers import Offer, render_answer
from .peer import Network, Peer
from .recorder import Recording

# libsrtp keeps state for every SSRC it has authenticated, so a publisher gets only a few beyond the declared ones.
MAX_STRANGERS = 8
TAKEOVER_S = 1.0
RECORDED_AS = {
    "camera": ("camera", webm.VIDEO_TRACK),
    "microphone": ("camera", webm.AUDIO_TRACK),
    "screen": ("screen", webm.VIDEO_TRACK),
}


class PublisherOwner(Protocol):
    def publisher_connected(self, publisher: Publisher) -> None: ...
    def publisher_closed(self, publisher: Publisher, reason: str) -> None: ...


class Publisher:
    """See the module.

    :param open_recording: makes the recording of a file name (``camera``, ``screen``) with clock rates by WebM track number.
    :param bits_per_s: what the browser may send altogether (REMB).
    """

    def __init__(
        self,
        network: Network,
        owner: PublisherOwner,
        session: str,
        offer: Offer,
        open_recording: Callable[[str, dict[int, int]], Recording],
        bits_per_s: int,
        dropped: Counter[str],
    ) -> None:
        self.session = session
        self._owner = owner
        self._offer = offer
        self._open_recording = open_recording
        self._bits_per_s = bits_per_s
        self._dropped = dropped
        self._ssrc = random.randrange(1, rtp.TIMESTAMP_MODULO)  # noqa: S311 - collision avoidance
        self._peer = Peer(network, self, dropped)
        self.tracks = {
            section.name: IncomingTrack(section, self._ssrc, self._peer.send_rtcp) for section in offer.sections
        }
        self._by_ssrc = {track.ssrc: track for track in self.tracks.values() if track.ssrc is not None}
        self._strangers: set[int] = set()
        self._recordings: dict[str, Recording] = {}
        self.since_ms = 0

    @property
    def connected(self) -> bool:
        return self._peer.connected

    async def answer(self) -> str:
        """Start, and the SDP answer.

        :raises LinkError: no socket could be opened.
        """
        local = await self._peer.accept(self._offer)
        return render_answer(self._offer, local, sends=False, ssrcs={}, cname="")

    async def close(self, reason: str) -> None:
        await self._peer.close(reason)

    def on_connected(self) -> None:
        self.since_ms = int(time.time() * 1000)
        files: dict[str, dict[int, int]] = {}
        for name, track in self.tracks.items():
            file, number = RECORDED_AS[name]
            files.setdefault(file, {})[number] = track.section.clock_rate
        self._recordings = {file: self._open_recording(file, rates) for file, rates in files.items()}
        for name, track in self.tracks.items():
            file, number = RECORDED_AS[name]
            track.recorder = self._recordings[file].tracks[number]
        self._owner.publisher_connected(self)

    def on_closed(self, reason: str) -> None:
        for recording in self._recordings.values():
            recording.close()
        self._owner.publisher_closed(self, reason)

    def on_rtp(self, data: bytes) -> None:
        srtp = self._peer.srtp
        if srtp is None or len(data) < 12:
            return
        ssrc = int.from_bytes(data[8:12], "big")
        track = self._by_ssrc.get(ssrc)
        if track is None and not self._may_try(ssrc):
            self._dropped["ssrc"] += 1
            return
        size = srtp.unprotect(data)
        if not size:
            self._dropped["srtp"] += 1
            return
        header = rtp.parse_header(srtp.view, size)
        if header is None:
            self._dropped["rtp"] += 1
            return
        now = time.monotonic()
        if track is None:
            track = self._bind(header, srtp.view, now)
        if track is None or header.payload_type != track.section.payload_type:
            self._dropped["track"] += 1
            return
        track.receive(header, srtp.view[header.start : header.end], now)

    def _may_try(self, ssrc: int) -> bool:
        if ssrc not in self._strangers:
            if len(self._strangers) >= MAX_STRANGERS:
                return False
            self._strangers.add(ssrc)
        return True

    def _bind(self, header: rtp.RtpHeader, view: bytes, now: float) -> IncomingTrack | None:
        """An authenticated packet of an SSRC the offer did not name: by its mid, else by its payload type (RFC 9143 section 9.2)."""
        found = None
        for track in self.tracks.values():
            section = track.section
            if section.extension and rtp.extension_value(view, header, section.extension) == section.mid.encode():
                found = track
        if found is None:
            same = [track for track in self.tracks.values() if track.section.payload_type == header.payload_type]
            found = same[0] if len(same) == 1 else None
        if found is None or (found.ssrc is not None and now - found.last_at < TAKEOVER_S):
            return None
        if found.ssrc is not None:
            self._by_ssrc.pop(found.ssrc, None)
            found.restart()
        found.ssrc = header.ssrc
        self._by_ssrc[header.ssrc] = found
        return found

    def on_rtcp(self, data: bytes) -> None:
        srtp = self._peer.srtp
        if srtp is None or len(data) < 8:
            return
        sender = int.from_bytes(data[4:8], "big")
        if sender not in self._by_ssrc and not self._may_try(sender):
            self._dropped["ssrc"] += 1
            return
        now = time.monotonic()
        for report in rtp.parse_rtcp(srtp.unprotect_rtcp(data)).reports:
            track = self._by_ssrc.get(report.ssrc)
            if track is not None:
                track.on_report(report, now)
                file, number = RECORDED_AS[track.section.name]
                self._recordings[file].on_report(number, report, now)

    def tick(self, now: float) -> None:
        """Every 20 ms."""
        for track in self.tracks.values():
            track.tick(now)

    def report(self, now: float) -> None:
        """Once a second: receiver reports and the bandwidth estimate in one compound packet, and the recordings' clusters."""
        self._peer.refresh_path()
        blocks = [block for track in self.tracks.values() if (block := track.report_block(now)) is not None]
        ssrcs = [track.ssrc for track in self.tracks.values() if track.ssrc is not None]
        if blocks:
            self._peer.send_rtcp(
                rtp.receiver_report(self._ssrc, blocks) + rtp.remb(self._ssrc, ssrcs, self._bits_per_s)
            )
        for recording in self._recordings.values():
            recording.tick(now)
