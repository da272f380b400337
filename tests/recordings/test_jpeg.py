from __future__ import annotations

import pytest

from flask_proview.recordings.jpeg import jpeg_size
from tests.jpeg_factory import jpeg

PAGE = b"<!doctype html><script>alert(1)</script>"
GOOD = jpeg(640, 480)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def after_start(extra: bytes) -> bytes:
    return GOOD[:2] + extra + GOOD[2:]


@pytest.mark.parametrize(("width", "height"), [(64, 64), (320, 240), (1280, 720)])
def test_the_size_is_read_from_the_frame(width: int, height: int) -> None:
    assert jpeg_size(jpeg(width, height)) == (width, height)


def test_what_browsers_write_around_it_is_allowed() -> None:
    assert jpeg_size(after_start(segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + segment(0xE2, b"ICC_PROFILE\0" + bytes(20)))) == (640, 480)  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "does not begin"),
        (PAGE, "does not begin"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "does not begin"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "does not begin"),
        (GOOD + PAGE, "follows the end"),
        (GOOD + GOOD, "follows the end"),
        (after_start(segment(0xFE, PAGE)), "FFFE"),
        (after_start(segment(0xE1, b"Exif\0\0" + bytes(40))), "FFE1"),
        (after_start(segment(0xED, b"Photoshop 3.0\0")), "FFED"),
        (after_start(PAGE), "marker is missing"),
        (GOOD[:2], "marker is missing"),
        (GOOD[:-2], "cut off"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (b"\xff\xd8\xff\xd9", "no picture"),
        (b"\xff\xd8" + b"\xff" * 1000, "cut off"),
        (b"\xff\xd8" + segment(0xDA, bytes(10)) + b"\xff\xd9", "before its frame"),
        (b"\xff\xd8\xff\xdb\x00\x00" + bytes(10), "cut off"),
        (b"\xff\xd8" + segment(0xC0, b"\x0c" + bytes(14)) + b"\xff\xd9", "8 bits"),
    ],
)
def test_anything_else_is_refused_and_named(body: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        jpeg_size(body)


def test_a_frame_that_claims_to_be_huge_or_tiny_is_refused() -> None:
    at = GOOD.index(b"\xff\xc0") + 5
    for size in (b"\xff\xff\xff\xff", b"\x00\x01\x00\x01", b"\x00\x00\x02\x80"):
        with pytest.raises(ValueError, match="pixels"):
            jpeg_size(GOOD[:at] + size + GOOD[at + 4 :])


def test_a_second_frame_is_refused() -> None:
    at = GOOD.index(b"\xff\xc0")
    length = 2 + int.from_bytes(GOOD[at + 2 : at + 4], "big")
    with pytest.raises(ValueError, match="more than one frame"):
        jpeg_size(GOOD[:at] + GOOD[at : at + length] + GOOD[at:])
