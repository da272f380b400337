"""The second source: what a publisher sends, written as it is into WebM, sound and picture aligned by RTCP sender reports.

One recording is one file of one connection. Times in it are on the server's clock: a track's RTP clock is tied to the publisher's
NTP clock by its sender reports, and that to ours when the first report arrives. Without reports (the first two seconds, or a
silent sender) the time of arrival stands in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from . import rtp, vp8, webm
from .incoming import Packet
from .writer import OutputFile, Writer

ALIGN_WAIT_S = 2.0
VIDEO_WAIT_S = 5.0
MAX_WAITING_BYTES = 4 << 20
MAX_FRAME_BYTES = 2 << 20
# A report that moves a track further than this is a lie or a suspended machine; media time that leaves ours further, too.
MAX_SHIFT_MS = 500.0
MAX_STRAY_MS = 5000.0
DEFAULT_SIZE = (640, 480)


class Frame(NamedTuple):
    track: int
    timestamp: int
    data: bytes
    key: bool
    at: float


class Timeline:
    """Maps a track's RTP time to the server's clock in ms."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._reference: tuple[float, int] | None = None
        self.aligned = False

    def time_ms(self, timestamp: int, now_ms: float) -> float:
        """Server time of a timestamp; ties the clocks anew when they have drifted apart by seconds."""
        if self._reference is not None:
            time_ms = self._map(timestamp)
            if abs(time_ms - now_ms) <= MAX_STRAY_MS:
                return time_ms
        self._reference = (now_ms, timestamp)
        return now_ms

    def tie(self, timestamp: int, server_ms: float) -> None:
        """A sender report says that ``timestamp`` was at ``server_ms``."""
        if self._reference is None or not self.aligned or abs(self._map(timestamp) - server_ms) <= MAX_SHIFT_MS:
            self._reference = (server_ms, timestamp)
            self.aligned = True

    def _map(self, timestamp: int) -> float:
        assert self._reference is not None  # noqa: S101 - both callers looked
        server_ms, reference = self._reference
        ticks = (timestamp - reference + 0x80000000) % rtp.TIMESTAMP_MODULO - 0x80000000
        return server_ms + ticks * 1000 / self._clock_rate


class TrackRecorder:
    """Turns the packets of one track, in order, into frames of a recording."""

    def __init__(self, recording: Recording, number: int, clock_rate: int) -> None:
        self.number = number
        self.timeline = Timeline(clock_rate)
        self._recording = recording
        self._video = number == webm.VIDEO_TRACK
        self._parts: list[bytes] = []
        self._bytes = 0
        self._key = False
        self._needs_key = self._video

    def push(self, packet: Packet, now: float) -> bool:
        """Take a packet; false when only a key frame can go on."""
        if not self._video:
            if packet.payload:
                self._recording.add(Frame(self.number, packet.timestamp, packet.payload, True, now))
            return True
        descriptor = packet.descriptor
        if descriptor is None:
            return True
        if descriptor.first:
            self._parts, self._bytes, self._key = [], 0, descriptor.key
        elif not self._parts:
            return not self._needs_key
        self._parts.append(packet.payload[descriptor.size :])
        self._bytes += len(packet.payload)
        if self._bytes > MAX_FRAME_BYTES:
            self.gap()
        if not packet.marker or not self._parts:
            return True
        frame, self._parts = b"".join(self._parts), []
        if self._needs_key and not self._key:
            return False
        self._needs_key = False
        self._recording.add(Frame(self.number, packet.timestamp, frame, self._key, now))
        return True

    def gap(self) -> None:
        """Packets are gone for good: the next picture that decodes is a key frame."""
        self._parts = []
        self._needs_key = self._video


