"""One track on its way to one viewer: our own SSRC and continuous numbers in front of the publisher's payloads. No sockets.

Payloads are never decoded. A video starts at a key frame; when the publisher is replaced the viewer sees the same stream go on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from . import rtp, vp8
from .incoming import IncomingTrack, Packet
from .offers import Section

# A NACK storm must not turn one viewer's bad line into everybody's: at most this many repeats a second.
MAX_REPEATS_PER_S = 500

SendRtp = Callable[[bytes, bytes], bool]


class OutgoingTrack:
    """See the module. :param send: sends header and payload to the viewer; false when it was dropped."""

    def __init__(self, section: Section, send: SendRtp, cname: str) -> None:
        self.section = section
        self.ssrc = random.randrange(1, rtp.TIMESTAMP_MODULO)  # noqa: S311 - collision avoidance (RFC 3550 section 8)
        self.source: IncomingTrack | None = None
        self._send = send
        self._cname = cname
        self._video = section.kind == "video"
        self._epoch: object | None = None
        self._base = 0
        self._top: Packet | None = None
        self._top_at = 0.0
        # The lower half: a wrap-around right at the start would desynchronise SRTP's roll-over counter.
        self._seq_shift = random.randrange(0x8000)  # noqa: S311
        self._timestamp_shift = random.randrange(rtp.TIMESTAMP_MODULO)  # noqa: S311
        self._picture_shift = 0
        self._level_shift = 0
        self._repeats = MAX_REPEATS_PER_S
        self._packets = 0
        self._octets = 0

    def attach(self, source: IncomingTrack, now: float) -> None:
        """Take packets from this track from now on."""
        self.detach()
        self.source = source
        source.sinks.append(self)
        source.request_key_frame(now)

    def detach(self) -> None:
        if self.source is not None:
            self.source.sinks.remove(self)
            self.source = None

    def forward(self, packet: Packet, now: float) -> None:
        if packet.epoch is not self._epoch:
            if self._video and not (packet.descriptor and packet.descriptor.key):
                return
            self._begin(packet, now)
        elif packet.position < self._base:
            return
        if self._top is None or packet.position > self._top.position or packet.epoch is not self._top.epoch:
            self._top = packet
            self._top_at = now
        self._emit(packet)

    def _emit(self, packet: Packet) -> None:
        payload = packet.payload
        if (self._picture_shift or self._level_shift) and packet.descriptor is not None:
            payload = vp8.shift_ids(payload, packet.descriptor, self._picture_shift, self._level_shift)
        header = rtp.HEADER.pack(
            0x80,
            self.section.payload_type | (0x80 if packet.marker else 0),
            (packet.position + self._seq_shift) & 0xFFFF,
            (packet.timestamp + self._timestamp_shift) & 0xFFFFFFFF,
            self.ssrc,
        )
        if self._send(header, payload):
            self._packets += 1
            self._octets += len(payload)

    def _begin(self, packet: Packet, now: float) -> None:
        """Another stream: choose the shifts so that sequence numbers, time and picture ids continue."""
        top = self._top
        if top is None:
            self._seq_shift -= packet.position
            self._timestamp_shift -= packet.timestamp
        else:
            elapsed = max(1, int((now - self._top_at) * self.section.clock_rate))
            self._seq_shift += top.position + 1 - packet.position
            self._timestamp_shift += top.timestamp + elapsed - packet.timestamp
            self._continue_pictures(top, packet)
        self._epoch = packet.epoch
        self._base = packet.position
        self._top = packet
        self._top_at = now

    def _continue_pictures(self, old: Packet, new: Packet) -> None:
        if old.descriptor is None or new.descriptor is None:
            return
        last, first = vp8.picture_id(old.payload, old.descriptor), vp8.picture_id(new.payload, new.descriptor)
        if last is not None and first is not None:
            self._picture_shift = (last + self._picture_shift + 1 - first) & 0x7FFF
        if old.descriptor.level_at and new.descriptor.level_at:
            last_level, first_level = old.payload[old.descriptor.level_at], new.payload[new.descriptor.level_at]
            self._level_shift = (last_level + self._level_shift + 1 - first_level) & 0xFF

    def repeat(self, seqs: Sequence[int]) -> None:
        """Send again what the viewer reports lost and the ring still holds."""
        top = self._top
        if top is None or self.source is None or top.epoch is not self.source.epoch:
            return
        last = (top.position + self._seq_shift) & 0xFFFF
        for seq in seqs:
            position = top.position - ((last - seq) & 0xFFFF)
            packet = self.source.packet(position) if position >= self._base else None
            if packet is not None:
                if self._repeats <= 0:
                    return
                self._repeats -= 1
                self._emit(packet)

    def report(self, now: float) -> bytes | None:
        """Once a second: the publisher's sender report in the viewer's numbers, brought forward to now.

        The NTP times are the publisher's own, the same for all its tracks: that is what keeps sound and picture together.
        """
        self._repeats = MAX_REPEATS_PER_S
        source, top = self.source, self._top
        if source is None or source.report_at is None or top is None or top.epoch is not source.epoch:
            return None
        report, at = source.report_at
        elapsed = now - at
        timestamp = report.timestamp + int(elapsed * self.section.clock_rate) + self._timestamp_shift
        return rtp.sender_report(
            self.ssrc, report.ntp + int(elapsed * (1 << 32)), timestamp, self._packets, self._octets, self._cname
        )
