"""Runs that were cut off before their first picture, and faults of the moment: neither is evidence that cannot be read."""

from __future__ import annotations

import errno
import json
from unittest import mock

import pytest

from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.reader import CLUSTER
from flask_proview.sessions.models import Damage, Session
from tests.webm_factory import Recorded, record

from .conftest import Place, piece
from .test_finalise import ledger

RUN = 5000


@pytest.fixture(scope="module")
def three() -> Recorded:
    return record(3)


def store(place: Place, three: Recorded, second: list[tuple[int, bytes]]) -> Session:
    """A whole run of three seconds, and what came of a second one; five seconds without anything."""
    session = place.start()
    for seq, body in enumerate(three.pieces):
        place.pieces.store(piece(session, seq, body))
    for seq, body in second:
        place.pieces.store(piece(session, seq, body, run=RUN))
    place.end(session, 12_000)
    return session


def finalise(place: Place, session: Session) -> tuple[list[str], list[tuple[str, str | None]]]:
    """Codes of the notes, and what the ledger says."""
    (made,) = Finaliser(place.db, place.config).finalise(session.uuid)
    return [str(note["code"]) for note in made.notes], [(row[2], row[3]) for row in ledger(place, session)]


@pytest.mark.parametrize("share", [0, 0.5, 1], ids=["one byte", "half a header", "a header"])
def test_a_page_left_before_the_first_picture_is_not_unreadable(place: Place, three: Recorded, share: float) -> None:
    """Seen under load: the recorder had begun, the page was left, and the gap was put down to bytes that nobody can read."""
    header = three.pieces[0].index(CLUSTER)
    session = store(place, three, [(0, three.pieces[0][: max(1, round(header * share))])])
    assert finalise(place, session) == (["unbegun"], [("recorded", "upload"), ("gap", "browser")])


@pytest.mark.parametrize("cut", [1, 100])
def test_the_rest_of_a_header_that_is_missing_is_an_upload_that_is_missing(
    place: Place, three: Recorded, cut: int
) -> None:
    first = three.pieces[0]
    session = store(place, three, [(0, first[:cut]), (2, three.pieces[1]), (3, three.pieces[2])])
    codes, rows = finalise(place, session)
    assert codes == ["headless"]
    assert rows == [("recorded", "upload"), ("gap", "browser"), ("gap", "upload"), ("gap", "browser")]
    place.pieces.store(piece(session, 1, first[cut:], run=RUN))
    assert finalise(place, session) == ([], [("recorded", "upload"), ("gap", "browser"), ("recorded", "upload"), ("gap", "browser")])  # fmt: skip


def test_behind_a_whole_header_the_pieces_that_came_are_played(place: Place, three: Recorded) -> None:
    first = three.pieces[0]
    session = store(place, three, [(0, first[: first.index(CLUSTER)]), (2, three.pieces[1]), (3, three.pieces[2])])
    codes, rows = finalise(place, session)
    assert codes == ["pieces_missing"]
    assert [cause for outcome, cause in rows if outcome == "gap"] == ["browser", "upload", "browser"]
    assert [outcome for outcome, _ in rows].count("recorded") == 2


def test_other_bytes_than_webm_are_unreadable(place: Place, three: Recorded) -> None:
    session = store(place, three, [(0, b"GIF89a" * 100)])
    codes, rows = finalise(place, session)
    assert codes == ["not_webm"] and ("gap", "unreadable") in rows


def test_a_second_source_that_has_nothing_does_not_explain_a_gap(place: Place, three: Recorded) -> None:
    """A live connection that was just made: its file has a header. It once named the whole gap behind it."""
    session = store(place, three, [])
    live = place.layout.live_dir(session.uuid)
    live.mkdir(parents=True)
    started_at = session.started_at + 5000
    (live / f"camera-{started_at}.webm").write_bytes(three.pieces[0][: three.pieces[0].index(CLUSTER)])
    (live / f"camera-{started_at}.json").write_text(json.dumps({"started_at": started_at}))
    codes, rows = finalise(place, session)
    assert "unreadable" in codes, "it is told"
    assert rows == [("recorded", "upload"), ("gap", "browser")]


def test_a_fault_of_the_moment_is_tried_again_and_marks_nothing(place: Place, three: Recorded) -> None:
    session = store(place, three, [])
    full = OSError(errno.EMFILE, "Too many open files")
    with (
        mock.patch("flask_proview.recordings.verify.os.open", side_effect=full),
        pytest.raises(OSError, match="Too many"),
    ):
        Finaliser(place.db, place.config).finalise(session.uuid)
    with place.db.read() as db:
        assert db.query(Damage).count() == 0
    assert finalise(place, session)[0] == []
