"""Copy the packets of a track's segments into one seekable WebM. Nothing is decoded, memory is constant."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.stream import Stream

from flask_proview.sessions.ledger import Cause, Interval

from .packets import TimedPacket, Unreadable, open_webm, timed_packets
from .reader import raise_passing
from .sources import Segment

MILLISECONDS = Fraction(1, 1000)
# A still screen sends few pictures, so pieces may say that they last longer than their packets show; this much is believed.
STILL_MS = 10_000.0
# Sound comes every 20 ms, so where it is recorded a silence of packets is a hole, however far the next stamp jumps.
HOLE_MS = 2000.0
# Stamps of neighbouring runs may overlap by a rounding or a clock step, and where one recorder took over from another by a moment
# in which both ran. Pictures are moved together then; without the first of them all would be lost up to the next key frame.
OVERLAP_MS = {"video": 1000, "audio": 100}


@dataclass(slots=True)
class Remuxed:
    """What was copied. Times are session-clock ms; ``intervals`` are the recorded stretches, ``unusable`` those whose bytes are there but cannot be in this file."""

    offset_ms: float = 0.0
    end_ms: float = 0.0
    packets: int = 0
    codecs: tuple[str, ...] = ()
    intervals: list[Interval] = field(default_factory=list)
    notes: list[dict[str, object]] = field(default_factory=list)
    unusable: list[Cause] = field(default_factory=list)

    @property
    def duration_ms(self) -> float:
        return self.end_ms - self.offset_ms


def remux(segments: Sequence[Segment], target: Path) -> Remuxed | None:
    """Write ``target`` (replaced as a whole, durable when this returns); None when there is nothing to play.

    Odd segments (not readable, other codec) are left out and noted.
    """
    result = Remuxed()
    temporary = target.with_suffix(".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            output = stack.enter_context(av.open(str(temporary), "w", format="webm"))
            writer = _Writer(output, result)
            _add_streams(writer, segments, stack)
            if writer.video is None and writer.audio is None:
                return None
            for segment in segments:
                writer.copy(segment)
        if not result.packets:
            return None
        _make_durable(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return result


def _add_streams(writer: _Writer, segments: Sequence[Segment], stack: ExitStack) -> None:
    """The output's streams: the first picture and the first sound that any segment has."""
    for segment in segments:
        if writer.video is not None and writer.audio is not None:
            return
        with ExitStack() as opening:
            try:
                opened = opening.enter_context(open_webm(opening.enter_context(segment.open())))
            except (Unreadable, OSError) as error:
                raise_passing(error)
                continue  # noted when it is copied
            new_video = writer.video is None and opened.video is not None
            new_audio = writer.audio is None and opened.audio is not None
            if new_video and opened.video is not None:
                writer.video = _Track(writer.output.add_stream_from_template(opened.video), opened.video)
            if new_audio and opened.audio is not None:
                writer.audio = _Track(writer.output.add_stream_from_template(opened.audio), opened.audio)
            if new_video or new_audio:
                stack.push(opening.pop_all())  # a template must outlive the output; the others are closed at once


class WriteFailed(Exception):
    """The recording could not be written (disk full); nothing that lies in a segment is to blame."""


class _Track:
    """One output stream: its codec and the last time written."""

    def __init__(self, stream: Stream, template: Stream) -> None:
        self.stream = stream
        self.codec = template.codec_context.name
        self.last_ms = -1
        self.waits_for_key = False


