"""RTP and RTCP bytes: lengths that lie, and what we build read by aiortc's parser."""

from __future__ import annotations

import random
import struct

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from flask_proview.media import rtp


def packet(first: int = 0x80, rest: bytes = b"payload") -> bytes:
    return struct.pack("!BBHLL", first, 0x80 | 96, 7, 1000, 0xABCD) + rest


def test_a_plain_packet_is_read() -> None:
    data = packet()
    header = rtp.parse_header(data, len(data))
    assert header is not None
    assert (header.payload_type, header.marker, header.seq, header.timestamp, header.ssrc) == (
        96,
        True,
        7,
        1000,
        0xABCD,
    )
    assert data[header.start : header.end] == b"payload"


def test_extension_and_padding_are_cut_off() -> None:
    extension = struct.pack("!HH", 0xBEDE, 2) + b"\x10\x30" + b"\x00" + b"\x31ab" + b"\x00\x00"
    data = packet(0x80 | 0x10 | 0x20, extension + b"payload" + b"\x00\x00\x03")
    header = rtp.parse_header(data, len(data))
    assert header is not None
    assert data[header.start : header.end] == b"payload"
    assert rtp.extension_value(data, header, 1) == b"0"
    assert rtp.extension_value(data, header, 3) == b"ab"
    assert rtp.extension_value(data, header, 4) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        packet()[:11],
        packet(0x40),
        packet(0x8F, b"short"),
        packet(0x90, b"\xbe\xde"),
        packet(0x90, b"\xbe\xde\xff\xff" + bytes(20)),
        packet(0xA0, b"abc\xff"),
    ],
)
def test_a_length_that_lies_is_refused(data: bytes) -> None:
    assert rtp.parse_header(data, len(data)) is None


def test_an_extension_that_runs_over_its_end_has_no_value() -> None:
    data = packet(0x90, struct.pack("!HH", 0xBEDE, 1) + b"\x1f123" + b"the payload follows here")
    header = rtp.parse_header(data, len(data))
    assert header is not None
    assert rtp.extension_value(data, header, 1) is None


def test_random_bytes_never_raise() -> None:
    dice = random.Random(11)  # noqa: S311 - repeatable
    for _ in range(5000):
        data = dice.randbytes(dice.randrange(80))
        header = rtp.parse_header(data, len(data))
        if header is not None:
            assert 12 <= header.start <= header.end <= len(data)
            rtp.extension_value(data, header, 1)
        rtp.parse_rtcp(data)
        rtp.parse_rtcp(b"\x81\xcd" + data[2:])
        rtp.parse_rtcp(b"\x84\xce\x00\x04" + data)


def test_reports_are_what_aiortc_reads() -> None:
    block = rtp.report_block(5, 26, -3, 70_000, 12, 0x1_2345_6789, 99)
    compound = rtp.receiver_report(1, [block]) + rtp.remb(1, [5, 6], 650_000) + rtp.picture_loss(1, 5)
    report, estimate, loss = RtcpPacket.parse(compound)
    assert isinstance(report, RtcpRrPacket)
    assert (report.reports[0].ssrc, report.reports[0].fraction_lost, report.reports[0].packets_lost) == (5, 26, -3)
    assert (report.reports[0].highest_sequence, report.reports[0].lsr, report.reports[0].dlsr) == (
        70_000,
        0x23456789,
        99,
    )
    assert isinstance(estimate, RtcpPsfbPacket)
    bits, ssrcs = unpack_remb_fci(estimate.fci)
    assert bits == pytest.approx(650_000, rel=0.001)
    assert ssrcs == [5, 6]
    assert isinstance(loss, RtcpPsfbPacket)
    assert (loss.fmt, loss.media_ssrc) == (1, 5)


def test_a_sender_report_comes_with_its_name() -> None:
    report, names = RtcpPacket.parse(rtp.sender_report(9, (1 << 64) + 5, -1, 3, 400, "proview-1234"))
    assert isinstance(report, RtcpSrPacket)
    assert (report.sender_info.ntp_timestamp, report.sender_info.rtp_timestamp, report.sender_info.packet_count) == (
        5,
        0xFFFFFFFF,
        3,
    )
    assert isinstance(names, RtcpSdesPacket)
    assert names.chunks[0].items == [(1, b"proview-1234")]


def test_nacks_survive_the_wrap_around() -> None:
    lost = [65_530, 65_535, 0, 3, 40, 41]
    (parsed,) = RtcpPacket.parse(rtp.nack(1, 5, lost))
    assert isinstance(parsed, RtcpRtpfbPacket)
    assert [seq & 0xFFFF for seq in parsed.lost] == lost  # aiortc leaves the wrap-around to its caller
    assert rtp.parse_rtcp(rtp.nack(1, 5, lost)).lost == [(5, lost)]


def test_requests_in_a_compound_packet_are_found() -> None:
    fir = struct.pack("!BBHLLLL", 0x84, 206, 4, 1, 0, 77, 1 << 24)
    feedback = rtp.parse_rtcp(
        rtp.receiver_report(1, []) + rtp.picture_loss(1, 5) + fir + rtp.sender_report(9, 10, 11, 0, 0, "c")
    )
    assert feedback.key_frames == [5, 77]
    assert feedback.reports == [rtp.SenderReport(9, 10, 11)]
