"""Real JPEG pictures, plain as a browser's canvas makes them."""

from __future__ import annotations

import functools
from fractions import Fraction

import av
from av.codec.context import Flags


@functools.cache
def jpeg(width: int = 320, height: int = 240, grey: int = 120) -> bytes:
    """A picture of one colour."""
    codec = av.CodecContext.create("mjpeg", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuvj420p"
    codec.time_base = Fraction(1, 25)
    codec.flags |= Flags.bitexact  # else it signs with a comment
    frame = av.VideoFrame(width, height, "yuvj420p")
    for number, plane in enumerate(frame.planes):
        plane.update(bytes([grey + 20 * number]) * plane.buffer_size)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
