"""Live forwarding against stock aiortc: ``python -m bench.live [--viewers N]``; under a minute.

One publisher sends the same encoded clip (VP8 640x480 at 15/s, 350 kbit/s, and Opus 32 kbit/s) to our media process and to a
server made of aiortc's MediaRelay, which decodes and encodes again for every viewer. Printed is the CPU time of the server process
per second and viewer, less what it costs without viewers; wall time and the clients' CPU do not count. Run it on a quiet machine:
when frames do not arrive, the figures are scaled to those that did, and a line says so.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fractions
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aioice.ice
import av
import numpy
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole, MediaRelay
from aiortc.mediastreams import MediaStreamTrack

from flask_proview.config import load_config
from flask_proview.links import MediaLink
from flask_proview.media.server import run

FPS = 15
SESSION = "00000000-0000-4000-8000-000000000000"
SECRET = "only for the benchmark " * 2
WINDOW_S = 6.0
CONFIGURATION = RTCConfiguration(iceServers=[])


def make_clip() -> tuple[list[bytes], list[bytes]]:
    """Four seconds of a moving pattern with noise, near the target rate."""
    noise = numpy.random.default_rng(1)
    video = av.CodecContext.create("libvpx", "w")
    video.width, video.height, video.pix_fmt, video.bit_rate = 640, 480, "yuv420p", 350_000
    video.time_base, video.gop_size = fractions.Fraction(1, FPS), FPS * 2
    video.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
    base = noise.integers(0, 255, (60, 80, 3), dtype=numpy.uint8).repeat(8, 0).repeat(8, 1)
    pictures: list[bytes] = []
    for number in range(FPS * 4):
        frame = av.VideoFrame.from_ndarray(numpy.roll(base, number * 2, axis=1), format="rgb24").reformat(
            format="yuv420p"
        )
        frame.pts = number
        pictures += [bytes(packet) for packet in video.encode(frame) if packet.size]
    audio = av.CodecContext.create("libopus", "w")
    audio.sample_rate, audio.layout, audio.format, audio.bit_rate = 48_000, "stereo", "s16", 32_000
    sounds: list[bytes] = []
    for number in range(200):
        sound = av.AudioFrame.from_ndarray(
            (noise.standard_normal((1, 1920)) * 3000).astype(numpy.int16), format="s16", layout="stereo"
        )
        sound.sample_rate, sound.pts = 48_000, number * 960
        sounds += [bytes(packet) for packet in audio.encode(sound) if packet.size]
    return pictures, sounds


class ClipTrack(MediaStreamTrack):
    """The clip in a loop, as encoded packets."""

    def __init__(self, kind: str, packets: list[bytes], interval_s: float) -> None:
        super().__init__()
        self.kind = kind
        self._packets, self._interval_s, self._number = packets, interval_s, 0
        self._start = time.monotonic()

    async def recv(self) -> Any:
        await asyncio.sleep(max(0.0, self._start + self._number * self._interval_s - time.monotonic()))
        packet = av.Packet(self._packets[self._number % len(self._packets)])
        packet.time_base = fractions.Fraction(1, 48_000)
        packet.pts = packet.dts = round(self._number * self._interval_s * 48_000)
        self._number += 1
        return packet


class CountingQueue:
    """In place of aiortc's decoder queue: the viewers only count, so that they leave the machine to the server."""

    def __init__(self) -> None:
        self.count = 0
        self._end = False

    def put(self, item: object) -> None:
        self.count += item is not None
        self._end = self._end or item is None

    def get(self) -> None:
        while not self._end:
            time.sleep(0.2)


