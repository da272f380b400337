"""RTP and RTCP as bytes: parse what peers send, build what we send. Pure functions, every length checked.

RFC 3550 (RTP, sender and receiver reports), RFC 4585 (NACK, PLI), RFC 5104 (FIR), RFC 8285 (header extensions),
draft-alvestrand-rmcat-remb (REMB).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

HEADER = struct.Struct("!BBHLL")
SEQ_MODULO = 1 << 16
TIMESTAMP_MODULO = 1 << 32
SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
# NTP counts from 1900 (RFC 3550 section 4).
NTP_EPOCH_S = 2_208_988_800


class RtpHeader(NamedTuple):
    """The parts of a packet; the payload is ``data[start:end]``."""

    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    start: int
    end: int
    extension: int
    """Where the extension's profile word is, or 0."""


class SenderReport(NamedTuple):
    ssrc: int
    ntp: int
    timestamp: int


@dataclass(slots=True)
class Feedback:
    """What a compound RTCP packet asks for: sender reports, lost sequence numbers and key frames by SSRC."""

    reports: list[SenderReport] = field(default_factory=list)
    lost: list[tuple[int, list[int]]] = field(default_factory=list)
    key_frames: list[int] = field(default_factory=list)


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 section 4: payload types 64–95 with the marker bit are RTCP."""
    return len(data) > 1 and 191 < data[1] < 224


def parse_header(data: bytes, size: int) -> RtpHeader | None:
    """The header of an RTP packet of ``size`` bytes, or nothing when a length in it lies (RFC 3550 section 5.1)."""
    if size < 12:
        return None
    first, second, seq, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        return None
    start = 12 + (first & 15) * 4
    extension = 0
    if first & 0x10:
        extension = start
        if start + 4 > size:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = size
    if first & 0x20:
        end -= data[size - 1 : size][0]
    if start > end:
        return None
    return RtpHeader(second & 127, second > 127, seq, timestamp, ssrc, start, end, extension)


def extension_value(data: bytes, header: RtpHeader, wanted: int) -> bytes | None:
    """A one-byte-form header extension (RFC 8285 section 4.2), in clear before SRTP is removed."""
    if not header.extension or data[header.extension : header.extension + 2] != b"\xbe\xde":
        return None
    position = header.extension + 4
    while position < header.start:
        number, length = data[position] >> 4, (data[position] & 15) + 1
        if number == 15:
            return None
        if number == 0:
            position += 1
            continue
        if number == wanted:
            value = data[position + 1 : position + 1 + length]
            return value if position + 1 + length <= header.start else None
        position += 1 + length
    return None


def parse_rtcp(data: bytes) -> Feedback:
    """What a compound packet asks for; stops at the first length that lies."""
    feedback = Feedback()
    for kind, count, body in _packets(data):
        if kind == SR and len(body) >= 24:
            feedback.reports.append(SenderReport(*struct.unpack_from("!LQL", body)))
        elif kind == RTPFB and count == 1 and len(body) >= 8:
            feedback.lost.append((int.from_bytes(body[4:8], "big"), _lost_seqs(body[8:])))
        elif kind == PSFB and count == 1 and len(body) >= 8:
            feedback.key_frames.append(int.from_bytes(body[4:8], "big"))
        elif kind == PSFB and count == 4:
            feedback.key_frames += [ssrc for ssrc, _ in struct.iter_unpack("!LL", body[8 : len(body) & ~7])]
    return feedback


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    while position + 4 <= len(data):
        first, kind, words = struct.unpack_from("!BBH", data, position)
        end = position + 4 + words * 4
        if first >> 6 != 2 or end > len(data):
            return
        yield kind, first & 31, data[position + 4 : end]
        position = end


def _lost_seqs(body: bytes) -> list[int]:
    seqs = []
    for first, mask in struct.iter_unpack("!HH", body[: len(body) & ~3]):
        seqs.append(first)
        seqs += [(first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return seqs


def receiver_report(ssrc: int, blocks: Sequence[bytes]) -> bytes:
    return struct.pack("!BBHL", 0x80 | len(blocks), RR, 1 + 6 * len(blocks), ssrc) + b"".join(blocks)


def report_block(ssrc: int, fraction: int, lost: int, highest: int, jitter: int, last_sr: int, delay: int) -> bytes:
    lost = max(-0x800000, min(0x7FFFFF, lost)) & 0xFFFFFF
    words = (ssrc, (fraction & 0xFF) << 24 | lost, highest, jitter, last_sr, delay)
    return struct.pack("!6L", *(word & 0xFFFFFFFF for word in words))


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int, cname: str) -> bytes:
    """SR and the SDES CNAME that a compound packet must have (RFC 3550 section 6.1)."""
    item = b"\x01" + bytes([len(cname)]) + cname.encode()
    chunk = struct.pack("!L", ssrc) + item + b"\0" * (4 - len(item) % 4)
    report = struct.pack(
        "!BBHLQLLL",
        0x80,
        SR,
        6,
        ssrc,
        ntp & 0xFFFFFFFFFFFFFFFF,
        timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return report + struct.pack("!BBH", 0x81, SDES, len(chunk) // 4) + chunk


def bye(ssrcs: Sequence[int]) -> bytes:
    return struct.pack(f"!BBH{len(ssrcs)}L", 0x80 | len(ssrcs), BYE, len(ssrcs), *ssrcs)


def picture_loss(sender: int, media: int) -> bytes:
    return struct.pack("!BBHLL", 0x81, PSFB, 2, sender, media)


def nack(sender: int, media: int, seqs: Sequence[int]) -> bytes:
    """RFC 4585 section 6.2.1. ``seqs`` in order of sending."""
    pairs = []
    rest = list(seqs)
    while rest:
        first, mask = rest.pop(0), 0
        while rest and 0 < (distance := (rest[0] - first) & 0xFFFF) <= 16:
            mask |= 1 << (distance - 1)
            rest.pop(0)
        pairs.append(struct.pack("!HH", first, mask))
    return struct.pack("!BBHLL", 0x81, RTPFB, 2 + len(pairs), sender, media) + b"".join(pairs)


def remb(sender: int, ssrcs: Sequence[int], bits_per_s: int) -> bytes:
    exponent = max(0, bits_per_s.bit_length() - 18)
    mantissa = bits_per_s >> exponent
    words = struct.pack("!LL4sBBH", sender, 0, b"REMB", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    return struct.pack("!BBH", 0x8F, PSFB, 4 + len(ssrcs)) + words + struct.pack(f"!{len(ssrcs)}L", *ssrcs)
