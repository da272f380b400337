"""WebM bytes for encoded VP8 and Opus: a header, then clusters. Pure; writing them is :mod:`.recorder`.

The segment has no size and each cluster is complete in itself, so a file that ends anywhere plays up to its last whole cluster.
https://www.matroska.org/technical/elements.html, RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import struct

VIDEO_TRACK = 1
AUDIO_TRACK = 2
CLUSTER_MS = 1000
MAX_CLUSTER_BYTES = 1 << 20
UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
# RFC 7845 section 5.1. No pre-skip: we join in mid-stream, so there is no encoder start-up to cut off.
OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48_000, 0, 0)
# RFC 7845 section 4.6: decoders want 80 ms before a seek target.
SEEK_PRE_ROLL_NS = 80_000_000


def element(identifier: int, data: bytes) -> bytes:
    """An EBML element: id, size, data."""
    size = len(data)
    width = next(width for width in range(1, 9) if size < (1 << 7 * width) - 1)
    coded = (1 << 7 * width | size).to_bytes(width, "big")
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big") + coded + data


def unsigned(identifier: int, value: int) -> bytes:
    return element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def header(video: tuple[int, int] | None, audio: bool) -> bytes:
    """Everything before the first cluster. :param video: width and height, or nothing when there is no picture."""
    ebml = element(
        0x1A45DFA3,
        unsigned(0x4286, 1) + unsigned(0x42F7, 1) + unsigned(0x42F2, 4) + unsigned(0x42F3, 8)
        + element(0x4282, b"webm") + unsigned(0x4287, 4) + unsigned(0x4285, 2),
    )  # fmt: skip
    info = element(
        0x1549A966,
        unsigned(0x2AD7B1, 1_000_000) + element(0x4D80, b"flask-proview") + element(0x5741, b"flask-proview"),
    )
    tracks = b""
    if video is not None:
        picture = element(0xE0, unsigned(0xB0, video[0]) + unsigned(0xBA, video[1]))
        tracks += element(0xAE, _track(VIDEO_TRACK, b"V_VP8") + picture)
    if audio:
        sound = element(0xE1, element(0xB5, struct.pack(">d", 48_000.0)) + unsigned(0x9F, 2))
        delays = unsigned(0x56AA, 0) + unsigned(0x56BB, SEEK_PRE_ROLL_NS)
        tracks += element(0xAE, _track(AUDIO_TRACK, b"A_OPUS") + element(0x63A2, OPUS_HEAD) + delays + sound)
    return ebml + b"\x18\x53\x80\x67" + UNKNOWN_SIZE + info + element(0x1654AE6B, tracks)


def _track(number: int, codec: bytes) -> bytes:
    return (
        unsigned(0xD7, number)
        + unsigned(0x73C5, number)
        + unsigned(0x83, number)
        + unsigned(0x9C, 0)
        + element(0x86, codec)
    )


def mime(video: bool, audio: bool) -> str:
    codecs = ",".join(name for name, there in (("vp8", video), ("opus", audio)) if there)
    return f'{"video" if video else "audio"}/webm;codecs="{codecs}"'


class ClusterBuilder:
    """Collects frames of at most one second (or 1 MiB) and gives them out as one cluster."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._size = 0
        self._start_ms = 0

    def add(self, track: int, time_ms: int, data: bytes, key: bool) -> bytes | None:
        """Add a frame; returns the finished cluster before it when the frame starts a new one."""
        finished = None
        offset = time_ms - self._start_ms
        if self._blocks and (
            offset >= CLUSTER_MS or offset < -CLUSTER_MS or self._size + len(data) > MAX_CLUSTER_BYTES
        ):
            finished = self.flush()
        if not self._blocks:
            self._start_ms = max(0, time_ms)
            offset = time_ms - self._start_ms
        block = struct.pack(">BhB", 0x80 | track, offset, 0x80 if key else 0) + data
        # SimpleBlock with a size of four bytes.
        self._blocks.append(b"\xa3" + (0x10000000 | len(block)).to_bytes(4, "big") + block)
        self._size += len(data)
        return finished

    def flush(self) -> bytes | None:
        """The open cluster, if it has frames."""
        if not self._blocks:
            return None
        cluster = element(0x1F43B675, unsigned(0xE7, self._start_ms) + b"".join(self._blocks))
        self._blocks.clear()
        self._size = 0
        return cluster
