"""What a photo may be: a plain JPEG as a browser's canvas writes it, checked by its structure and never decoded. Fails closed.

Metadata is refused: Exif may hold a place, a comment may hold a web page. Nothing may stand behind the end of the image.
https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B.
"""

from __future__ import annotations

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
FRAMES = frozenset((BASELINE, EXTENDED, PROGRESSIVE))
# JFIF, colour profile, Adobe's colour transform, quantisation and Huffman tables, restart interval.
TABLES = frozenset((0xE0, 0xE2, 0xEE, 0xDB, 0xC4, 0xDD))
RESTARTS = frozenset(range(0xD0, 0xD8))
MIN_PIXELS, MAX_PIXELS = 64, 4096


def jpeg_size(body: bytes) -> tuple[int, int]:
    """(width, height) of an acceptable photo.

    :raises ValueError: saying what is wrong.
    """
    if body[:2] != b"\xff\xd8":
        raise ValueError("it does not begin as a JPEG")
    size: tuple[int, int] | None = None
    scanned = False
    at = 2
    while True:
        marker, at = _marker(body, at)
        if marker == EOI:
            break
        length = int.from_bytes(body[at : at + 2], "big")
        segment = body[at + 2 : at + length]
        if length < 2 or len(segment) != length - 2:
            raise ValueError("a segment is cut off")
        if marker in FRAMES:
            if size is not None:
                raise ValueError("it has more than one frame")
            size = _frame(segment)
        elif marker == SOS:
            if size is None:
                raise ValueError("the picture comes before its frame")
            scanned = True
        elif marker not in TABLES:
            raise ValueError(f"it has a segment FF{marker:02X}, which a photo does not need")
        at += length
        if marker == SOS:
            at = _scan_end(body, at)
    if size is None or not scanned:
        raise ValueError("it has no picture")
    if at != len(body):
        raise ValueError("something follows the end of the picture")
    return size


def _marker(body: bytes, at: int) -> tuple[int, int]:
    """The marker at ``at`` and where its segment begins; fill bytes before it are allowed."""
    if body[at : at + 1] != b"\xff":
        raise ValueError("a marker is missing")
    while body[at : at + 1] == b"\xff":
        at += 1
    if at >= len(body):
        raise ValueError("it is cut off")
    return body[at], at + 1


def _frame(segment: bytes) -> tuple[int, int]:
    if len(segment) < 6 or segment[0] != 8 or segment[5] not in (1, 3) or len(segment) != 6 + 3 * segment[5]:
        raise ValueError("its frame is not one of 8 bits in grey or colour")
    height, width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
    if not (MIN_PIXELS <= width <= MAX_PIXELS and MIN_PIXELS <= height <= MAX_PIXELS):
        raise ValueError(f"it has {width} × {height} pixels; {MIN_PIXELS} to {MAX_PIXELS} each way are allowed")
    return width, height


def _scan_end(body: bytes, at: int) -> int:
    """Where the marker after the entropy-coded data stands (stuffed zeros and restarts belong to the data)."""
    while True:
        at = body.find(b"\xff", at)
        if at < 0 or at + 1 >= len(body):
            raise ValueError("it is cut off")
        following = body[at + 1]
        if following != 0 and following not in RESTARTS and following != 0xFF:
            return at
        at += 1 if following == 0xFF else 2
