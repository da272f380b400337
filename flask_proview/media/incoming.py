"""One track of a publisher, as it arrives: order, loss, reports, and who gets the packets. No sockets.

Every packet goes to the viewers at once, gaps and all; their browsers wait and ask again. The recorder gets packets in order.
Lost packets are asked for with NACK, again after one and a half round trips, until they come or are given up; then the recorder
needs a key frame. What a publisher can make us hold is bounded: a ring of 512 packets per track.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from . import rtp, vp8
from .offers import Section

RING_PACKETS = 512
MAX_MISSING = 256
# Too early costs the uplink a packet for nothing, too late freezes the live view.
ROUND_TRIP_S = 0.04
NACK_AFTER_S = (0.015, 0.2)
# After this a late packet would help neither the recording nor a viewer's jitter buffer.
GIVE_UP_S = {"video": 0.5, "audio": 0.2}
KEY_FRAME_INTERVAL_S = 1.0


class Packet(NamedTuple):
    """One received RTP packet. ``position`` is the sequence number without wrapping."""

    epoch: object
    position: int
    timestamp: int
    marker: bool
    payload: bytes
    descriptor: vp8.Descriptor | None


class Sink(Protocol):
    """A viewer's end of a track."""

    def forward(self, packet: Packet, now: float) -> None: ...


class Recorder(Protocol):
    """Where packets go in order."""

    def push(self, packet: Packet, now: float) -> bool: ...
    def gap(self) -> None: ...


