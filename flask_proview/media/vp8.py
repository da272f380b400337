"""VP8 in RTP (RFC 7741): the payload descriptor, key frames, and picture ids that stay continuous across publishers. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Descriptor(NamedTuple):
    size: int
    first: bool
    """Start of a frame: first partition, start bit."""
    key: bool
    """Start of a key frame."""
    picture_at: int
    """Offset of the picture id, or 0."""
    picture_wide: bool
    level_at: int
    """Offset of TL0PICIDX, or 0."""


def parse_descriptor(payload: bytes) -> Descriptor | None:
    """The descriptor of a packet (RFC 7741 section 4.2), or nothing when there is no picture data behind it."""
    size, picture_at, wide, level_at = 1, 0, False, 0
    try:
        first = payload[0]
        if first & 0x80:
            flags = payload[1]
            size = 2
            if flags & 0x80:
                picture_at, wide = 2, payload[2] > 127
                size += 2 if wide else 1
            if flags & 0x40:
                level_at = size
                size += 1
            if flags & 0x30:
                size += 1
        starts = first & 0x17 == 0x10
        payload[size]  # an empty picture is none; reading it also checks every offset above
        return Descriptor(size, starts, starts and not payload[size] & 1, picture_at, wide, level_at)
    except IndexError:
        return None


def picture_id(payload: bytes, descriptor: Descriptor) -> int | None:
    at = descriptor.picture_at
    if not at:
        return None
    return (payload[at] & 0x7F) << 8 | payload[at + 1] if descriptor.picture_wide else payload[at]


def shift_ids(payload: bytes, descriptor: Descriptor, picture_shift: int, level_shift: int) -> bytes:
    """The payload with picture id and TL0PICIDX moved: a viewer's decoder must see one stream when the publisher changes."""
    data = bytearray(payload)
    number = picture_id(payload, descriptor)
    if number is not None:
        at = descriptor.picture_at
        if descriptor.picture_wide:
            data[at : at + 2] = (0x8000 | (number + picture_shift) & 0x7FFF).to_bytes(2, "big")
        else:
            data[at] = (number + picture_shift) & 0x7F
    if descriptor.level_at:
        data[descriptor.level_at] = (data[descriptor.level_at] + level_shift) & 0xFF
    return bytes(data)


def dimensions(frame: bytes) -> tuple[int, int] | None:
    """Width and height in a key frame's header (RFC 6386 section 9.1)."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    return int.from_bytes(frame[6:8], "little") & 0x3FFF, int.from_bytes(frame[8:10], "little") & 0x3FFF
