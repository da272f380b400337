"""Real WebRTC clients for the tests: a publisher that sends a pre-encoded clip, a viewer that keeps every frame it gets."""

from __future__ import annotations

import asyncio
import fractions
import queue
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import aioice.ice
import av
import numpy
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from flask_proview.links import MediaLink

FPS = 15
CONFIGURATION = RTCConfiguration(iceServers=[])


@dataclass(frozen=True)
class Clip:
    """Encoded frames, ready to send: two seconds with a key frame every half."""

    video: list[bytes]
    audio: list[bytes]


@cache
def make_clip(seed: int = 1) -> Clip:
    """VP8 and Opus, encoded here; clips of different seeds have no frame in common."""
    noise = numpy.random.default_rng(seed)
    video = av.CodecContext.create("libvpx", "w")
    assert isinstance(video, av.VideoCodecContext)
    video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
    video.time_base, video.bit_rate, video.gop_size = fractions.Fraction(1, FPS), 400_000, 8
    video.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "keyint_min": "8",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
    }
    packets: list[bytes] = []
    base = noise.integers(0, 255, (30, 40, 3), dtype=numpy.uint8).repeat(8, 0).repeat(8, 1)
    for number in range(30):
        frame = av.VideoFrame.from_ndarray(numpy.roll(base, number * 4, axis=1), format="rgb24").reformat(
            format="yuv420p"
        )
        frame.pts = number
        packets += [bytes(packet) for packet in video.encode(frame)]
    packets += [bytes(packet) for packet in video.encode(None)]
    audio = av.CodecContext.create("libopus", "w")
    assert isinstance(audio, av.AudioCodecContext)
    audio.sample_rate, audio.layout, audio.format, audio.bit_rate = 48_000, "stereo", "s16", 32_000
    sounds: list[bytes] = []
    for number in range(100):
        samples = (noise.standard_normal((1, 1920)) * 3000).astype(numpy.int16)
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        sound.sample_rate, sound.pts = 48_000, number * 960
        sounds += [bytes(packet) for packet in audio.encode(sound)]
    return Clip([packet for packet in packets if packet], [sound for sound in sounds if sound])


class ClipTrack(MediaStreamTrack):
    """Plays encoded packets in a loop at their pace; aiortc sends them as they are."""

    def __init__(self, kind: str, packets: list[bytes], interval_s: float) -> None:
        super().__init__()
        self.kind = kind
        self._packets = packets
        self._interval_s = interval_s
        self._start: float | None = None
        self._number = 0
        self.sent: list[bytes] = []

    async def recv(self) -> Any:
        now = time.monotonic()
        if self._start is None:
            self._start = now
        await asyncio.sleep(max(0.0, self._start + self._number * self._interval_s - now))
        data = self._packets[self._number % len(self._packets)]
        packet = av.Packet(data)
        packet.time_base = fractions.Fraction(1, 48_000)
        packet.pts = packet.dts = round(self._number * self._interval_s * 48_000)
        self._number += 1
        self.sent.append(data)
        return packet


class Tap(queue.Queue[Any]):
    """Stands where aiortc hands frames to its decoder, and keeps them instead."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []
        self.timestamps: list[int] = []

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is None:
            super().put(None)
        else:
            self.frames.append(item[1].data)
            self.timestamps.append(item[1].timestamp)


def use_loopback(monkeypatch: Any) -> None:
    """aioice leaves 127.0.0.1 out."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


async def connected(pc: RTCPeerConnection, timeout_s: float = 15.0) -> None:
    await until(lambda: pc.connectionState in ("connected", "failed", "closed"), timeout_s)
    assert pc.connectionState == "connected", pc.connectionState


async def until(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.02)


async def ask(link: MediaLink, op: str, **fields: object) -> dict[str, Any]:
    return await asyncio.to_thread(lambda: link.request(op, 10.0, **fields))


@dataclass
class Publisher:
    """A candidate."""

    pc: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(CONFIGURATION))
    tracks: dict[str, ClipTrack] = field(default_factory=dict)

    @classmethod
    async def start(
        cls, link: MediaLink, session: str, clip: Clip, names: tuple[str, ...] = ("camera", "microphone")
    ) -> Publisher:
        publisher = cls()
        for name in names:
            audio = name == "microphone"
            track = ClipTrack("audio", clip.audio, 0.02) if audio else ClipTrack("video", clip.video, 1 / FPS)
            publisher.tracks[name] = track
            publisher.pc.addTransceiver(track, direction="sendonly")
        await publisher.pc.setLocalDescription(await publisher.pc.createOffer())
        mids = {t.mid: name for t, name in zip(publisher.pc.getTransceivers(), names, strict=True)}
        answer = await ask(link, "publish", session=session, sdp=publisher.pc.localDescription.sdp, tracks=mids)
        await publisher.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await connected(publisher.pc)
        return publisher

    def lose(self, share: float) -> None:
        """Throw away this share of the RTP packets on their way out, but not their repeats (aiortc keeps its history)."""
        transport = self.pc.getTransceivers()[0].sender.transport
        send = transport._send_rtp
        dice = random.Random(7)  # noqa: S311 - repeatable
        seen: set[bytes] = set()

        async def lossy(data: bytes) -> None:
            head = data[1:4] + data[8:12]
            first, is_rtp = head not in seen, not 191 < data[1] < 224
            seen.add(head)
            if not (is_rtp and first and dice.random() < share):
                await send(data)

        transport._send_rtp = lossy  # type: ignore[method-assign]


@dataclass
class Viewer:
    """A proctor."""

    pc: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(CONFIGURATION))
    taps: dict[str, Tap] = field(default_factory=dict)
    sdp: str = ""

    @classmethod
    async def start(
        cls,
        link: MediaLink,
        session: str,
        name: str,
        names: tuple[str, ...] = ("camera", "microphone"),
        wait: bool = True,
    ) -> Viewer:
        viewer = cls()
        for track in names:
            transceiver = viewer.pc.addTransceiver("audio" if track == "microphone" else "video", direction="recvonly")
            viewer.taps[track] = transceiver.receiver._RTCRtpReceiver__decoder_queue = Tap()  # type: ignore[attr-defined]
        await viewer.pc.setLocalDescription(await viewer.pc.createOffer())
        mids = {t.mid: track for t, track in zip(viewer.pc.getTransceivers(), names, strict=True)}
        viewer.sdp = viewer.pc.localDescription.sdp
        answer = await ask(link, "view", session=session, viewer=name, sdp=viewer.sdp, tracks=mids)
        await viewer.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        if wait:
            await connected(viewer.pc)
        return viewer
