"""A session that still runs, from its beginning: stretches of its pieces as they are, for a browser's Media Source Extensions.

Nothing is decoded or copied into another container. A stretch either begins with a run's header and a cluster (``fresh``), or continues
the bytes of the one before. Only pieces that have their digest are handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask_proview.sessions import ledger
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Event, Run, Session

from .causes import causes_of
from .coverage import joined_intervals
from .layout import Layout
from .reader import RunReader, Slice, header_of, next_cluster, spans
from .sources import has_later_run, run_tail, stored_runs
from .verify import check_run

# What one answer holds at most; a browser asks again long before it has played it.
STRETCH_MS, STRETCH_BYTES = 8000, 4 << 20
# Recorders make a key frame every two seconds, and begin a cluster with it; in front of a picture two of them may be needed.
BEFORE_MS = 4500
HEADER_PIECES, BACK_PIECES = 8, 10
# Recorders make a piece a second; one of a few bytes must not make us read all that follow.
TAIL_PIECES = 64


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of one run. ``clock_ms``: where the stream's time zero lies on the session clock."""

    data: bytes
    fresh: bool
    run: int
    next_seq: int
    clock_ms: int
    from_ms: int
    to_ms: int
    mime: str


@dataclass(frozen=True, slots=True)
class _Span:
    """Pieces of a run without a hole."""

    run: Run
    first: Slice
    pieces: list[Slice]

    @property
    def from_ms(self) -> int:
        return self.pieces[0].start_ms

    @property
    def to_ms(self) -> int:
        return self.pieces[-1].end_ms


