"""What can be copied into a track's recording: the spans of uploaded runs, and live files for the gaps between them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Row, Select, func, select

from flask_proview.sessions.database import Database
from flask_proview.sessions.ledger import Cause
from flask_proview.sessions.models import Piece, Run, Session

from .layout import Layout
from .reader import Beginning, RunReader, Slice, beginning_of, next_cluster, raise_passing, spans
from .verify import check_run

log = logging.getLogger(__name__)

# Shorter holes are not worth a change of source: the picture would jump twice.
FILL_GAP_MS = 1000
# A browser's clock is only trusted to what the server saw arrive (docs/architecture.md, Clocks): nothing was recorded
# before the session or after it was received. This much is what offsets are measured to, generously.
CLOCK_TOLERANCE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes that hold one stretch of a track. Copied are packets with ``from_ms`` ≤ time < ``to_ms``.

    ``clock_ms``: where the stream's time zero lies on the session clock. ``slices`` empty: the whole file.
    ``covered_ms``: what the pieces say they cover, which is more than the packets of a still picture show.
    """

    path: Path
    source: str
    clock_ms: float
    from_ms: float
    to_ms: float
    slices: tuple[Slice, ...] = ()
    prefix: bytes = b""
    skip: int = 0
    covered_ms: float | None = None

    @contextmanager
    def open(self) -> Iterator[RunReader]:
        """The bytes."""
        slices = self.slices or (Slice(0, 0, self.path.stat().st_size, 0, 0),)
        with RunReader(self.path, slices, self.prefix, self.skip) as reader:
            yield reader


@dataclass(slots=True)
class TrackSources:
    """Segments of a track in the order of the session clock, what was odd about them, and which pieces are damaged: (run, seq, what)."""

    segments: list[Segment] = field(default_factory=list)
    notes: list[dict[str, object]] = field(default_factory=list)
    missing: list[Cause] = field(default_factory=list)
    damaged: list[tuple[int, int, str]] = field(default_factory=list)
    end_ms: float = 0.0


def track_sources(db: Database, layout: Layout, session: Session, track: str) -> TrackSources:
    """Everything that is there for a track."""
    sources = TrackSources()
    for run, told in _told_runs(db, session, track):
        shift = _shift_ms(session, run, told)
        slices = _moved(told, shift)
        if shift:
            sources.notes.append({"run": run.run, "code": "clock_moved", "ms": shift})
        sources.end_ms = max(sources.end_ms, *(piece.end_ms for piece in slices))
        sound = _sound(sources, layout, session, run, slices)
        if sound:
            _add_run(sources, layout.run_file(session.uuid, track, run.run), run, slices[0].start_ms, sound)
    sources.end_ms = min(sources.end_ms, _arrived_ms(db, session, track) + CLOCK_TOLERANCE_MS)
    sources.segments.sort(key=lambda s: s.from_ms)
    _fill_gaps(sources, layout, session, track)
    return sources


def stored_runs(db: Database, session: Session, track: str) -> list[tuple[Run, list[Slice]]]:
    """The runs of a track that have pieces, in the order of their starts, on the server's clock; pieces in order of seq."""
    told = _told_runs(db, session, track)
    return [(run, _moved(slices, _shift_ms(session, run, slices))) for run, slices in told]


def run_tail(
    db: Database, session: Session, track: str, number: int, seq: int, limit: int
) -> tuple[Run, Slice, list[Slice]] | None:
    """A run of `stored_runs`, its first piece, and at most ``limit`` pieces from ``seq`` on: no more rows than that are read."""
    with db.read() as orm:
        run = orm.scalar(select(Run).where(Run.session_id == session.id, Run.track == track, Run.run == number))
        if run is None:
            return None
        query = _piece_rows(session, track).where(Piece.run == number).order_by(Piece.seq)
        first = [_slice(row) for row in orm.execute(query.limit(1))]
        tail = [_slice(row) for row in orm.execute(query.where(Piece.seq >= seq).limit(limit))]
    if not first:
        return None
    shift = _shift_ms(session, run, first)
    return run, _moved(first, shift)[0], _moved(tail, shift)


