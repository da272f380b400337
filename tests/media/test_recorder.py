"""The second source: readable after a kill, frames untouched, sound and picture aligned."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import av
import pytest

from flask_proview.links import MediaLink
from flask_proview.media import rtp, webm
from flask_proview.media.incoming import Packet
from flask_proview.media.recorder import Recording, Timeline
from flask_proview.media.vp8 import parse_descriptor
from flask_proview.media.writer import MAX_JOBS, OutputFile, Writer

from .clients import Publisher, make_clip, until
from .conftest import SESSION, MediaProcess

pytestmark = pytest.mark.system  # servers of its own, seconds each

NTP_SECOND = 1 << 32


def packets_of(path: Path, kind: str) -> list[tuple[int, bytes]]:
    with av.open(str(path), format="webm") as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [(int(packet.pts or 0), bytes(packet)) for packet in container.demux(stream) if packet.size]


@pytest.mark.media
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_killed_process_leaves_readable_files(
    link: MediaLink, media: MediaProcess, number: signal.Signals
) -> None:
    clip = make_clip()
    publisher = await Publisher.start(link, SESSION, clip, names=("camera", "microphone", "screen"))
    await until(
        lambda: all(
            files and files[0].stat().st_size > 40_000 for files in (media.files("camera"), media.files("screen"))
        )
    )
    assert media.process is not None
    media.process.send_signal(number)
    assert await asyncio.to_thread(media.process.wait, 15) == (0 if number is signal.SIGTERM else -number)
    await publisher.pc.close()
    for name in ("camera", "screen"):
        (path,) = media.files(name)
        frames = [data for _, data in packets_of(path, "video")]
        assert len(frames) >= 8
        assert set(frames) <= set(clip.video)
        with av.open(str(path), format="webm") as container:
            assert sum(1 for _ in container.decode(video=0)) == len(frames)
        side = media.sidecar(path)
        assert side["track"] == name
        assert isinstance(side["started_at"], int)
        assert abs(time.time() * 1000 - side["started_at"]) < 60_000
        assert path.stem == f"{name}-{side['started_at']}"
    sounds = packets_of(media.files("camera")[0], "audio")
    assert {data for _, data in sounds} <= set(clip.audio)
    times = [pts for pts, _ in sounds]
    assert times == sorted(times)


def video_packet(number: int, timestamp: int, data: bytes) -> Packet:
    payload = b"\x10" + data
    return Packet(None, number, timestamp, True, payload, parse_descriptor(payload))


def audio_packet(number: int, timestamp: int, data: bytes) -> Packet:
    return Packet(None, number, timestamp, True, data, None)


def make_recording(directory: Path, rates: dict[int, int]) -> tuple[Recording, Writer]:
    writer = Writer(Counter())
    writer.start()
    return Recording(writer, directory, "camera", rates, 0, lambda: 1_700_000_000_000.0), writer


def test_sender_reports_put_sound_and_picture_on_one_clock(tmp_path: Path) -> None:
    clip = make_clip()
    recording, writer = make_recording(tmp_path, {webm.VIDEO_TRACK: 90_000, webm.AUDIO_TRACK: 48_000})
    video, audio = recording.tracks[webm.VIDEO_TRACK], recording.tracks[webm.AUDIO_TRACK]
    # Captured at the same moment; the network delivers the picture 120 ms later than the sound.
    ntp = 100 * NTP_SECOND
    recording.on_report(webm.AUDIO_TRACK, rtp.SenderReport(2, ntp, 5000), 0.0)
    recording.on_report(webm.VIDEO_TRACK, rtp.SenderReport(1, ntp, 900_000), 0.0)
    for number in range(30):
        video.push(video_packet(number, 900_000 + number * 6000, clip.video[number]), number / 15 + 0.12)
        for step in range(3):
            count = number * 3 + step
            audio.push(audio_packet(count, 5000 + count * 960, clip.audio[count]), count / 50)
    recording.close()
    writer.stop()
    (path,) = tmp_path.glob("*.webm")
    pictures, sounds = packets_of(path, "video"), packets_of(path, "audio")
    assert [data for _, data in pictures] == clip.video
    by_data = {data: pts for pts, data in sounds}
    # Sound number 30 was captured 600 ms after the first picture, and stands there.
    assert by_data[clip.audio[30]] - pictures[0][0] == pytest.approx(600, abs=2)


def test_without_reports_the_arrival_counts(tmp_path: Path) -> None:
    clip = make_clip()
    recording, writer = make_recording(tmp_path, {webm.VIDEO_TRACK: 90_000, webm.AUDIO_TRACK: 48_000})
    for number in range(45):
        recording.tracks[webm.VIDEO_TRACK].push(
            video_packet(number, number * 6000, clip.video[number % 30]), 10 + number / 15
        )
    recording.close()
    writer.stop()
    (path,) = tmp_path.glob("*.webm")
    assert [pts for pts, _ in packets_of(path, "video")][:3] == [0, 67, 133]


def test_sound_alone_is_kept(tmp_path: Path) -> None:
    recording, writer = make_recording(tmp_path, {webm.VIDEO_TRACK: 90_000, webm.AUDIO_TRACK: 48_000})
    for number in range(400):
        recording.tracks[webm.AUDIO_TRACK].push(audio_packet(number, number * 960, b"\xfc" + bytes(20)), number / 50)
    recording.close()
    writer.stop()
    (path,) = tmp_path.glob("*.webm")
    assert len(packets_of(path, "audio")) > 100


def test_a_gap_drops_pictures_until_the_next_key_frame(tmp_path: Path) -> None:
    clip = make_clip()
    recording, writer = make_recording(tmp_path, {webm.VIDEO_TRACK: 90_000})
    track = recording.tracks[webm.VIDEO_TRACK]
    deltas = next(number for number in range(2, 30) if not clip.video[number][0] & 1)
    assert track.push(video_packet(0, 0, clip.video[0]), 0.0)
    track.gap()
    assert not track.push(video_packet(2, 6000, clip.video[1]), 0.1)
    assert track.push(video_packet(3, 12_000, clip.video[deltas]), 0.2)
    recording.close()
    writer.stop()
    (path,) = tmp_path.glob("*.webm")
    assert [data for _, data in packets_of(path, "video")] == [clip.video[0], clip.video[deltas]]


def test_a_lying_clock_is_not_believed() -> None:
    timeline = Timeline(90_000)
    assert timeline.time_ms(0, 1000.0) == 1000.0
    timeline.tie(0, 1010.0)
    assert timeline.time_ms(9000, 1100.0) == pytest.approx(1110)
    timeline.tie(9000, 99_999.0)
    assert timeline.time_ms(18_000, 1200.0) == pytest.approx(1210)
    # A time stamp from far away (a suspended machine, a hostile sender) is put where it arrived.
    assert timeline.time_ms(18_000 + 90_000 * 3600, 1300.0) == 1300.0
    # Wrap-around of 32 bits is ordinary.
    wrapped = Timeline(90_000)
    wrapped.time_ms((1 << 32) - 9000, 0.0)
    assert wrapped.time_ms(9000, 200.0) == pytest.approx(200)


def test_a_full_disk_ends_the_file_and_nothing_else(tmp_path: Path) -> None:
    dropped: Counter[str] = Counter()
    writer = Writer(dropped)
    file = OutputFile(tmp_path / "camera-1.webm")
    writer.put(file, lambda: file.open(b"{}", 1 << 60))
    writer.start()
    writer.stop()
    assert file.failed
    assert dropped["disk"] == 1
    assert not list(tmp_path.glob("*.webm"))


def test_a_hanging_disk_costs_recording_and_no_memory(tmp_path: Path) -> None:
    dropped: Counter[str] = Counter()
    writer = Writer(dropped)
    file = OutputFile(tmp_path / "camera-1.webm")
    for _ in range(MAX_JOBS + 5):
        writer.put(file, lambda: None)
    assert dropped["writer"] == 5
    writer.start()
    writer.stop()
    writer.stop()


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "camera-1.webm"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        OutputFile(path).open(b"{}", 0)
    assert not (tmp_path / "elsewhere").exists()
