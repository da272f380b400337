"""The object store: S3 as moto's server speaks it over real HTTP, and a directory. Nothing goes that is not verifiably elsewhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from flask_proview.errors import ConfigError, ProviewError
from flask_proview.recordings import upkeep
from flask_proview.recordings.archive import Archive, key_of
from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.objects import ObjectMissing, Objects, ObjectStoreError, make_objects
from flask_proview.recordings.pieces import PieceError, Verdict
from flask_proview.recordings.scrub import Scrubber
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Copy, Session
from tests.webm_factory import Recorded, record

from .conftest import Place, make_config, piece

BUCKET = "evidence"
OLD_MS = 30 * 86_400_000
MakePlace = Callable[..., Place]


@pytest.fixture(scope="module")
def two() -> Recorded:
    return record(2)


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": s3_server,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=item["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture(params=["s3", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        (tmp_path / "far").mkdir()
        return f"file://{tmp_path}/far"
    request.getfixturevalue("s3")
    return f"s3://{BUCKET}/proview"


def with_store(make_place: MakePlace, url: str, **storage: Any) -> Place:
    return make_place(storage={"objects": url, "local_days": 0, **storage})


def ended(place: Place, run: Recorded, ago_ms: int = OLD_MS) -> Session:
    session = place.start()
    for seq, body in enumerate(run.pieces):
        place.pieces.store(piece(session, seq, body))
    place.pieces.stop()
    place.end(session, 2000)
    Finaliser(place.db, place.config).finalise(session.uuid)
    with place.db.write() as db:
        row = db.get_one(Session, session.id)
        row.ended_at = now_ms() - ago_ms
        return row


def turn(place: Place) -> None:
    upkeep.archive_turn(place.db, place.config, threading.Event())


def again(place: Place, session: Session) -> Session:
    row = place.sessions.get(session.uuid)
    assert row is not None
    return row


def names(place: Place, session: Session) -> set[str]:
    directory = place.layout.session_dir(session.uuid)
    return {p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file()}


def read(objects: Objects, key: str, *span: int) -> bytes:
    return b"".join(objects.read(key, *span))


def store_of(place: Place) -> Objects:
    objects = make_objects(place.config)
    assert objects is not None
    return objects


def test_a_store_puts_reads_measures_and_deletes(url: str, tmp_path: Path) -> None:
    objects = make_objects(make_config(tmp_path, storage={"objects": url}))
    assert objects is not None
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 3000)
    objects.put("ab/x/one", file)
    objects.put("ab/x/two", file)
    objects.put("ab/y/one", file)
    assert read(objects, "ab/x/one") == file.read_bytes()
    assert read(objects, "ab/x/one", 700_000, 5) == file.read_bytes()[700_000:700_005]
    assert (objects.size("ab/x/one"), objects.size("ab/x/none")) == (768_000, None)
    with pytest.raises(ObjectMissing):
        objects.read("ab/x/none")
    objects.delete("ab/x/")
    objects.delete("ab/never/")
    assert (objects.size("ab/x/two"), objects.size("ab/y/one")) == (None, 768_000)


@pytest.mark.media
def test_an_ended_session_is_copied_compared_and_then_leaves_this_disk(
    make_place: MakePlace, url: str, two: Recorded
) -> None:
    place = with_store(make_place, url)
    session = ended(place, two)
    local = {
        name: (place.layout.session_dir(session.uuid) / name).read_bytes()
        for name in ("camera-0.pieces", "camera.heads", "camera.webm")
    }
    turn(place)
    row = again(place, session)
    assert row.pruned_at is not None and names(place, session) == set()
    for name, data in local.items():
        assert read(store_of(place), key_of(session.uuid, name)) == data
    assert not place.sessions.accepts_pieces(row, row.ended_at or 0), "a run file cannot be continued elsewhere"
    assert Scrubber(place.db, place.config).scrub(row).sound


@pytest.mark.media
def test_a_recording_that_has_left_can_be_made_again(make_place: MakePlace, url: str, two: Recorded) -> None:
    place = with_store(make_place, url)
    session = ended(place, two)
    turn(place)
    assert names(place, session) == set()
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    assert made.notes == []
    assert again(place, session).pruned_at is None
    assert {"camera-0.pieces", "camera.webm"} <= names(place, session)
    turn(place)
    assert names(place, session) == set()
    assert read(store_of(place), key_of(session.uuid, "camera.webm"))[:4] == b"\x1a\x45\xdf\xa3"


@pytest.mark.media
@pytest.mark.parametrize(("local_days", "ago_ms"), [(None, OLD_MS), (60, OLD_MS), (0, 60_000)])
def test_local_files_stay_by_default_while_days_are_left_and_while_late_pieces_may_come(
    make_place: MakePlace, tmp_path: Path, two: Recorded, local_days: int | None, ago_ms: int
) -> None:
    (tmp_path / "far").mkdir()
    place = with_store(make_place, f"file://{tmp_path}/far", local_days=local_days)
    session = ended(place, two, ago_ms)
    turn(place)
    assert again(place, session).archived_at is not None
    assert "camera-0.pieces" in names(place, session)
    if ago_ms < OLD_MS:
        place.pieces.start()
        assert place.pieces.store(piece(session, 50, b"late")) is Verdict.STORED


@pytest.mark.media
def test_late_pieces_are_copied_too(make_place: MakePlace, url: str, two: Recorded) -> None:
    place = with_store(make_place, url)
    session = ended(place, two, 60_000)
    turn(place)
    place.pieces.start()
    place.pieces.store(piece(session, 50, b"late"))
    place.pieces.stop()
    Finaliser(place.db, place.config).finalise(session.uuid)
    turn(place)
    assert read(store_of(place), key_of(session.uuid, "camera-0.pieces")).endswith(b"late")


@pytest.mark.media
def test_a_store_that_is_down_costs_nothing_and_is_tried_again(
    make_place: MakePlace, s3: Any, two: Recorded, monkeypatch: pytest.MonkeyPatch, s3_server: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", nobody)
    place = with_store(make_place, f"s3://{BUCKET}/proview")
    sessions = [ended(place, two) for _ in range(1)]
    place.pieces.start()
    other = place.start("e2")
    for _ in range(3):  # minute after minute
        turn(place)
        assert place.pieces.store(piece(other, _, b"goes on")) is Verdict.STORED
    assert all("camera-0.pieces" in names(place, session) for session in sessions)
    with pytest.raises(OSError):
        place.sessions.delete(sessions[0].uuid)
    assert again(place, sessions[0]) is not None, "nothing was deleted"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server)
    turn(place)
    assert all(names(place, session) == set() for session in sessions)


class Forgetful:
    """A store that says yes and keeps something else."""

    def __init__(self, inner: Objects, spoil: Callable[[bytes], bytes]) -> None:
        self.inner, self.spoil = inner, spoil

    def put(self, key: str, path: Path) -> None:
        other = path.with_suffix(".part")
        other.write_bytes(self.spoil(path.read_bytes()))
        self.inner.put(key, other)
        other.unlink()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.media
@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b"", lambda b: b[:-1] + b"\0"])
def test_what_is_read_back_differently_is_no_copy(
    make_place: MakePlace, tmp_path: Path, two: Recorded, spoil: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "far").mkdir()
    place = with_store(make_place, f"file://{tmp_path}/far")
    session = ended(place, two)
    archive = Archive(place.db, place.config)
    archive.objects = Forgetful(store_of(place), spoil)
    with pytest.raises(ObjectStoreError):
        archive.copy(session)
    assert again(place, session).archived_at is None
    assert archive.copies(session) == []


@pytest.mark.media
def test_a_copy_that_was_lost_later_keeps_the_local_file_and_is_made_again(
    make_place: MakePlace, tmp_path: Path, two: Recorded
) -> None:
    far = tmp_path / "far"
    far.mkdir()
    place = with_store(make_place, f"file://{far}")
    session = ended(place, two)
    archive = Archive(place.db, place.config)
    archive.copy(session)
    (far / key_of(session.uuid, "camera-0.pieces")).unlink()
    assert archive.prune(session) is False
    assert "camera-0.pieces" in names(place, session)
    done = Scrubber(place.db, place.config).scrub(again(place, session))
    assert done.copies == ["camera-0.pieces"]
    turn(place)
    assert names(place, session) == set()


@pytest.mark.media
def test_a_damaged_local_file_is_not_what_remains(make_place: MakePlace, tmp_path: Path, two: Recorded) -> None:
    (tmp_path / "far").mkdir()
    place = with_store(make_place, f"file://{tmp_path}/far")
    session = ended(place, two)
    file = place.layout.recording_file(session.uuid, "camera")
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    with pytest.raises(ProviewError, match="damaged"):
        Archive(place.db, place.config).copy(session)
    turn(place)
    assert again(place, session).pruned_at is None


@pytest.mark.media
def test_deleting_takes_the_copies_along(make_place: MakePlace, url: str, two: Recorded) -> None:
    place = with_store(make_place, url)
    session, kept = ended(place, two), place.start("other")
    turn(place)
    objects = store_of(place)
    assert objects.size(key_of(session.uuid, "camera.webm"))
    assert place.sessions.delete(session.uuid)
    assert objects.size(key_of(session.uuid, "camera.webm")) is None
    assert again(place, kept)
    with place.db.read() as db:
        assert db.query(Copy).count() == 0


@pytest.mark.media
def test_without_the_setting_copies_are_neither_forgotten_nor_deleted_half(
    make_place: MakePlace, tmp_path: Path, two: Recorded
) -> None:
    (tmp_path / "far").mkdir()
    place = with_store(make_place, f"file://{tmp_path}/far")
    session = ended(place, two)
    turn(place)
    bare = make_place()
    with pytest.raises(ProviewError, match="objects"):
        bare.sessions.delete(session.uuid)
    with pytest.raises(ProviewError, match="objects"):
        Finaliser(bare.db, bare.config).finalise(session.uuid)
    assert again(bare, session)


def test_a_session_that_is_deleted_while_it_is_copied_leaves_nothing(
    make_place: MakePlace, tmp_path: Path, two: Recorded
) -> None:
    far = tmp_path / "far"
    far.mkdir()
    place = with_store(make_place, f"file://{far}")
    session = ended(place, two)
    archive = Archive(place.db, place.config)
    real = archive.objects
    assert real is not None

    class Deletes(Forgetful):
        def put(self, key: str, path: Path) -> None:
            self.inner.put(key, path)
            with place.db.write() as db:
                db.delete(db.get_one(Session, session.id))

    archive.objects = Deletes(real, lambda b: b)
    with pytest.raises(ProviewError, match="deleted"):
        archive.copy(session)
    assert [p for p in far.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "value", ["s3://", "s3://UPPER/x", "s3://bucket/a b", "file://relative", "file:///", "http://x"]
)
def test_an_address_that_is_no_store_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"\[storage\] objects"):
        make_config(tmp_path, storage={"objects": value})


@pytest.mark.media
def test_a_piece_for_a_session_that_has_left_is_refused_by_its_state(
    make_place: MakePlace, tmp_path: Path, two: Recorded
) -> None:
    (tmp_path / "far").mkdir()
    place = with_store(make_place, f"file://{tmp_path}/far")
    session = ended(place, two)
    turn(place)
    assert not place.sessions.accepts_pieces(again(place, session), now_ms() - OLD_MS)
    place.pieces.start()
    with pytest.raises(PieceError) as refused:
        place.pieces.store(piece(session, 50, b"late"))
    assert refused.value.code == "unknown_session"
