"""WebM bytes as a browser's recorder makes them: VP8 and Opus, a header and clusters, cut into slices of about a second."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

CLUSTER = b"\x1f\x43\xb6\x75"
WIDTH, HEIGHT = 160, 120


@dataclass(frozen=True)
class Recorded:
    """A run: its pieces in order and what they last (ms)."""

    pieces: list[bytes]
    piece_ms: int
    frames: int

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


class _Unseekable(io.RawIOBase):
    """A recorder cannot go back and patch its header; the muxer must not either."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self.data += chunk
        return len(chunk)


def record(seconds: float, **how: Any) -> Recorded:
    """As :func:`_record`; encoded once for all tests of a process that ask for the same."""
    made = _record(seconds, **how)
    return Recorded(list(made.pieces), made.piece_ms, made.frames)


@functools.cache
def _record(
    seconds: float,
    *,
    fps: int = 15,
    audio: bool = True,
    codec: str = "libvpx",
    piece_ms: int = 1000,
    seed: int = 0,
    video_after_ms: int = 0,
) -> Recorded:
    """A moving picture with a key frame every second, and a tone; one cluster per piece, as `videoKeyFrameIntervalDuration` gives.

    :param video_after_ms: 1 keeps blocks in order to the millisecond, as browsers write and Media Source Extensions want them.
    """
    sink = _Unseekable()
    frames = round(seconds * fps)
    options = {"live": "1", "cluster_time_limit": str(piece_ms)}
    with av.open(sink, "w", format="webm", options=options) as container:
        video = container.add_stream(codec, rate=fps)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"deadline": "realtime", "cpu-used": "8", "g": str(fps)}
        sound = container.add_stream("libopus", rate=48_000) if audio else None
        if sound is not None:
            assert isinstance(sound, av.AudioStream)
            sound.bit_rate = 32_000
        written_ms = 0.0
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(_picture(number, seed), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            container.mux([_later(packet, video_after_ms) for packet in video.encode(picture)])
            while sound is not None and written_ms < (number + 1) * 1000 / fps:
                container.mux(sound.encode(_tone(written_ms)))
                written_ms += 20
        container.mux(video.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return Recorded(cut(bytes(sink.data)), piece_ms, frames)


def _later(packet: av.Packet[Any], by_ms: int) -> av.Packet[Any]:
    if by_ms and packet.pts is not None:
        packet.pts = packet.dts = round(packet.pts * 1000 * float(packet.time_base)) + by_ms
        packet.time_base = Fraction(1, 1000)
    return packet


def _picture(number: int, seed: int) -> np.ndarray:
    image = np.full((HEIGHT, WIDTH, 3), 40 + seed % 100, np.uint8)
    x = number * 4 % (WIDTH - 20)
    image[40:60, x : x + 20] = (250, 200, number % 250)
    return image


def _tone(at_ms: float) -> av.AudioFrame:
    time = np.arange(960) / 48_000 + at_ms / 1000
    samples = (np.sin(2 * np.pi * 440 * time) * 8000).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, round(at_ms * 48), Fraction(1, 48_000)
    return frame


def cut(data: bytes) -> list[bytes]:
    """Piece 0 is the header with the first cluster; every further piece is a cluster."""
    starts = []
    at = data.find(CLUSTER)
    while at >= 0:
        starts.append(at)
        at = data.find(CLUSTER, at + 4)
    edges = [0, *starts[1:], len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]