class _Writer:
    """Puts timed packets into the container, in order and without going back in time."""

    def __init__(self, output: OutputContainer, result: Remuxed) -> None:
        self.output = output
        self.result = result
        self.video: _Track | None = None
        self.audio: _Track | None = None
        self._started = False

    def copy(self, segment: Segment) -> None:
        """All packets of a segment that lie within its limits."""
        stretches: list[list[float]] = []
        astray = 0
        try:
            with segment.open() as reader, open_webm(reader) as opened:
                usable = self._usable(opened.video, opened.audio, segment)
                hole_ms = HOLE_MS if "audio" in usable else math.inf
                needs_key = True
                for timed in timed_packets(opened, segment.clock_ms):
                    if timed.kind not in usable:
                        continue
                    if timed.at_ms >= segment.to_ms:
                        if segment.source == "live":
                            break
                        astray += 1
                        continue
                    if segment.source == "live" and timed.at_ms < segment.from_ms:
                        continue
                    if timed.kind == "video" and needs_key and not timed.packet.is_keyframe:
                        continue  # a live file is entered anywhere
                    needs_key = needs_key and timed.kind != "video"
                    if self._write(timed):
                        _extend(stretches, timed.at_ms, timed.at_ms + timed.duration_ms, hole_ms)
        except (Unreadable, OSError) as error:
            raise_passing(error)
            self._note(segment, "unreadable", str(error)[:200])
            self._unusable(segment, "unreadable")
        if astray:
            self._note(segment, "astray", f"{astray} packets lie after the end of their pieces")
        if not stretches:
            self._note(segment, "empty")
            return
        last = stretches[-1][1]
        self.result.end_ms = max(self.result.end_ms, last)
        stretches[-1][1] = max(last, min(segment.covered_ms or last, last + STILL_MS))
        self.result.intervals += [Interval(round(start), round(end), segment.source) for start, end in stretches]

    def _unusable(self, segment: Segment, cause: str) -> None:
        if segment.source == "live":
            return  # what kept the upload from coming is the cause; that the second source has nothing either is none
        end = segment.covered_ms if segment.covered_ms is not None else segment.to_ms
        self.result.unusable.append(Cause(round(segment.from_ms), round(end), cause))

    def _note(self, segment: Segment, code: str, detail: str | None = None) -> None:
        note: dict[str, object] = {"file": segment.path.name, "code": code}
        self.result.notes.append(note if detail is None else {**note, "detail": detail})

    def _usable(self, video: Stream | None, audio: Stream | None, segment: Segment) -> set[str]:
        usable = set()
        for kind, stream, track in (("video", video, self.video), ("audio", audio, self.audio)):
            if stream is None or track is None:
                continue
            if stream.codec_context.name == track.codec:
                usable.add(kind)
            else:
                self._note(segment, "other_codec", f"{stream.codec_context.name}, not {track.codec}")
                self._unusable(segment, "codec")
        return usable

    def _write(self, timed: TimedPacket) -> bool:
        track = self.video if timed.kind == "video" else self.audio
        if track is None:
            return False
        if not self._started:
            self._started = True
            self.result.offset_ms = timed.at_ms
            self.result.codecs = tuple(t.codec.removeprefix("lib") for t in (self.video, self.audio) if t is not None)
        at = round(timed.at_ms - self.result.offset_ms)
        if track.last_ms - at > OVERLAP_MS[timed.kind]:
            track.waits_for_key = timed.kind == "video"  # two runs that cross in time: the earlier one wins
            return False
        if track.waits_for_key and not timed.packet.is_keyframe:
            return False
        track.waits_for_key = False
        at = max(at, track.last_ms + 1)
        track.last_ms = at
        packet = timed.packet
        duration = round(timed.duration_ms)
        packet.stream = track.stream
        packet.time_base = MILLISECONDS
        packet.pts = packet.dts = at
        packet.duration = duration
        try:
            self.output.mux(packet)
        except OSError as error:
            raise WriteFailed(str(error)) from error
        self.result.packets += 1
        return True


def _extend(stretches: list[list[float]], start: float, end: float, hole_ms: float) -> None:
    """Add one packet's time to the stretches that were copied."""
    if stretches and start - stretches[-1][1] <= hole_ms:
        stretches[-1][1] = max(stretches[-1][1], end)
    else:
        stretches.append([start, end])


def _make_durable(temporary: Path, target: Path) -> None:
    with open(temporary, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(temporary, target)
    handle = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
