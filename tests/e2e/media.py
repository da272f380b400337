"""Finished recordings read back with PyAV, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av


@dataclass(frozen=True)
class Played:
    """What a file holds when it is decoded from its first to its last frame.

    A machine that is busy encodes fewer pictures, but never drops sound: ``longest_silence_s`` tells a real gap.
    """

    frames: int
    audio_frames: int
    duration_s: float
    first_s: float
    longest_gap_s: float
    longest_silence_s: float
    pictures: int


def play(file: Path) -> Played:
    """Decode everything; a decoding error fails the test."""
    times: list[float] = []
    sounds: list[float] = []
    pictures = set()
    audio = 0
    with av.open(str(file)) as container:
        container.streams.video[0].thread_type = "AUTO"
        assert container.duration is not None
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                times.append(float(frame.time or 0))
                pictures.add(hash(bytes(frame.reformat(32, 24, "gray8").planes[0])))
            else:
                audio += 1
                sounds.append(float(frame.time or 0))
        duration = container.duration / 1_000_000
    return Played(len(times), audio, duration, times[0], _longest(times), _longest(sounds), len(pictures))


def _longest(times: list[float]) -> float:
    return max((b - a for a, b in zip(times, times[1:], strict=False)), default=0.0)


def seek_and_decode(file: Path, second: float) -> float:
    """The time of the first picture that a player would show after seeking to ``second``."""
    with av.open(str(file)) as container:
        container.seek(int(second * 1_000_000))
        for frame in container.decode(video=0):
            return float(frame.time or 0)
    raise AssertionError("nothing to decode after the seek")
