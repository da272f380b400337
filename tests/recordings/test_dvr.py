"""A growing session from its beginning: what a browser appends must be a stream that plays, on the session's clock."""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import pytest

from flask_proview.recordings.dvr import Dvr, Stretch, growing_ledger
from flask_proview.recordings.finalise import Finaliser
from flask_proview.sessions.models import Outcome, Session
from tests.webm_factory import CLUSTER, Recorded, record

from .conftest import Place, piece

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def twenty() -> Recorded:
    return record(20)


def send(place: Place, session: Session, run: Recorded, at_ms: int, without: Sequence[int] = ()) -> None:
    for seq, body in enumerate(run.pieces):
        if seq not in without:
            place.pieces.store(piece(session, seq, body, run=at_ms))


def dvr(place: Place, session: Session) -> Dvr:
    return Dvr(place.db, place.layout, session, "camera")


def times(stretches: list[Stretch]) -> list[int]:
    """Decoded frame times on the session's clock."""
    data = b"".join(stretch.data for stretch in stretches)
    with av.open(io.BytesIO(data), "r", format="matroska,webm") as container:
        return [round(stretches[0].clock_ms + float(frame.time or 0) * 1000) for frame in container.decode(video=0)]


def test_from_the_beginning_and_on_to_the_end_is_the_whole_run(place: Place, twenty: Recorded) -> None:
    session = place.start()
    send(place, session, twenty, 500)
    reader = dvr(place, session)
    stretches = [reader.at(0)]
    assert stretches[0] is not None and stretches[0].fresh and stretches[0].clock_ms == 500
    while (more := reader.after(500, stretches[-1].next_seq)) is not None:  # type: ignore[union-attr]
        assert not more.fresh
        stretches.append(more)
    parts = [part for part in stretches if part is not None]
    assert b"".join(part.data for part in parts) == twenty.whole
    assert len(parts) >= 3, "one answer holds some seconds"
    assert len(times(parts)) == twenty.frames


def test_who_goes_on_reads_what_follows_and_not_what_was(
    place: Place, twenty: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = place.start()
    send(place, session, twenty, 500)
    reader = dvr(place, session)
    first = reader.at(0)
    assert first is not None

    def refuse(*_args: object) -> None:
        raise AssertionError("all rows of the track were read")

    monkeypatch.setattr("flask_proview.recordings.dvr.stored_runs", refuse)
    reader = dvr(place, session)
    on = reader.after(500, first.next_seq)
    assert on is not None and on.from_ms == first.to_ms
    assert reader.after(500, len(twenty.pieces)) is None, "the edge"
    limited = Dvr(place.db, place.layout, session, "camera", since_ms=500 + 10_000)
    assert limited.after(500, 11) is not None, "its predecessor is shown"
    monkeypatch.undo()
    later = limited.after(500, 5)
    assert later is not None and later.fresh and later.from_ms >= 10_500


def test_a_moment_in_the_middle_has_its_picture_and_begins_with_header_and_cluster(
    place: Place, twenty: Recorded
) -> None:
    session = place.start()
    send(place, session, twenty, 500)
    stretch = dvr(place, session).at(12_300)
    assert stretch is not None and stretch.fresh
    assert stretch.data.startswith(b"\x1a\x45\xdf\xa3")
    assert stretch.data.count(CLUSTER) < 16
    found = times([stretch])
    assert found[0] <= 12_300 <= found[-1]
    assert stretch.from_ms <= 12_300 < stretch.to_ms


def test_nothing_that_began_before_a_moment_is_handed_out_if_that_is_asked_for(place: Place, twenty: Recorded) -> None:
    session = place.start()
    send(place, session, twenty, 500)
    reader = Dvr(place.db, place.layout, session, "camera", since_ms=12_200)
    for stretch in (reader.at(0), reader.at(12_300), reader.after(500, 3), reader.after(500, 12)):
        assert stretch is not None and stretch.fresh and stretch.from_ms == 12_500
        assert min(times([stretch])) >= 12_200, "not even for the picture at its beginning"
    on = reader.after(500, 14)
    assert on is not None and not on.fresh and on.from_ms == 14_500
    assert reader.after(500, 0) is None


def test_a_moment_in_a_gap_leads_to_what_follows(place: Place, twenty: Recorded) -> None:
    session = place.start()
    send(place, session, twenty, 0)
    send(place, session, twenty, 30_000)
    reader = dvr(place, session)
    stretch = reader.at(25_000)
    assert stretch is not None and (stretch.run, stretch.clock_ms) == (30_000, 30_000)
    on = reader.after(0, len(twenty.pieces))
    assert on is not None and on.fresh and on.run == 30_000
    assert reader.at(60_000) is None
    assert reader.after(30_000, len(twenty.pieces)) is None, "nothing yet"


def test_a_hole_is_stepped_over_at_the_next_cluster(place: Place, twenty: Recorded) -> None:
    session = place.start()
    send(place, session, twenty, 0, without=[5])
    reader = dvr(place, session)
    stretch = reader.at(0)
    assert stretch is not None and stretch.next_seq == 5
    on = reader.after(0, 5)
    assert on is not None and on.fresh and on.from_ms == 6000
    assert min(times([on])) == pytest.approx(6000, abs=80)


def test_damaged_pieces_are_not_handed_out(place: Place, twenty: Recorded) -> None:
    session = place.start()
    send(place, session, twenty, 0)
    path = place.layout.run_file(session.uuid, "camera", 0)
    data = bytearray(path.read_bytes())
    at = sum(len(body) for body in twenty.pieces[:4]) + 200
    data[at] ^= 0xFF
    data[10] ^= 0xFF  # and the header, which has a second copy
    path.write_bytes(data)
    reader = dvr(place, session)
    first = reader.at(0)
    assert first is not None and first.next_seq == 4
    assert first.data == b"".join(twenty.pieces[:4])


def test_a_run_without_its_header_is_left_out(place: Place, twenty: Recorded) -> None:
    session = place.start()
    send(place, session, twenty, 0, without=[0])
    assert dvr(place, session).at(0) is None
    send(place, session, twenty, 30_000)
    stretch = dvr(place, session).at(0)
    assert stretch is not None and stretch.run == 30_000


def test_the_growing_ledger_is_what_finalise_will_say(place: Place, twenty: Recorded) -> None:
    session = place.start()
    send(place, session, twenty, 500, without=[9])
    rows = growing_ledger(place.db, session, "camera", 20_500, [])
    assert sum(row.to_ms - row.from_ms for row in rows) == 20_500
    place.end(session, 20_500)
    Finaliser(place.db, place.config).finalise(session.uuid)
    with place.db.read() as db:
        final = db.query(Outcome).where(Outcome.session_id == session.id).order_by(Outcome.from_ms).all()
    assert [(r.outcome, r.cause) for r in rows] == [(r.outcome, r.cause) for r in final]
    for growing, made in zip(rows, final, strict=True):
        assert growing.from_ms == pytest.approx(made.from_ms, abs=120)