class Recording:
    """See the module.

    :param directory: ``RECORDINGS/<uuid[:2]>/<uuid>/live``.
    :param clock_rates: by track number, what the publisher declared.
    :param wall_ms: the server's clock.
    """

    def __init__(
        self,
        writer: Writer,
        directory: Path,
        name: str,
        clock_rates: Mapping[int, int],
        min_free_bytes: int,
        wall_ms: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._directory = directory
        self._name = name
        self._min_free_bytes = min_free_bytes
        self._wall_ms = wall_ms
        self.tracks = {number: TrackRecorder(self, number, rate) for number, rate in clock_rates.items()}
        self._clock_offset_ms: float | None = None
        self._waiting: list[Frame] = []
        self._waiting_bytes = 0
        self._wall_zero: float | None = None
        self._file: OutputFile | None = None
        self._started_ms = 0.0
        self._last_ms: dict[int, int] = {}
        self._clusters = webm.ClusterBuilder()
        self._flushed_at = 0.0
        self._closed = False

    def on_report(self, number: int, report: rtp.SenderReport, now: float) -> None:
        """A sender report of one track (RFC 3550 section 6.4.1)."""
        ntp_ms = report.ntp * 1000 / (1 << 32)
        if self._clock_offset_ms is None:
            self._clock_offset_ms = self._server_ms(now) - ntp_ms
        self.tracks[number].timeline.tie(report.timestamp, ntp_ms + self._clock_offset_ms)

    def _server_ms(self, now: float) -> float:
        """The server's clock at a monotonic time; read once, so that a clock that is set does not tear the file."""
        if self._wall_zero is None:
            self._wall_zero = self._wall_ms() - now * 1000
        return self._wall_zero + now * 1000

    def add(self, frame: Frame) -> None:
        if self._closed:
            return
        if self._file is not None:
            self._write(frame)
            return
        if frame.track == webm.VIDEO_TRACK or webm.VIDEO_TRACK not in self.tracks or self._waiting:
            self._waiting.append(frame)
            self._waiting_bytes += len(frame.data)
        elif self._flushed_at == 0.0:
            self._flushed_at = frame.at
        elif frame.at - self._flushed_at > VIDEO_WAIT_S:
            # The camera is silent; the sound is worth keeping.
            self._waiting.append(frame)
        self._start_if_ready(frame.at)

    def _start_if_ready(self, now: float) -> None:
        if not self._waiting:
            return
        aligned = all(track.timeline.aligned for track in self.tracks.values()) or len(self.tracks) == 1
        if aligned or now - self._waiting[0].at >= ALIGN_WAIT_S or self._waiting_bytes > MAX_WAITING_BYTES:
            self._start()

    def _start(self) -> None:
        frames, self._waiting = self._waiting, []
        first = frames[0]
        self._started_ms = self.tracks[first.track].timeline.time_ms(first.timestamp, self._server_ms(first.at))
        path = self._directory / f"{self._name}-{int(self._started_ms)}.webm"
        size = (
            next((vp8.dimensions(frame.data) for frame in frames if frame.track == webm.VIDEO_TRACK), None)
            or DEFAULT_SIZE
        )
        video, audio = webm.VIDEO_TRACK in self.tracks, webm.AUDIO_TRACK in self.tracks
        sidecar = json.dumps(
            {"track": self._name, "started_at": int(self._started_ms), "mime": webm.mime(video, audio)}
        ).encode()
        self._file = OutputFile(path)
        self._writer.put(self._file, partial(self._file.open, sidecar, self._min_free_bytes))
        self._put(webm.header(size if video else None, audio))
        self._flushed_at = first.at
        for frame in frames:
            self._write(frame)

    def _write(self, frame: Frame) -> None:
        timeline = self.tracks[frame.track].timeline
        time_ms = round(timeline.time_ms(frame.timestamp, self._server_ms(frame.at)) - self._started_ms)
        if time_ms < 0:
            return  # before the first picture
        # Players want times that do not run backwards within a track; a report may have moved the clock a little.
        time_ms = max(time_ms, self._last_ms.get(frame.track, 0))
        self._last_ms[frame.track] = time_ms
        self._put(self._clusters.add(frame.track, time_ms, frame.data, frame.key), frame.at)

    def _put(self, data: bytes | None, now: float | None = None) -> None:
        if data is not None and self._file is not None:
            self._writer.put(self._file, partial(self._file.write, data))
            if now is not None:
                self._flushed_at = now

    def tick(self, now: float) -> None:
        """Once a second: a cluster that no further frame closes is written all the same."""
        self._start_if_ready(now)
        if self._file is not None and now - self._flushed_at >= webm.CLUSTER_MS / 1000:
            self._put(self._clusters.flush(), now)

    def close(self) -> None:
        """Write the rest. Safe to call twice."""
        if self._closed:
            return
        if self._file is None and self._waiting:
            self._start()
        self._closed = True
        self._put(self._clusters.flush())
        if self._file is not None:
            self._writer.put(self._file, self._file.close)