def has_later_run(db: Database, session: Session, run: Run) -> bool:
    """Whether a track may go on in another run than this one."""
    others = select(Run.run).where(Run.session_id == session.id, Run.track == run.track, Run.run != run.run)
    with db.read() as orm:
        return orm.scalar(others.where((Run.run > run.run) | (Run.start_ms > run.start_ms)).limit(1)) is not None


def _piece_rows(session: Session, track: str) -> Select[int, int, int, int, int, int, str]:
    columns = (Piece.run, Piece.seq, Piece.offset, Piece.length, Piece.start_ms, Piece.duration_ms, Piece.sha256)
    return select(*columns).where(Piece.session_id == session.id, Piece.track == track)


def _slice(row: Row[int, int, int, int, int, int, str]) -> Slice:
    return Slice(row.seq, row.offset, row.length, row.start_ms, row.duration_ms, row.sha256)


def _told_runs(db: Database, session: Session, track: str) -> list[tuple[Run, list[Slice]]]:
    """The same with the times that the browser told."""
    with db.read() as orm:
        runs = orm.scalars(
            select(Run).where(Run.session_id == session.id, Run.track == track).order_by(Run.start_ms, Run.run)
        ).all()
        pieces: dict[int, list[Slice]] = {run.run: [] for run in runs}
        for row in orm.execute(_piece_rows(session, track).order_by(Piece.run, Piece.seq)):
            pieces[row.run].append(_slice(row))
    return [(run, pieces[run.run]) for run in runs if pieces[run.run]]


def _arrived_ms(db: Database, session: Session, track: str) -> float:
    """When the last piece of a track was received, on the session clock."""
    with db.read() as orm:
        query = select(func.max(Piece.received_at)).where(Piece.session_id == session.id, Piece.track == track)
        return float((orm.scalar(query) or session.started_at) - session.started_at)


def _shift_ms(session: Session, run: Run, slices: list[Slice]) -> int:
    """How far the run as a whole has to be moved to where it can have been."""
    arrived = max(0, run.first_received_at - session.started_at)
    start = slices[0].start_ms
    if start < -CLOCK_TOLERANCE_MS:
        # Its clock says nothing. What arrived was recorded just before; at the session's edge all of it would lie outside.
        return max(0, arrived - min(slices[0].duration_ms, CLOCK_TOLERANCE_MS)) - start
    return min(start, arrived + CLOCK_TOLERANCE_MS) - start


def _moved(slices: list[Slice], shift: int) -> list[Slice]:
    return [replace(piece, start_ms=piece.start_ms + shift) for piece in slices] if shift else slices


def _sound(sources: TrackSources, layout: Layout, session: Session, run: Run, slices: list[Slice]) -> list[Slice]:
    """The pieces whose bytes are what was acknowledged. The others are gaps that say so, and a live file may fill them."""
    path = layout.run_file(session.uuid, run.track, run.run)
    checked = check_run(path, layout.heads_file(session.uuid, run.track), run.run, slices)
    if checked.healed:
        sources.notes.append({"run": run.run, "code": "from_second_copy", "pieces": checked.healed})
    if checked.damaged:
        whats = sorted({what for _, what in checked.damaged})
        log.error("run %d of %s: %d pieces are damaged (%s)", run.run, path, len(checked.damaged), ", ".join(whats))
        code = "file_missing" if whats == ["missing"] else "damaged"
        sources.notes.append(
            {"run": run.run, "code": code, "pieces": [piece.seq for piece, _ in checked.damaged][:100]}
        )
    for piece, what in checked.damaged:
        sources.damaged.append((run.run, piece.seq, what))
        sources.missing.append(Cause(piece.start_ms, piece.end_ms, "damaged"))
    return checked.sound