class IncomingTrack:
    """See the module.

    :param reporter: the SSRC that our reports are sent from.
    :param send_rtcp: sends a compound packet to the publisher.
    """

    def __init__(self, section: Section, reporter: int, send_rtcp: Callable[[bytes], None]) -> None:
        self.section = section
        self.ssrc = section.ssrc
        self.sinks: list[Sink] = []
        self.recorder: Recorder | None = None
        self.epoch = object()
        self.last_at = 0.0
        self.report_at: tuple[rtp.SenderReport, float] | None = None
        self.received = 0
        self.lost = 0
        self._video = section.kind == "video"
        self._reporter = reporter
        self._send_rtcp = send_rtcp
        self._ring: list[Packet | None] = [None] * RING_PACKETS
        self._highest = -1
        self._base = 0
        self._next = 0
        # By position: when it was missed, and when it was asked for last.
        self._missing: dict[int, list[float]] = {}
        self._round_trip = ROUND_TRIP_S
        self._behind = -1
        self._transit = 0
        self._jitter = 0.0
        self._prior = (0, 0)
        self._key_frame_wanted = False
        self._key_frame_at = -KEY_FRAME_INTERVAL_S

    def restart(self) -> None:
        """What follows is another stream: numbers, clock and pictures begin anew."""
        self.epoch = object()
        self.report_at = None
        self._ring = [None] * RING_PACKETS
        self._highest = -1
        self._missing.clear()
        self._prior = (0, 0)
        self.received = 0
        if self.recorder is not None:
            self.recorder.gap()
        self.request_key_frame(self.last_at)

    def receive(self, header: rtp.RtpHeader, payload: bytes, now: float) -> None:
        """Take one authenticated packet."""
        self.last_at = now
        if self._highest < 0:
            # Room below the first packet, so that its late neighbours have positions too.
            self._highest = header.seq + rtp.SEQ_MODULO - 1
            self._base = self._next = self._highest + 1
            if self._video:
                self.request_key_frame(now)
        step = (header.seq - self._highest) & 0xFFFF
        if step >= 0x8000:
            step -= rtp.SEQ_MODULO
        position = self._highest + step
        if step > RING_PACKETS or step < -RING_PACKETS:
            self._jump(header, payload, now)
            return
        if step <= 0:
            times = self._missing.pop(position, None)
            if times is None:
                return  # a duplicate, or given up
            # From the first question: nothing tells which of several is answered.
            self._round_trip += (now - times[0] - self._round_trip) / 8
        else:
            if step > 1:
                self._note_gap(position, now)
            self._highest = position
        self.received += 1
        self._behind = -1
        self._measure_jitter(header.timestamp, now)
        descriptor = vp8.parse_descriptor(payload) if self._video else None
        packet = Packet(self.epoch, position, header.timestamp, header.marker, payload, descriptor)
        self._ring[position % RING_PACKETS] = packet
        for sink in self.sinks:
            sink.forward(packet, now)
        if position == self._next == self._highest:
            self._next += 1
            self._record(packet, now)
        else:
            self._drain(now)

    def packet(self, position: int) -> Packet | None:
        """A packet that is still in the ring, for retransmission."""
        packet = self._ring[position % RING_PACKETS]
        return packet if packet is not None and packet.position == position else None

    def _jump(self, header: rtp.RtpHeader, payload: bytes, now: float) -> None:
        """Far from what was expected: a new stream only when two packets in a row say so (RFC 3550 appendix A.1)."""
        if header.seq != self._behind:
            self._behind = (header.seq + 1) & 0xFFFF
            return
        self.restart()
        self.receive(header, payload, now)

    def _note_gap(self, position: int, now: float) -> None:
        gap = range(self._highest + 1, position)
        for number in gap:
            self._missing[number] = [now, now]
        while len(self._missing) > MAX_MISSING:
            self._missing.pop(next(iter(self._missing)))
        if self.section.nack:
            self._nack([number for number in gap if number in self._missing])

    def _nack(self, positions: list[int]) -> None:
        if self.ssrc is not None and positions:
            seqs = [position & 0xFFFF for position in positions]
            self._send_rtcp(rtp.receiver_report(self._reporter, ()) + rtp.nack(self._reporter, self.ssrc, seqs))

    def _record(self, packet: Packet, now: float) -> None:
        if self.recorder is not None and not self.recorder.push(packet, now):
            self.request_key_frame(now)

    def _drain(self, now: float) -> None:
        """Record what is in order now; skip what was given up."""
        skipped = False
        while self._next <= self._highest and self._next not in self._missing:
            packet = self.packet(self._next)
            self._next += 1
            if packet is None:
                self.lost += 1
                skipped = True
                continue
            if skipped:
                skipped = False
                if self.recorder is not None:
                    self.recorder.gap()
            self._record(packet, now)

    def tick(self, now: float) -> None:
        """Every 20 ms: ask again for what is missing, give up what is too late, request the key frame that had to wait."""
        if self._missing:
            again = []
            give_up = GIVE_UP_S[self.section.kind]
            shortest, longest = NACK_AFTER_S
            ask_after = min(longest, max(shortest, 1.5 * self._round_trip))
            for position, times in list(self._missing.items()):
                if now - times[0] > give_up or self._highest - position >= RING_PACKETS - 1:
                    del self._missing[position]
                elif now - times[1] >= ask_after:
                    times[1] = now
                    again.append(position)
            if again and self.section.nack:
                self._nack(again)
            self._drain(now)
        if self._key_frame_wanted:
            self.request_key_frame(now)

    def request_key_frame(self, now: float) -> None:
        """PLI, at most once a second whoever asks: each key frame costs the candidate's uplink ten ordinary ones."""
        if not self._video:
            return
        self._key_frame_wanted = True
        if self.ssrc is not None and now - self._key_frame_at >= KEY_FRAME_INTERVAL_S:
            self._key_frame_wanted = False
            self._key_frame_at = now
            self._send_rtcp(rtp.receiver_report(self._reporter, ()) + rtp.picture_loss(self._reporter, self.ssrc))

    def on_report(self, report: rtp.SenderReport, now: float) -> None:
        self.report_at = (report, now)

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        """RFC 3550 section 6.4.1."""
        transit = (int(now * self.section.clock_rate) - timestamp) & 0xFFFFFFFF
        if self._transit:
            change = (transit - self._transit) & 0xFFFFFFFF
            if change >= 0x80000000:
                change = rtp.TIMESTAMP_MODULO - change
            if change < 4 * self.section.clock_rate:
                self._jitter += (change - self._jitter) / 16
        self._transit = transit

    def report_block(self, now: float) -> bytes | None:
        """Our receiver report about this track; restarts the interval that ``fraction lost`` is about."""
        if self.ssrc is None or self._highest < 0:
            return None
        expected = self._highest - self._base + 1
        step, got = expected - self._prior[0], self.received - self._prior[1]
        self._prior = (expected, self.received)
        fraction = min(255, (step - got) * 256 // step) if step > got else 0
        last_sr = delay = 0
        if self.report_at is not None:
            last_sr = self.report_at[0].ntp >> 16
            delay = int((now - self.report_at[1]) * 65536)
        return rtp.report_block(
            self.ssrc, fraction, expected - self.received, self._highest, int(self._jitter), last_sr, delay
        )
