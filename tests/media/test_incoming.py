"""A publisher's track: order, loss, bounds, and reports; and the viewer's numbers made from it."""

from __future__ import annotations

import random

from flask_proview.media import rtp, vp8
from flask_proview.media.incoming import MAX_MISSING, RING_PACKETS, IncomingTrack, Packet
from flask_proview.media.offers import Section
from flask_proview.media.outgoing import MAX_REPEATS_PER_S, OutgoingTrack

KEY = b"\x90\x80\x80\x01" + b"\x10" + bytes(9)
DELTA = b"\x90\x80\x80\x02" + b"\x11" + bytes(9)


def section(kind: str = "video", nack: bool = True) -> Section:
    name, rate = ("camera", 90_000) if kind == "video" else ("microphone", 48_000)
    return Section("0", name, kind, 96, rate, nack, True, 77, 0)


class Recorder:
    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.gaps = 0

    def push(self, packet: Packet, now: float) -> bool:
        self.seqs.append(packet.position & 0xFFFF)
        return True

    def gap(self) -> None:
        self.gaps += 1


class Bench:
    """A track with everything that touches it."""

    def __init__(self, kind: str = "video", nack: bool = True) -> None:
        self.rtcp: list[bytes] = []
        self.track = IncomingTrack(section(kind, nack), 1, self.rtcp.append)
        self.recorder = self.track.recorder = Recorder()
        self.sent: list[tuple[int, int, bytes]] = []
        self.viewer = OutgoingTrack(section(kind), self._send, "cname")
        self.now = 100.0

    def _send(self, header: bytes, payload: bytes) -> bool:
        _, _, seq, timestamp, _ = rtp.HEADER.unpack(header)
        self.sent.append((seq, timestamp, payload))
        return True

    def receive(self, seq: int, payload: bytes = DELTA, timestamp: int | None = None) -> None:
        stamp = seq * 3000 if timestamp is None else timestamp
        self.track.receive(rtp.RtpHeader(96, True, seq & 0xFFFF, stamp & 0xFFFFFFFF, 77, 12, 12, 0), payload, self.now)

    def lost(self) -> list[int]:
        return [seq for data in self.rtcp for _, seqs in rtp.parse_rtcp(data).lost for seq in seqs]

    def key_frames(self) -> int:
        return sum(len(rtp.parse_rtcp(data).key_frames) for data in self.rtcp)


def test_packets_in_order_go_straight_through_even_over_the_wrap() -> None:
    bench = Bench()
    for seq in range(65_500, 65_600):
        bench.receive(seq)
    assert bench.recorder.seqs == [seq & 0xFFFF for seq in range(65_500, 65_600)]
    assert bench.lost() == []


def test_a_gap_is_asked_for_and_filled_in_order() -> None:
    bench = Bench()
    for seq in (10, 11, 14, 15):
        bench.receive(seq)
    assert bench.lost() == [12, 13]
    assert bench.recorder.seqs == [10, 11]
    bench.receive(13)
    bench.receive(12)
    bench.receive(12)
    assert bench.recorder.seqs == [10, 11, 12, 13, 14, 15]
    assert bench.recorder.gaps == 0


def test_what_stays_lost_is_asked_for_again_and_then_given_up() -> None:
    bench = Bench()
    bench.receive(10)
    bench.receive(12)
    for _ in range(20):
        bench.now += 0.05
        bench.track.tick(bench.now)
    assert 3 <= len(bench.lost()) <= 12
    assert bench.recorder.seqs == [10, 12]
    assert bench.recorder.gaps == 1
    bench.receive(11)
    assert bench.recorder.seqs == [10, 12]


def questions(round_trip_s: float) -> int:
    """How often a packet that never comes is asked for, after a while on a line with that round trip."""
    bench = Bench()
    for seq in range(10, 100, 2):
        bench.receive(seq)
        bench.now += round_trip_s
        bench.receive(seq - 1)
    bench.rtcp.clear()
    bench.receive(120)
    for _ in range(30):
        bench.now += 0.02
        bench.track.tick(bench.now)
    return bench.lost().count(119)


def test_it_is_asked_for_again_when_an_answer_could_have_been_there() -> None:
    near, far = questions(0.002), questions(0.3)
    assert 15 <= near <= 26
    assert 2 <= far <= 3


def test_without_nack_nothing_is_asked_for() -> None:
    bench = Bench("audio", nack=False)
    bench.receive(10)
    bench.receive(12)
    bench.now += 0.3
    bench.track.tick(bench.now)
    assert bench.lost() == []
    assert bench.recorder.seqs == [10, 12]


def test_wild_sequence_numbers_cannot_make_it_grow() -> None:
    bench = Bench()
    bench.viewer.attach(bench.track, bench.now)
    dice = random.Random(4)  # noqa: S311 - repeatable
    for _ in range(20_000):
        bench.receive(dice.randrange(65_536), KEY, dice.randrange(1 << 32))
    assert len(bench.track._missing) <= MAX_MISSING
    assert len(bench.track._ring) == RING_PACKETS
    assert bench.track.report_block(bench.now) is not None


