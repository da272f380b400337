"""The VP8 payload descriptor, against aiortc's packetiser and against nonsense."""

from __future__ import annotations

import random

from aiortc.codecs.vpx import VpxPayloadDescriptor

from flask_proview.media import vp8

KEY = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01" + bytes(20)


def descriptor(picture: int | None = 300, level: int | None = None, start: int = 1) -> bytes:
    tid = (0, 0) if level is not None else None
    return bytes(
        VpxPayloadDescriptor(partition_start=start, partition_id=0, picture_id=picture, tl0picidx=level, tid=tid)
    )


def test_descriptors_are_measured_and_key_frames_seen() -> None:
    for picture in (None, 5, 300):
        for level in (None, 7):
            head = descriptor(picture, level)
            parsed = vp8.parse_descriptor(head + KEY)
            assert parsed is not None
            assert (parsed.size, parsed.first, parsed.key) == (len(head), True, True)
            assert vp8.picture_id(head + KEY, parsed) == picture
    inner = vp8.parse_descriptor(descriptor(start=0) + KEY)
    assert inner is not None
    assert (inner.first, inner.key) == (False, False)
    delta = vp8.parse_descriptor(descriptor() + b"\x11" + KEY[1:])
    assert delta is not None
    assert (delta.first, delta.key) == (True, False)


def test_ids_are_shifted_with_wrap_around_and_nothing_else() -> None:
    narrow = b"\x90\xc0\x05\xfa"
    for head, expected in ((narrow, (5 + 200) & 0x7F), (descriptor(0x7FFE, 250), (0x7FFE + 200) & 0x7FFF)):
        payload = head + KEY
        parsed = vp8.parse_descriptor(payload)
        assert parsed is not None
        moved = vp8.shift_ids(payload, parsed, 200, 10)
        again = vp8.parse_descriptor(moved)
        assert again == parsed
        assert vp8.picture_id(moved, parsed) == expected
        assert moved[parsed.level_at] == 4
        assert moved[parsed.size :] == payload[parsed.size :]


def test_nonsense_is_no_descriptor() -> None:
    for payload in (b"", b"\x90", b"\x90\x80", b"\x90\x80\x80", b"\x90\xf0\x80\x01\x02"):
        assert vp8.parse_descriptor(payload) is None
    dice = random.Random(2)  # noqa: S311 - repeatable
    for _ in range(5000):
        payload = dice.randbytes(dice.randrange(12))
        parsed = vp8.parse_descriptor(payload)
        if parsed is not None:
            assert parsed.size < len(payload)
            vp8.shift_ids(payload, parsed, 1, 1)


def test_dimensions_are_read_from_a_key_frame_only() -> None:
    assert vp8.dimensions(KEY) == (640, 480)
    assert vp8.dimensions(b"\x11" + KEY[1:]) is None
    assert vp8.dimensions(KEY[:9]) is None