def serve_relay(path: str) -> None:
    """The peer: aiortc as its documentation shows it, with the same link messages (one JSON line each)."""
    relay, peers, tracks = MediaRelay(), [], {}

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        pc = RTCPeerConnection(CONFIGURATION)
        peers.append(pc)
        if request["op"] == "publish":
            hole = MediaBlackhole()

            @pc.on("track")
            def on_track(track: MediaStreamTrack) -> None:
                tracks[track.kind] = track
                hole.addTrack(relay.subscribe(track))

            await pc.setRemoteDescription(RTCSessionDescription(request["sdp"], "offer"))
            await hole.start()
        else:
            for track in tracks.values():
                pc.addTrack(relay.subscribe(track))
            await pc.setRemoteDescription(RTCSessionDescription(request["sdp"], "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        return {"sdp": pc.localDescription.sdp}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(json.dumps(await answer(json.loads(line))).encode() + b"\n")

    async def main() -> None:
        server = await asyncio.start_unix_server(talk, path, limit=1 << 20)
        async with server:
            await server.serve_forever()

    asyncio.run(main())


class RelayLink:
    """The client of :func:`serve_relay`."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def request(self, op: str, **fields: object) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=1 << 20)
        writer.write(json.dumps({"op": op, **fields}).encode() + b"\n")
        reply = json.loads(await reader.readline())
        writer.close()
        return dict(reply)


class OurLink:
    """The product's own client, off the loop."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._link = MediaLink(load_config(config))

    async def request(self, op: str, **fields: object) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: self._link.request(op, 15.0, **fields))


async def connect(link: RelayLink | OurLink, op: str, pc: RTCPeerConnection, **fields: object) -> None:
    await pc.setLocalDescription(await pc.createOffer())
    names = {"video": "camera", "audio": "microphone"}
    mids = {transceiver.mid: names[transceiver.kind] for transceiver in pc.getTransceivers()}
    reply = await link.request(op, session=SESSION, sdp=pc.localDescription.sdp, tracks=mids, **fields)
    await pc.setRemoteDescription(RTCSessionDescription(reply["sdp"], "answer"))
    deadline = time.monotonic() + 15
    while pc.connectionState != "connected":
        if time.monotonic() > deadline:
            raise TimeoutError(f"no connection for {op}: {pc.connectionState}")
        await asyncio.sleep(0.02)


def cpu_s(pid: int) -> float:
    """CPU time of all threads, in seconds (proc(5), schedstat counts nanoseconds)."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total / 1e9


async def rate(pid: int, seconds: float) -> float:
    before, start = cpu_s(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return (cpu_s(pid) - before) / (time.monotonic() - start)


async def measure(
    link: RelayLink | OurLink, pid: int, viewers: int, clip: tuple[list[bytes], list[bytes]]
) -> tuple[float, float]:
    """(CPU-seconds per viewer-second of delivered frames, share of the frames that arrived)."""
    peers = [RTCPeerConnection(CONFIGURATION)]
    queues: list[CountingQueue] = []
    try:
        peers[0].addTransceiver(ClipTrack("video", clip[0], 1 / FPS), direction="sendonly")
        peers[0].addTransceiver(ClipTrack("audio", clip[1], 0.02), direction="sendonly")
        await connect(link, "publish", peers[0])
        await asyncio.sleep(1.5)
        alone = await rate(pid, WINDOW_S / 2)
        for number in range(viewers):
            pc = RTCPeerConnection(CONFIGURATION)
            peers.append(pc)
            for kind in ("video", "audio"):
                receiver = pc.addTransceiver(kind, direction="recvonly").receiver
                queues.append(CountingQueue())
                receiver._RTCRtpReceiver__decoder_queue = queues[-1]  # type: ignore[attr-defined]
            await connect(link, "view", pc, viewer=f"v{number}")
        await asyncio.sleep(2.5)
        frames = sum(q.count for q in queues)
        together = await rate(pid, WINDOW_S)
        arrived = (sum(q.count for q in queues) - frames) / (viewers * WINDOW_S * (FPS + 50))
        # A server that a busy machine kept from delivering must not look cheap.
        return (together - alone) / viewers / max(arrived, 0.01), arrived
    finally:
        for pc in peers:
            await pc.close()


def start_server(which: str, argument: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.live", "--serve", which, argument]
    return subprocess.Popen(command)  # noqa: S603 - our own module


async def compare(viewers: int, relay_viewers: int, directory: str) -> None:
    clip = make_clip()
    config = {
        "secrets": {"keys": [SECRET]},
        "storage": {"recordings": f"{directory}/recordings", "min_free_mb": 1},
        "media": {"link": f"unix:{directory}/ours.sock", "host_addresses": ["127.0.0.1"]},
    }
    results = {}
    for name, count in (("ours", viewers), ("aiortc MediaRelay", relay_viewers)):
        ours = name == "ours"
        argument = json.dumps(config) if ours else f"{directory}/relay.sock"
        process = start_server("ours" if ours else "relay", argument)
        try:
            socket = f"{directory}/{'ours' if ours else 'relay'}.sock"
            while not os.path.exists(socket):  # noqa: ASYNC110, ASYNC240 - started once
                await asyncio.sleep(0.05)
            link = OurLink(config) if ours else RelayLink(socket)
            results[name] = (count, *await measure(link, process.pid, count, clip))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)
    print(
        f"{'live forwarding, one publisher':34}{'viewers':>8}{'CPU-s per viewer-s':>20}{'viewers per core':>18}{'frames arrived':>16}"
    )
    for name, (count, cost, arrived) in results.items():
        print(f"{name:34}{count:>8}{cost:>20.5f}{1 / max(cost, 1e-9):>18.0f}{arrived:>15.0%}")
    if min(arrived for _, _, arrived in results.values()) < 0.9:
        print("Less than 90% of the frames arrived somewhere: the machine was too busy for a fair comparison.")
    mine, peer = results["ours"][1], results["aiortc MediaRelay"][1]
    print(
        json.dumps(
            {"name": "live forwarding", "ours": round(mine, 6), "peer": round(peer, 6), "ratio": round(peer / mine, 1)}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.live", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--viewers", type=int, default=12, help="viewers of our server (at most 16)")
    # A core of stock relay holds six; two leave the machine room, so that its frames are not late.
    parser.add_argument("--relay-viewers", type=int, default=2)
    parser.add_argument("--serve", nargs=2, metavar=("WHICH", "ARGUMENT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    # The traffic stays on the machine; aioice leaves loopback out by itself.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    if arguments.serve:
        which, argument = arguments.serve
        if which == "ours":
            run(load_config(json.loads(argument)))
        else:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            serve_relay(argument)
        return
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(compare(arguments.viewers, arguments.relay_viewers, directory))


if __name__ == "__main__":
    main()