def test_a_restarted_sender_is_followed_after_two_packets() -> None:
    bench = Bench()
    bench.receive(100)
    bench.receive(40_000)
    assert bench.recorder.seqs == [100]
    bench.receive(40_001)
    bench.receive(40_002)
    assert bench.recorder.seqs == [100, 40_001, 40_002]
    assert bench.recorder.gaps == 1


def test_key_frames_are_asked_for_once_a_second_at_most() -> None:
    bench = Bench()
    bench.receive(1)
    for _ in range(100):
        bench.now += 0.01
        bench.track.request_key_frame(bench.now)
        bench.track.tick(bench.now)
    assert bench.key_frames() == 2


def test_reports_tell_the_loss() -> None:
    bench = Bench("audio", nack=False)
    for seq in range(100):
        if seq % 4:
            bench.receive(seq)
        bench.now += 0.02
    bench.track.on_report(rtp.SenderReport(77, 0x1234_5678_9ABC_DEF0, 5), bench.now - 0.5)
    block = bench.track.report_block(bench.now)
    assert block is not None
    ssrc, loss, highest, _, last_sr, delay = (int.from_bytes(block[at : at + 4], "big") for at in range(0, 24, 4))
    assert (ssrc, highest & 0xFFFF, last_sr, delay) == (77, 99, 0x56789ABC, 32768)
    assert 55 <= loss >> 24 <= 66
    assert loss & 0xFFFFFF == 24


def test_a_viewer_starts_at_a_key_frame_and_asks_for_it() -> None:
    bench = Bench()
    bench.receive(1)
    bench.now += 2
    before = bench.key_frames()
    bench.viewer.attach(bench.track, bench.now)
    assert bench.key_frames() == before + 1
    bench.receive(2)
    assert bench.sent == []
    bench.receive(3, KEY)
    bench.receive(4)
    assert [payload for _, _, payload in bench.sent] == [KEY, DELTA]
    first, second = bench.sent
    assert (second[0] - first[0], second[1] - first[1]) == (1, 3000)
    assert first[0] < 0x8001


def test_a_viewer_gets_repeats_within_its_budget() -> None:
    bench = Bench()
    bench.viewer.attach(bench.track, bench.now)
    for seq in range(65_530, 65_560):
        bench.receive(seq, KEY if seq == 65_530 else DELTA + bytes([seq & 0xFF]))
    original = {seq: payload for seq, _, payload in bench.sent}
    wanted = [bench.sent[3][0], bench.sent[20][0]]
    bench.sent.clear()
    bench.viewer.repeat(wanted)
    assert [(seq, payload) for seq, _, payload in bench.sent] == [(seq, original[seq]) for seq in wanted]
    bench.sent.clear()
    # Before the first packet, after the last one, and a storm.
    bench.viewer.repeat([(wanted[0] - 100) & 0xFFFF, (wanted[0] + 1000) & 0xFFFF])
    assert bench.sent == []
    for _ in range(100):
        bench.viewer.repeat(list(original))
    assert len(bench.sent) < MAX_REPEATS_PER_S


def test_a_new_publisher_continues_the_viewers_stream() -> None:
    bench, other = Bench(), Bench()
    bench.viewer.attach(bench.track, bench.now)
    bench.receive(10, KEY)
    bench.receive(11)
    bench.viewer.attach(other.track, bench.now)
    assert bench.track.sinks == []
    other.now = bench.now + 0.5
    other.receive(50_000, DELTA)
    other.receive(50_001, KEY.replace(b"\x80\x01", b"\x99\x99"), timestamp=12345)
    other.receive(50_002, timestamp=15345)
    (_, _, _), (seq, at, old), (next_seq, next_at, new), (last_seq, last_at, _) = bench.sent
    assert (next_seq - seq, last_seq - next_seq) == (1, 1)
    assert (next_at - at) & 0xFFFFFFFF == 45_000
    assert (last_at - next_at) & 0xFFFFFFFF == 3000
    ids = [vp8.picture_id(payload, parsed) for payload in (old, new) if (parsed := vp8.parse_descriptor(payload))]
    assert ids[1] == (ids[0] or 0) + 1


def test_sender_reports_move_with_the_numbers() -> None:
    bench = Bench()
    bench.viewer.attach(bench.track, bench.now)
    bench.receive(10, KEY, timestamp=1000)
    assert bench.viewer.report(bench.now) is None, "without the publisher's report there is nothing to say"
    bench.track.on_report(rtp.SenderReport(77, 50 << 32, 1000), bench.now)
    report = bench.viewer.report(bench.now + 0.5)
    assert report is not None
    (parsed,) = rtp.parse_rtcp(report).reports
    assert parsed.ssrc == bench.viewer.ssrc
    assert parsed.ntp == (50 << 32) + (1 << 31)
    assert (parsed.timestamp - bench.sent[0][1]) & 0xFFFFFFFF == 45_000
