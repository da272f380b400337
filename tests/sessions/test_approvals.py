"""Letting in and photos on SQLite and on PostgreSQL: races are where dialects differ."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_proview.errors import ApiError
from flask_proview.recordings.photos import PhotoStore, photos_of
from flask_proview.sessions.approvals import Approval, ask, decide, history, somebody_is_there, waiting_since
from tests.jpeg_factory import jpeg

from .conftest import Place


def at_once(work: list[Callable[[], object]]) -> list[object]:
    """Runs all of it at the same moment; results or errors."""
    barrier = threading.Barrier(len(work))

    def run(one: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return one()
        except ApiError as error:
            return error.code

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def test_one_word_counts_when_two_are_said_at_once(any_place: Place) -> None:
    db, session = any_place.db, any_place.start(session_type="live_proctor")
    assert ask(db, session.uuid, again=True)[1] is True
    said = at_once(
        [
            lambda: decide(db, session.uuid, Approval.APPROVED, "", "pat")[0].approval,
            lambda: decide(db, session.uuid, Approval.REJECTED, "no", "rob")[0].approval,
        ]
    )
    assert said.count("not_waiting") == 1
    row = any_place.sessions.get(session.uuid)
    assert row is not None and row.approval in said
    with db.read() as orm:
        assert [word.approval for word in history(orm, row)] == [row.approval, "waiting"]
        assert (waiting_since(orm, [row.id]) or 0) >= row.started_at
        assert somebody_is_there(orm) is False


def test_retakes_that_arrive_together_are_versions_of_their_own(any_place: Place) -> None:
    db, session = any_place.db, any_place.start()
    store = PhotoStore(db, any_place.config)
    pictures = [jpeg(64, 64, grey) for grey in (10, 40, 40, 70)]

    def put(body: bytes) -> Callable[[], object]:
        return lambda: store.store(session, "id", body, hashlib.sha256(body).hexdigest(), (64, 64), 1)[1]

    assert sorted(map(str, at_once([put(body) for body in pictures]))) == ["False", "True", "True", "True"]
    with db.read() as orm:
        assert [photo.version for photo in photos_of(orm, [session.id])] == [3, 2, 1]


def test_a_session_is_deleted_with_its_photos(any_place: Place) -> None:
    session = any_place.start()
    body = jpeg(64, 64)
    PhotoStore(any_place.db, any_place.config).store(session, "face", body, hashlib.sha256(body).hexdigest(), (64, 64), 1)  # fmt: skip
    assert any_place.sessions.delete(session.uuid)
    with any_place.db.read() as orm:
        assert photos_of(orm, [session.id]) == []


def test_a_session_that_used_up_its_storage_takes_no_photo(any_place: Place) -> None:
    session = any_place.start()
    any_place.change(session, bytes_stored=any_place.config.limits.max_session_mb << 20)
    body = jpeg(64, 64)
    with pytest.raises(ApiError, match="all it may"):
        PhotoStore(any_place.db, any_place.config).store(session, "id", body, hashlib.sha256(body).hexdigest(), (64, 64), 1)  # fmt: skip
