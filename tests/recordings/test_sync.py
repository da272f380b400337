"""Sound and picture in step: a flash and a beep at the same instants, recorded in runs with gaps, finalised, decoded, compared."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from flask_proview.recordings.finalise import Finaliser
from tests.webm_factory import Recorded, cut

from .conftest import Place, piece

pytestmark = pytest.mark.media

FPS, RATE, PERIOD_MS, LIT_MS = 30, 48_000, 1000, 100


class _Sink(io.RawIOBase):
    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self.data += chunk
        return len(chunk)


def signal(seconds: int, begin_ms: int, *, size: int = 96, codec: str = "libvpx") -> Recorded:
    """White and a tone for a tenth of every second of the session's clock; the run starts at ``begin_ms`` of it."""
    sink = _Sink()
    with av.open(sink, "w", format="webm", options={"live": "1", "cluster_time_limit": "1000"}) as container:
        video = container.add_stream(codec, rate=FPS)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = size, size, "yuv420p"
        video.options = {"deadline": "realtime", "cpu-used": "8", "g": str(FPS)}
        sound = container.add_stream("libopus", rate=RATE)
        for number in range(seconds * FPS):
            lit = (begin_ms + number * 1000 / FPS) % PERIOD_MS < LIT_MS
            frame = av.VideoFrame.from_ndarray(np.full((size, size, 3), 255 if lit else 0, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
            for block in range(number * 50 // FPS, (number + 1) * 50 // FPS):
                container.mux(sound.encode(_tone(block * 20, begin_ms)))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return Recorded(cut(bytes(sink.data)), 1000, seconds * FPS)


def _tone(at_ms: int, begin_ms: int) -> av.AudioFrame:
    milliseconds = np.arange(960) / 48 + at_ms
    loud = (milliseconds + begin_ms) % PERIOD_MS < LIT_MS
    samples = (np.sin(2 * np.pi * milliseconds) * 12_000 * loud).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, at_ms * 48, Fraction(1, RATE)
    return frame


def flashes(file: Path) -> list[float]:
    """When the picture turns white, seconds of the file."""
    found, dark = [], True
    with av.open(str(file)) as container:
        for frame in container.decode(video=0):
            lit = float(frame.to_ndarray(format="gray").mean()) > 128
            if lit and dark:
                found.append(float(frame.time or 0))
            dark = not lit
    return found


def beeps(file: Path) -> list[float]:
    """When the tone begins, seconds of the file: to a millisecond."""
    found: list[float] = []
    last_loud = -1.0
    with av.open(str(file)) as container:
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(np.float64)).reshape(-1)
            if frame.format.name.startswith("s16"):
                samples /= 32_768
            for at in range(0, len(samples), 48):
                moment = float(frame.time or 0) + at / frame.sample_rate
                if samples[at : at + 48].max() > 0.1:
                    if moment - last_loud > 0.3:
                        found.append(moment)
                    last_loud = moment
    return found


def store(place: Place, runs: list[tuple[int, Recorded]]) -> Path:
    session = place.start()
    for begin, run in runs:
        for seq, body in enumerate(run.pieces):
            place.pieces.store(piece(session, seq, body, run=begin))
    place.end(session, max(begin + 1000 * len(run.pieces) for begin, run in runs))
    Finaliser(place.db, place.config).finalise(session.uuid)
    return place.layout.recording_file(session.uuid, "camera")


def apart(file: Path) -> list[float]:
    """Distance of each flash to its beep, in ms."""
    seen, heard = flashes(file), beeps(file)
    assert len(seen) == len(heard), (seen, heard)
    return [abs(a - b) * 1000 for a, b in zip(seen, heard, strict=True)]


def test_runs_with_gaps_between_them_stay_in_step_on_the_sessions_clock(place: Place) -> None:
    starts = [0, 7300, 12_450, 40_333]
    file = store(place, [(begin, signal(5, begin)) for begin in starts])
    distances = apart(file)
    assert len(distances) >= 18
    assert max(distances) <= 100
    offset = flashes(file)[0]
    assert offset == pytest.approx(0, abs=0.05)
    for moment in flashes(file)[1:]:
        off_clock = (moment * 1000 + LIT_MS) % PERIOD_MS - LIT_MS
        assert -50 <= off_clock <= LIT_MS, moment


def test_a_missing_piece_does_not_shift_what_follows(place: Place) -> None:
    session = place.start()
    run = signal(10, 0)
    for seq, body in enumerate(run.pieces):
        if seq not in (3, 4):
            place.pieces.store(piece(session, seq, body))
    place.end(session, 10_000)
    Finaliser(place.db, place.config).finalise(session.uuid)
    distances = apart(place.layout.recording_file(session.uuid, "camera"))
    assert len(distances) >= 7
    assert max(distances) <= 100


def test_a_camera_that_was_replaced_by_one_with_another_resolution_stays_in_step(place: Place) -> None:
    file = store(place, [(0, signal(4, 0)), (4000, signal(4, 4000, size=160))])
    distances = apart(file)
    assert len(distances) == 8
    assert max(distances) <= 100
    with av.open(str(file)) as container:
        sizes = {(frame.width, frame.height) for frame in container.decode(video=0)}
    assert sizes == {(96, 96), (160, 160)}, "nothing is scaled on the server"