class Dvr:
    """Reads what is durable of a track at this moment.

    :param since_ms: what begins before this moment is not handed out, not even for the picture that follows it.
    """

    def __init__(self, db: Database, layout: Layout, session: Session, track: str, since_ms: int = 0) -> None:
        self._db = db
        self._layout = layout
        self._session = session
        self._track = track
        self._since_ms = since_ms

    @cached_property
    def _runs(self) -> list[tuple[Run, list[Slice]]]:
        """Tens of thousands of rows after hours: who only goes on does not need them."""
        return stored_runs(self._db, self._session, self._track)

    def at(self, at_ms: int) -> Stretch | None:
        """From a moment on, or from the first moment after it that is there; None when nothing is (yet)."""
        for span in self._spans():
            if span.to_ms <= at_ms:
                continue
            begin = next(i for i, piece in enumerate(span.pieces) if piece.end_ms > at_ms)
            while begin and span.pieces[begin].start_ms > at_ms - BEFORE_MS:
                begin -= 1
            stretch = self._fresh(span, begin, at_ms)
            if stretch is not None:
                return stretch
        return None

    def after(self, run: int, seq: int) -> Stretch | None:
        """What follows piece ``seq - 1`` of a run: its continuation, or where it goes on after a hole; None: nothing yet."""
        found = run_tail(self._db, self._session, self._track, run, seq - 1, TAIL_PIECES)
        if found is not None and found[2] and found[2][0].seq == seq - 1:
            row, first, tail = found
            following = spans(tail)[0][1:]
            if following and tail[0].start_ms >= self._since_ms:
                body, taken = self._read(row, following, None)
                if taken:
                    return self._stretch(row, first, body, taken, fresh=False)
            if len(tail) == 1 and not has_later_run(self._db, self._session, row):
                return None
        return self._over_a_hole(run, seq)

    def _over_a_hole(self, run: int, seq: int) -> Stretch | None:
        slices = next((slices for row, slices in self._runs if row.run == run), [])
        before = [piece for piece in slices if piece.seq < seq]
        if not before or not self._later(run, seq):
            return None
        return self.at(before[-1].end_ms)

    def _later(self, run: int, seq: int) -> bool:
        """Whether something is there behind a piece that is not."""
        ours = next(((row, slices) for row, slices in self._runs if row.run == run), None)
        if ours is None:
            return False
        row, slices = ours
        return any(piece.seq > seq for piece in slices) or any(other.start_ms > row.start_ms for other, _ in self._runs)

    def _spans(self) -> list[_Span]:
        shown = [(run, slices[0], [s for s in slices if s.start_ms >= self._since_ms]) for run, slices in self._runs]
        made = [_Span(run, first, part) for run, first, kept in shown if kept for part in spans(kept)]
        return sorted(made, key=lambda span: span.from_ms)

    def _fresh(self, span: _Span, begin: int, at_ms: int) -> Stretch | None:
        path = self._layout.run_file(self._session.uuid, self._track, span.run.run)
        pieces = span.pieces[begin:]
        body, taken = self._read(span.run, pieces, at_ms)
        while not taken and len(pieces) > 1:  # the first one is damaged
            pieces = pieces[1:]
            body, taken = self._read(span.run, pieces, at_ms)
        if not taken:
            return None
        if taken[0].seq:
            header = self._header(span.run)
            skip = next_cluster(path, taken)
            if header is not None and skip is None and begin:
                # A screen that stands still has few clusters; one of them lies further back.
                return self._fresh(span, max(0, begin - BACK_PIECES), at_ms)
            if header is None or skip is None:
                return None
            body = header + body[skip:]
        return self._stretch(span.run, span.first, body, taken, fresh=True)

    def _stretch(self, run: Run, first: Slice, body: bytes, taken: Sequence[Slice], *, fresh: bool) -> Stretch:
        return Stretch(
            data=body,
            fresh=fresh,
            run=run.run,
            next_seq=taken[-1].seq + 1,
            clock_ms=first.start_ms,
            from_ms=taken[0].start_ms,
            to_ms=taken[-1].end_ms,
            mime=run.mime,
        )

    def _read(self, run: Run, pieces: Sequence[Slice], at_ms: int | None) -> tuple[bytes, list[Slice]]:
        """The bytes of the first pieces, as many as an answer may have; they end before a damaged one."""
        wanted: list[Slice] = []
        end = (pieces[0].start_ms if at_ms is None else max(at_ms, pieces[0].start_ms)) + STRETCH_MS
        for piece in pieces:
            if wanted and (piece.start_ms >= end or sum(p.length for p in wanted) + piece.length > STRETCH_BYTES):
                break
            wanted.append(piece)
        path = self._layout.run_file(self._session.uuid, self._track, run.run)
        checked = check_run(path, self._layout.heads_file(self._session.uuid, self._track), run.run, wanted)
        bad = {piece.seq for piece, _ in checked.damaged}
        cut = next((i for i, piece in enumerate(wanted) if piece.seq in bad), len(wanted))
        sound = [piece for piece in checked.sound if piece.seq < wanted[0].seq + cut]
        return _bytes_of(path, sound), sound

    def _header(self, run: Run) -> bytes | None:
        slices = next(slices for row, slices in self._runs if row.run == run.run)
        first = [piece for piece in spans(slices)[0] if piece.seq < HEADER_PIECES]
        path = self._layout.run_file(self._session.uuid, self._track, run.run)
        checked = check_run(path, self._layout.heads_file(self._session.uuid, self._track), run.run, first)
        sound = spans(checked.sound)
        return header_of(path, sound[0]) if sound and sound[0][0].seq == 0 else None


def _bytes_of(path: Path, slices: Sequence[Slice]) -> bytes:
    if not slices:
        return b""
    with RunReader(path, slices) as reader:
        parts = []
        while data := reader.read(1 << 20):
            parts.append(data)
    return b"".join(parts)


def growing_ledger(
    db: Database, session: Session, track: str, length_ms: int, events: Iterable[Event]
) -> list[ledger.Row]:
    """The ledger of a track as far as it has come: what is durable, and what the events say about the rest."""
    slices = [piece for _, slices in stored_runs(db, session, track) for piece in slices]
    recorded = [
        ledger.Interval(start, end, "upload")
        for start, end in joined_intervals([(s.start_ms, s.end_ms) for s in slices])
    ]
    first = min((interval.from_ms for interval in recorded), default=None)
    return ledger.outcomes(length_ms, recorded, causes_of(events, track, first), "upload")
