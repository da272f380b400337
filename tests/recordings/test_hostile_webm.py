"""What a candidate may upload in place of a recording. Nothing is decoded, nothing else is opened, and the ledger is not fooled."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from sqlalchemy import select

from flask_proview.recordings.finalise import Finaliser
from flask_proview.sessions.models import Outcome, Recording, Session
from tests.webm_factory import CLUSTER, Recorded, record

from .conftest import Place, piece

pytestmark = pytest.mark.media
SECONDS = 6
TIMESTAMP = b"\xe7"
TIMESTAMP_SCALE = b"\x2a\xd7\xb1"


@pytest.fixture(scope="module")
def good() -> Recorded:
    return record(SECONDS)


def send(place: Place, session: Session, pieces: list[bytes], run: int = 0) -> None:
    for seq, body in enumerate(pieces):
        place.pieces.store(piece(session, seq, body, run=run, last=seq == len(pieces) - 1))


def finalise(place: Place, session: Session, length_ms: int) -> list[Recording]:
    place.end(session, length_ms)
    made = Finaliser(place.db, place.config).finalise(session.uuid)
    with place.db.read() as db:
        ledger = db.scalars(select(Outcome).where(Outcome.session_id == session.id)).all()
    assert sum(row.to_ms - row.from_ms for row in ledger) == length_ms, "the ledger has every millisecond once"
    return made


def recorded_ms(place: Place, session: Session) -> int:
    with place.db.read() as db:
        rows = db.scalars(select(Outcome).where(Outcome.session_id == session.id, Outcome.outcome == "recorded")).all()
    return sum(row.to_ms - row.from_ms for row in rows)


def decoded_frames(file: Path) -> int:
    with av.open(str(file), "r") as container:
        return sum(1 for _ in container.decode(video=0))


def mutations(data: bytes, count: int) -> list[bytes]:
    """Damaged copies: flipped bits, cuts, doubled and moved parts, rubbish, sizes that lie."""
    dice = random.Random(7)  # noqa: S311 - the same ones in every run

    def flip(b: bytearray) -> None:
        for _ in range(dice.randint(1, 40)):
            b[dice.randrange(len(b))] ^= 1 << dice.randrange(8)

    def break_header(b: bytearray) -> None:
        for _ in range(dice.randint(1, 6)):
            b[dice.randrange(600)] = dice.randrange(256)

    def cut(b: bytearray) -> None:
        at = dice.randrange(len(b))
        del b[at : at + dice.randrange(5000)]

    def double(b: bytearray) -> None:
        at = dice.randrange(len(b))
        b[at:at] = b[at : at + 5000] * dice.randint(1, 20)

    def insert(b: bytearray) -> None:
        at = dice.randrange(len(b))
        b[at:at] = dice.randbytes(dice.randrange(3000))

    def lie(b: bytearray) -> None:
        at = dice.randrange(len(b) - 8)
        b[at : at + 8] = dice.choice(
            [b"\x01" + b"\xff" * 7, b"\x01\x00\x00\x00\x7f\xff\xff\xff", b"\x08\xff\xff\xff" * 2]
        )

    ways: list[Callable[[bytearray], None]] = [flip, break_header, cut, double, insert, lie]
    result = []
    for number in range(count):
        copy = bytearray(data)
        ways[number % len(ways)](copy)
        result.append(bytes(copy))
    return result


def test_damaged_streams_cost_at_most_themselves(place: Place, good: Recorded) -> None:
    session = place.start()
    for number, body in enumerate(mutations(good.whole, 60)):
        place.pieces.store(piece(session, 0, body, run=number, start_ms=number * 100, duration_ms=6000))
    send(place, session, good.pieces, run=9000)
    [recording] = finalise(place, session, 15_000)
    assert 0 < recording.duration_ms <= 9000 + SECONDS * 1000 + 11_000
    file = place.layout.recording_file(session.uuid, "camera")
    with av.open(str(file), "r") as container:
        times = [p.pts for p in container.demux(video=0) if p.pts is not None]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "body",
    [
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<html><script>alert(1)</script></html>",
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(500),
        b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(500),
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(500),
        b"\x1a\x45\xdf\xa3\x80" * 2000,
        bytes(100_000),
    ],
    ids=["playlist", "concat", "html", "mp4", "avi", "magic", "endless element", "empty headers", "zeros"],
)
def test_other_files_under_the_name_of_webm_are_noted_and_open_nothing(place: Place, body: bytes) -> None:
    session = place.start()
    place.pieces.store(piece(session, 0, body))
    assert finalise(place, session, 2000) == []
    assert recorded_ms(place, session) == 0
    assert not place.layout.recording_file(session.uuid, "camera").exists()


def test_a_codec_that_is_not_allowed_is_not_copied(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "other.mkv"
    with av.open(str(file), "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuvj420p"
        frame = av.VideoFrame(160, 120, "yuvj420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    session = place.start()
    place.pieces.store(piece(session, 0, file.read_bytes()))
    assert finalise(place, session, 1000) == []
    assert recorded_ms(place, session) == 0


def with_cluster_time(cluster: bytes, time_ms: int) -> bytes:
    """The cluster says another time. Its size is unknown or given in eight bytes, as recorders write it."""
    at = cluster.index(TIMESTAMP, 4)
    length = cluster[at + 1] & 0x7F
    element = TIMESTAMP + b"\x88" + time_ms.to_bytes(8, "big")
    return CLUSTER + b"\x01" + b"\xff" * 7 + element + cluster[at + 2 + length :]


@pytest.mark.parametrize("time_ms", [10**6, 2**40, 2**62])
def test_a_stamp_far_ahead_does_not_make_hours_recorded(place: Place, good: Recorded, time_ms: int) -> None:
    session = place.start()
    pieces = list(good.pieces)
    pieces[2] = with_cluster_time(pieces[2], time_ms)
    send(place, session, pieces)
    [recording] = finalise(place, session, 3_600_000)
    assert recording.duration_ms <= SECONDS * 1000 + 200
    assert "astray" in [note["code"] for note in recording.notes]
    assert (SECONDS - 1.5) * 1000 <= recorded_ms(place, session) <= len(pieces) * 1000
    # The other five seconds play.
    assert decoded_frames(place.layout.recording_file(session.uuid, "camera")) >= 5 * 15 - 5


def test_a_stamp_ahead_inside_the_run_leaves_a_hole_in_the_ledger(place: Place, good: Recorded) -> None:
    """One packet now and one in five minutes are not five minutes of recording."""
    session = place.start()
    pieces = [*good.pieces[:2], with_cluster_time(good.pieces[2], 300_000)]
    for seq, body in enumerate(pieces):
        place.pieces.store(piece(session, seq, body, duration_ms=300_000 if seq == 2 else 1000))
    with place.db.write() as db:  # five minutes ago
        db.get_one(Session, session.id).started_at -= 305_000
    finalise(place, session, 305_000)
    assert recorded_ms(place, session) <= 14_000


def test_a_time_scale_that_lies_does_not_stretch_the_recording(place: Place, good: Recorded) -> None:
    session = place.start()
    header = good.pieces[0]
    at = header.index(TIMESTAMP_SCALE)
    assert header[at + 3] == 0x83, "three bytes: a million nanoseconds"
    pieces = [header[: at + 4] + b"\xff\xff\xff" + header[at + 7 :], *good.pieces[1:]]
    send(place, session, pieces)
    finalise(place, session, 600_000)
    assert recorded_ms(place, session) <= (SECONDS + 11) * 1000


def test_the_second_source_is_entered_at_a_key_frame(place: Place, good: Recorded) -> None:
    """The upload ends in the middle between two key frames of the live file (it has one a second)."""
    session = place.start()
    send(place, session, good.pieces[:3])
    live = place.layout.live_dir(session.uuid)
    live.mkdir(parents=True)
    start = session.started_at - 500
    (live / f"camera-{start}.webm").write_bytes(good.whole)
    sidecar = {"track": "camera", "started_at": start, "mime": 'video/webm;codecs="vp8,opus"'}
    (live / f"camera-{start}.json").write_text(json.dumps(sidecar))
    finalise(place, session, 5500)
    with av.open(str(place.layout.recording_file(session.uuid, "camera")), "r") as container:
        packets = [(p.pts or 0, p.is_keyframe) for p in container.demux(video=0) if p.size]
    after = [key for at, key in packets if at > 2990]
    assert after and after[0], "the first picture of the second source stands by itself"
