"""Encoded packets of a WebM stream on the session clock. Demultiplexing only: nothing is ever decoded here.

The bytes come from candidates. The container format is given and codecs are allow-listed, so that a playlist or another
container under the name of WebM opens nothing (docs/security.md, "Evidence").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from .reader import raise_passing

VIDEO_CODECS = frozenset({"vp8", "vp9", "av1", "h264"})
AUDIO_CODECS = frozenset({"opus"})
MAX_STREAMS = 4


class Readable(Protocol):
    """What a demuxer reads from."""

    def read(self, size: int = -1) -> bytes: ...


class Unreadable(Exception):
    """The bytes are not a WebM stream that we take; the message says why."""


@dataclass(frozen=True, slots=True)
class TimedPacket:
    """``at_ms``: session clock. ``kind``: video or audio."""

    packet: Packet[Stream]
    kind: str
    at_ms: float
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that can be read: its container and the streams we take."""

    container: InputContainer
    video: Stream | None
    audio: Stream | None


@contextmanager
def open_webm(source: Readable) -> Iterator[Opened]:
    """Open a WebM byte stream.

    :raises Unreadable: for everything that is not WebM with an allowed codec.
    """
    try:
        container = av.open(source, mode="r", format="matroska,webm")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise_passing(error)
        raise Unreadable(f"not readable as WebM: {error}") from None
    try:
        if len(container.streams) > MAX_STREAMS:
            raise Unreadable(f"{len(container.streams)} streams")
        yield Opened(container, _first(container, "video", VIDEO_CODECS), _first(container, "audio", AUDIO_CODECS))
    finally:
        container.close()


def _first(container: InputContainer, kind: str, codecs: frozenset[str]) -> Stream | None:
    for stream in container.streams:
        if (
            stream.type == kind
            and stream.codec_context is not None
            and stream.codec_context.name in codecs | {f"lib{c}" for c in codecs}
        ):
            return stream
    return None


def timed_packets(opened: Opened, start_ms: float) -> Iterator[TimedPacket]:
    """Packets in file order, from the first key frame of the picture on; ends quietly where the data is cut off.

    :raises OSError: what the source raised (bytes that should be there are not).
    """
    streams = [s for s in (opened.video, opened.audio) if s is not None]
    # Once for each stream: making a Fraction of every packet's time base was a fifth of the whole copy.
    scales = {stream.index: 1000 * float(stream.time_base or 0) for stream in streams}
    waiting_for_key = opened.video is not None
    packets = opened.container.demux(streams)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            return  # a truncated tail: everything before it was good
        if packet is None:
            return
        if packet.pts is None or packet.size == 0:
            continue
        is_video = packet.stream is opened.video
        if is_video and waiting_for_key:
            if not packet.is_keyframe:
                continue
            waiting_for_key = False
        scale = scales[packet.stream_index]
        yield TimedPacket(
            packet, "video" if is_video else "audio", start_ms + packet.pts * scale, (packet.duration or 0) * scale
        )
