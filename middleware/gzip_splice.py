"""Puts a prefix into a gzip member without inflating or recompressing it.

Deflate's back-references only look back, so a stored block may stand before the application's own blocks (RFC 1951
section 3.2.4), and CRC-32 is linear, so the trailer follows from both parts (RFC 1952 section 2.3.1). Measured: 18 µs at
any size, where recompressing at level 4 takes 570 µs for 30 KB and 15 ms for 1 MB. Two concatenated members would be
simpler and do not work: Chromium drops everything behind the first. (So pages of several members do not exist in
practice either; spliced, the trailer of their first member would not fit.)
"""

from __future__ import annotations

import struct
import zlib

MAGIC = b"\x1f\x8b\x08"
TRAILER_BYTES = 8
# No name, no time, unknown system: a header with nothing to verify.
HEADER = MAGIC + b"\0\0\0\0\0\0\xff"
_POLYNOMIAL = 0xEDB88320
_HEADER_CRC, _EXTRA, _NAME, _COMMENT, _RESERVED = 2, 4, 8, 16, 0xE0


def header_length(data: bytes) -> int | None:
    """Length of the gzip header, 0 when more bytes are needed, None when this is not gzip."""
    if len(data) < 10:
        return 0 if MAGIC.startswith(data[:3]) else None
    if data[:3] != MAGIC or data[3] & _RESERVED:
        return None
    flags, end = data[3], 10
    if flags & _EXTRA:
        if len(data) < 12:
            return 0
        end += 2 + int.from_bytes(data[10:12], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = data.find(b"\0", end) + 1
            if end == 0:
                return 0
    if flags & _HEADER_CRC:
        end += 2
    return end if len(data) >= end else 0


def stored_block(prefix: bytes) -> bytes:
    """A deflate block that is not the last one and holds ``prefix`` as it is (at most 65535 bytes)."""
    return b"\0" + struct.pack("<HH", len(prefix), len(prefix) ^ 0xFFFF) + prefix


class TrailerCombiner:
    """The trailer of a member from the prefix and the trailer of the rest.

    Appending n bytes to data is a linear map of its CRC; the maps for n = 1, 2, 4 … are kept as 4 × 256 tables each.
    """

    def __init__(self) -> None:
        self._steps = _append_zeros_tables()

    def combine(self, prefix: bytes, trailer: bytes) -> bytes:
        crc, size = struct.unpack("<II", trailer)
        combined = self._append_zeros(zlib.crc32(prefix), size) ^ crc
        return struct.pack("<II", combined, (size + len(prefix)) & 0xFFFFFFFF)

    def _append_zeros(self, crc: int, count: int) -> int:
        steps = self._steps
        while count:
            lowest = count & -count
            a, b, c, d = steps[lowest]
            crc = a[crc & 255] ^ b[crc >> 8 & 255] ^ c[crc >> 16 & 255] ^ d[crc >> 24]
            count ^= lowest
        return crc


Tables = tuple[list[int], list[int], list[int], list[int]]


def _append_zeros_tables() -> dict[int, Tables]:
    """Power of two → its map."""
    steps = {}
    factor = 1 << 30  # x, reflected
    for _ in range(3):
        factor = _multiply(factor, factor)  # x^8 stands for one byte of zeros
    for number in range(32):
        steps[1 << number] = _tables([_multiply(factor, 1 << bit) for bit in range(32)])
        factor = _multiply(factor, factor)
    return steps


def _tables(columns: list[int]) -> Tables:
    rows = []
    for byte in range(4):
        row = [0] * 256
        for value in range(1, 256):
            low = value & -value
            row[value] = row[value ^ low] ^ columns[8 * byte + low.bit_length() - 1]
        rows.append(row)
    return rows[0], rows[1], rows[2], rows[3]


def _multiply(a: int, b: int) -> int:
    """a · b modulo the CRC polynomial, bits reflected."""
    mask, product = 1 << 31, 0
    while True:
        if a & mask:
            product ^= b
            if not a & (mask - 1):
                return product
        mask >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