def _add_run(sources: TrackSources, path: Path, run: Run, clock_ms: int, slices: Sequence[Slice]) -> None:
    try:
        _add_parts(sources, path, run, clock_ms, slices)
    except OSError as error:
        raise_passing(error)
        # One damaged file must not cost the others; its note says that evidence is gone from the disk.
        log.error("run %d of %s: %s", run.run, path.parent.name, error)
        sources.notes.append({"run": run.run, "code": "unreadable"})
        sources.missing.append(_lost(slices, "damaged"))


def _lost(slices: Sequence[Slice], cause: str) -> Cause:
    return Cause(slices[0].start_ms, max(s.end_ms for s in slices), cause)


def _add_parts(sources: TrackSources, path: Path, run: Run, clock_ms: int, slices: Sequence[Slice]) -> None:
    parts = spans(slices)
    start = beginning_of(path, parts[0]) if parts[0][0].seq == 0 else Beginning(b"", False)
    if not start.is_webm:
        sources.notes.append({"run": run.run, "code": "not_webm", "pieces": len(slices)})
        sources.missing.append(_lost(slices, "unreadable"))
        return
    if len(parts) == 1 and start.data and not start.begun:
        # The page was left before the recorder had a picture. Nothing is missing, and the events say why there is a gap.
        sources.notes.append({"run": run.run, "code": "unbegun", "pieces": len(slices)})
        return
    if not start.is_whole:
        # Without its header no part of a run can be read; late pieces make this function run again.
        sources.notes.append({"run": run.run, "code": "headless", "pieces": len(slices)})
        gone = any(damaged == run.run and seq <= parts[0][-1].seq + 1 for damaged, seq, _ in sources.damaged)
        sources.missing.append(_lost(slices, "damaged" if gone else "upload"))
        return
    for index, part in enumerate(parts):
        if not index and not start.begun:
            sources.missing.append(_lost(part, "upload"))
            continue
        if index:
            sources.missing.append(Cause(parts[index - 1][-1].end_ms, part[0].start_ms, "upload"))
            sources.notes.append(
                {"run": run.run, "code": "pieces_missing", "from": parts[index - 1][-1].seq + 1, "to": part[0].seq - 1}
            )
            skip = next_cluster(path, part)
            if skip is None:
                continue
        segment = Segment(
            path=path,
            source="upload",
            clock_ms=float(clock_ms),
            from_ms=float(part[0].start_ms),
            # A stamp inside the stream is a browser's word as well: one bad cluster must not stretch the recording.
            to_ms=float(part[-1].end_ms) + CLOCK_TOLERANCE_MS,
            slices=tuple(part),
            prefix=start.data if index else b"",
            skip=skip or 0 if index else 0,
            covered_ms=float(part[-1].end_ms),
        )
        sources.segments.append(segment)


def _fill_gaps(sources: TrackSources, layout: Layout, session: Session, track: str) -> None:
    """Where nothing was uploaded, what the media process wrote."""
    live = list(_live_files(layout, session, track))
    if not live:
        return
    covered = [(s.from_ms, s.covered_ms or s.from_ms) for s in sources.segments]
    end = float((session.ended_at or session.last_seen_at) - session.started_at)
    position, gaps = 0.0, []
    for start, stop in sorted(covered):
        if start - position > FILL_GAP_MS:
            gaps.append((position, start))
        position = max(position, stop)
    if end - position > FILL_GAP_MS:
        gaps.append((position, end))
    for path, clock_ms in live:
        sources.segments += [Segment(path, "live", clock_ms, start, stop) for start, stop in gaps if stop > clock_ms]
    sources.segments.sort(key=lambda s: (s.from_ms, s.clock_ms))


def _live_files(layout: Layout, session: Session, track: str) -> Iterator[tuple[Path, float]]:
    directory = layout.live_dir(session.uuid)
    if not directory.is_dir():
        return
    for sidecar in sorted(directory.glob(f"{track}-*.json")):
        media = sidecar.with_suffix(".webm")
        try:
            started_at = float(json.loads(sidecar.read_text("utf-8"))["started_at"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is not a sidecar of a live file: %s", sidecar, error)
            continue
        if media.is_file() and media.stat().st_size:
            yield media, started_at - session.started_at
