"""``python -m bench.finalise``: recorded seconds that one CPU-second finalises.

A session of many runs (a page load starts one) is stored as pieces of a second and finalised: demultiplexed, joined on the
session clock, written as one seekable WebM, hashed, the ledger computed. The peer is ``ffmpeg -c copy`` of the same bytes,
run by run, where ffmpeg is installed, else the packet loop of PyAV's own documentation: copying alone, without joining,
hashing and rows. For scale, what tools need that join recordings by encoding them again (a shorter piece).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import av

from flask_proview.config import Config, load_config
from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.pieces import IncomingPiece, PieceError, PieceStore, Verdict
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.models import Recording, Session, State
from flask_proview.sessions.store import SessionStore, StartRequest

CLUSTER = b"\x1f\x43\xb6\x75"
FPS, WIDTH, HEIGHT, KBPS = 15, 640, 480, 300
RUN_S = 10
PEER_S = 2
# Any byte → a little around grey.
NOISE = bytes(126 + value % 5 for value in range(256))


class _Sink(io.RawIOBase):
    """A recorder cannot go back and patch its header."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self.data += chunk
        return len(chunk)


def record(seconds: int) -> bytes:
    """VP8 and Opus as a browser records them at the default settings: a cluster a second, a key frame every two."""
    sink = _Sink()
    with av.open(sink, "w", format="webm", options={"live": "1", "cluster_time_limit": "1000"}) as container:
        video = container.add_stream("libvpx", rate=FPS)
        video.width, video.height, video.pix_fmt, video.bit_rate = WIDTH, HEIGHT, "yuv420p", KBPS * 1000
        video.options = {"deadline": "realtime", "cpu-used": "12", "g": str(2 * FPS)}
        sound = container.add_stream("libopus", rate=48_000)
        sound.bit_rate = 32_000
        for number in range(seconds * FPS):
            container.mux(video.encode(_picture(number)))
            for part in range(number * 50 // FPS, (number + 1) * 50 // FPS):
                container.mux(sound.encode(_noise(part)))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return bytes(sink.data)


def _picture(number: int) -> av.VideoFrame:
    """Grey with the noise of a cheap camera and a moving bar."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane in frame.planes:
        pixels = bytearray(os.urandom(plane.buffer_size).translate(NOISE))
        at = number * 16 % plane.height * plane.line_size
        pixels[at : at + 8 * plane.line_size] = bytes(8 * plane.line_size)
        plane.update(bytes(pixels[: plane.buffer_size]))
    frame.pts, frame.time_base = number, Fraction(1, FPS)
    return frame


def _noise(number: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="mono", samples=960)
    for plane in frame.planes:
        plane.update(os.urandom(plane.buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
    return frame


def slices(data: bytes) -> list[bytes]:
    """Piece 0 is the header with the first cluster, every further piece a cluster."""
    starts = []
    at = data.find(CLUSTER)
    while at >= 0:
        starts.append(at)
        at = data.find(CLUSTER, at + 4)
    edges = [0, *starts[1:], len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def stored_session(config: Config, db: Database, pieces: list[bytes], runs: int) -> Session:
    """An ended session of ``runs`` recorder starts, one after the other."""
    sessions = SessionStore(db, config)
    session = sessions.start(StartRequest("a", "exam", "p", None, "ai_proctor", None, "https://exam.example.edu"))[0]
    with db.write() as orm:
        # It lasted until now: what a browser dates into the future is not believed.
        orm.get_one(Session, session.id).started_at -= runs * RUN_S * 1000
    store = PieceStore(db, config)
    store.start()
    slots = threading.BoundedSemaphore(200)

    def done(answer: Verdict | PieceError) -> None:
        if answer is not Verdict.STORED:
            print(f"a piece was not stored: {answer}")
            os._exit(1)
        slots.release()

    for run in range(runs):
        start_ms = run * RUN_S * 1000
        for seq, body in enumerate(pieces):
            slots.acquire()
            store.submit(
                IncomingPiece(
                    session.id, session.uuid, "camera", start_ms, seq, hashlib.sha256(body).hexdigest(),
                    start_ms + seq * 1000, 1000, 'video/webm;codecs="vp8,opus"', seq == len(pieces) - 1, body,
                ),
                done,
            )  # fmt: skip
    for _ in range(200):
        slots.acquire()
    store.stop()
    with db.write() as orm:
        row = orm.get_one(Session, session.id)
        row.state, row.ended_at = State.STOPPED.value, row.started_at + runs * RUN_S * 1000
        row.finalise_wanted_at = row.ended_at
    return session


def ours(directory: Path, data: bytes, runs: int) -> tuple[float, Recording]:
    """CPU-seconds of one finalisation, and what it made."""
    config = load_config(
        {
            "secrets": {"keys": ["benchmark-signing-key-of-more-than-32-characters"]},
            "storage": {
                "database": f"sqlite:///{directory}/proview.db",
                "recordings": str(directory / "recordings"),
                "min_free_mb": 1,
            },
        },
        environ={},
    )
    upgrade(config.storage.database)
    db = Database(config.storage.database)
    session = stored_session(config, db, slices(data), runs)
    cpu = time.process_time()
    [recording] = Finaliser(db, config).finalise(session.uuid)
    cost = time.process_time() - cpu
    db.dispose()
    return cost, recording


def copied_by_ffmpeg(ffmpeg: str, directory: Path, data: bytes, runs: int) -> float:
    """CPU-seconds that ffmpeg needs to copy the packets of every run."""
    source = directory / "run.webm"
    source.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for number in range(runs):
        target = directory / f"{number}.webm"
        arguments = [ffmpeg, "-v", "error", "-y", "-i", str(source), "-c", "copy", str(target)]
        subprocess.run(arguments, check=True)  # noqa: S603 - our own files
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def copied_by_pyav(directory: Path, data: bytes, runs: int) -> float:
    """CPU-seconds of the textbook loop: every packet of every run into a file of its own."""
    path = directory / "run.webm"
    path.write_bytes(data)
    cpu = time.process_time()
    for number in range(runs):
        with av.open(str(path)) as source, av.open(str(directory / f"{number}.webm"), "w") as target:
            streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream_index]
                    target.mux(packet)
    return time.process_time() - cpu


def encoded_again(data: bytes) -> float:
    """CPU-seconds to decode and encode a run."""
    cpu = time.process_time()
    with av.open(io.BytesIO(data), "r") as source, av.open(io.BytesIO(), "w", format="webm") as target:
        video = target.add_stream("libvpx", rate=FPS)
        video.width, video.height, video.pix_fmt, video.bit_rate = WIDTH, HEIGHT, "yuv420p", KBPS * 1000
        video.options = {"deadline": "realtime", "cpu-used": "12"}
        sound = target.add_stream("libopus", rate=48_000)
        for frame in source.decode():
            if isinstance(frame, av.VideoFrame):
                target.mux(video.encode(frame))
            elif isinstance(frame, av.AudioFrame):
                target.mux(sound.encode(frame))
        target.mux(video.encode(None))
        target.mux(sound.encode(None))
    return time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.finalise")
    parser.add_argument("--minutes", type=int, default=30, help="length of the session")
    minutes: int = parser.parse_args().minutes
    runs = minutes * 60 // RUN_S
    data = record(RUN_S)
    with tempfile.TemporaryDirectory() as name:
        cost, recording = ours(Path(name), data, runs)
        expected_ms = runs * RUN_S * 1000
        if abs(recording.duration_ms - expected_ms) > 1000:
            raise SystemExit(f"the recording has {recording.duration_ms} ms instead of {expected_ms}")
        mine = expected_ms / 1000 / cost
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is not None:
            label, other = "ffmpeg -c copy, run by run", runs * RUN_S / copied_by_ffmpeg(ffmpeg, Path(name), data, runs)
        else:
            label, other = "PyAV packet copy, run by run", runs * RUN_S / copied_by_pyav(Path(name), data, runs)
        encoding = PEER_S / encoded_again(record(PEER_S))
    print(f"{'finalise':34}{'x real time':>14}{'CPU-s per hour':>17}")
    for who, speed in (("ours, packet copy", mine), (label, other), ("decode and encode again", encoding)):
        print(f"{who:34}{speed:>14.0f}{3600 / speed:>17.2f}")
    print(
        f"{minutes} min in {runs} runs, {recording.bytes / 2**20:.0f} MiB, {len(recording.notes)} notes; peak memory "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB, the encoder of the test signal included"
    )
    print(
        json.dumps(
            {
                "name": "finalise",
                "unit": "x real time in CPU-seconds",
                "peer_name": label,
                "ours": round(mine),
                "peer": round(other, 1),
                "ratio": round(mine / other, 2),
                "encode_again": round(encoding, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
