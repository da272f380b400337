"""Pieces: durable before acknowledged, immutable, idempotent. Fails closed.

Group commit: a loop thread takes everything that waits, appends the bytes to the runs' files, makes them durable with one
sync, commits their rows in one transaction and only then answers. Rows are the truth: bytes without a row (a crash, a full
disk) are never read. A failed sync means that nobody knows what is on disk (PostgreSQL's "fsyncgate"): the store then refuses
everything until the process is started again, and says so (``when_broken``).
"""

from __future__ import annotations

import enum
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from flask_proview.config import Config
from flask_proview.errors import ApiError
from flask_proview.offload import offload
from flask_proview.sessions.database import Database, failed_to_sync, is_full, now_ms

from .heads import HeadChooser, head_record
from .layout import MAX_RUN, TRACKS, Layout
from .leftovers import Leftovers
from .pace import Pace
from .piece_rows import PieceRows, Placed, Standing
from .run_files import RunFiles, SyncFailed

log = logging.getLogger(__name__)

MAX_SEQ = 2**31 - 1
QUEUE_PIECES = 4096
QUEUE_BYTES = 256 * 2**20
BATCH_PIECES = 512
BATCH_BYTES = 64 * 2**20
STOP_S = 10
REFUSED_S = 15.0
# A commit costs 1.2 ms of CPU plus 0.2 ms for each piece, so a busy store rests a little between two: a lone piece is taken
# at once, 600 pieces a second (300 candidates) come in batches of 35 for a quarter of the CPU, and wait 60 ms at most.
REST_S_PER_PIECE, MAX_REST_S = 0.006, 0.06


@dataclass(frozen=True, slots=True)
class IncomingPiece:
    """One slice as it arrived. ``sha256`` is lower-case hex, times are session-clock ms."""

    session_id: int
    session_uuid: str
    track: str
    run: int
    seq: int
    sha256: str
    start_ms: int
    duration_ms: int
    mime: str
    last: bool
    body: bytes


class Verdict(enum.StrEnum):
    STORED = "stored"
    REPLAYED = "replayed"


class PieceError(ApiError):
    """A piece that was not stored. ``retry``: the browser keeps it and sends it again later."""

    def __init__(self, message: str, *, code: str, status: int, retry: bool = False) -> None:
        super().__init__(message, code=code, status=status, critical=not retry, retry_after_s=5 if retry else None)
        self.retry = retry


Done = Callable[[Verdict | PieceError], None]


@dataclass(slots=True)
class _Waiting:
    piece: IncomingPiece
    done: Done
    verdict: Verdict | PieceError | None = None


class PieceStore:
    """Takes pieces from many sockets and requests at once."""

    def __init__(self, db: Database, config: Config) -> None:
        # A pool of its own: the commit runs in a native thread, and locks shared with greenlets of the hub are asking for trouble.
        self._db = Database(db.url)
        self._rows = PieceRows(self._db, config.limits.max_session_mb * 2**20)
        self._layout = Layout(Path(config.storage.recordings))
        self._files = RunFiles(self._layout, config.storage.min_free_mb * 2**20)
        self._heads = HeadChooser()
        self._leftovers = Leftovers()
        self._refused_at = -REFUSED_S
        self._max_piece = config.limits.max_piece_mb * 2**20
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._running = False
        self._looping = False
        self._broken: str | None = None
        self._pace = Pace()
        # Called once, from the commit loop, when nothing will be accepted any more: a server of ours ends the process.
        self.when_broken: Callable[[], None] = lambda: None

    @property
    def unhealthy(self) -> str | None:
        """Why nothing is accepted any more, or None."""
        return self._broken

    @property
    def slow_s(self) -> float:
        """How long the disk takes for a batch now, seconds; 0.0 while it is fast enough."""
        return self._pace.slow_s()

    @property
    def database_is_full(self) -> bool:
        """Whether the database had no room for pieces a moment ago, and has taken none since."""
        return time.monotonic() - self._refused_at < REFUSED_S

    def start(self) -> None:
        """Start the commit loop; again after a fork. Safe to call twice."""
        with self._changed:
            self._running = True
            if self._looping and self._thread is not None and self._thread.is_alive():
                return
            self._looping = True
            self._thread = threading.Thread(target=self._loop, name="proview-pieces", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end. Safe to call twice."""
        with self._changed:
            self._running = False
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join(STOP_S)
        with self._changed:
            if self._looping and thread is not None and thread.is_alive():
                # Closing files under a commit could make it write into whatever is opened next under the same number.
                log.error("the disk is too slow: pieces are still being written %d s after the stop", STOP_S)
                return
        self._files.close()
        self._db.dispose()

    def submit(self, piece: IncomingPiece, done: Done) -> None:
        """Queue a piece; never blocks. ``done`` is called once, from the commit loop, or at once when it is refused."""
        error = self._refusal(piece)
        if error is None:
            with self._changed:
                if not self._running:
                    error = PieceError("The server is stopping.", code="busy", status=503, retry=True)
                elif len(self._waiting) >= QUEUE_PIECES or self._waiting_bytes + len(piece.body) > QUEUE_BYTES:
                    error = PieceError(
                        "The server is busy; the piece will be taken later.", code="busy", status=503, retry=True
                    )
                else:
                    self._waiting.append(_Waiting(piece, done))
                    self._waiting_bytes += len(piece.body)
                    self._changed.notify()
                    return
        done(error)

    def store(self, piece: IncomingPiece, timeout_s: float = 30.0) -> Verdict:
        """Store a piece and wait until it is durable.

        :raises PieceError: when it is refused, or ``busy`` when it took longer than ``timeout_s``.
        """
        finished = threading.Event()
        answers: list[Verdict | PieceError] = []

        def done(answer: Verdict | PieceError) -> None:
            answers.append(answer)
            finished.set()

        self.submit(piece, done)
        if not finished.wait(timeout_s):
            raise PieceError(
                "The disk is too slow; the piece will be taken later.", code="busy", status=503, retry=True
            )
        answer = answers[0]
        if isinstance(answer, PieceError):
            raise answer
        return answer

    def _refusal(self, piece: IncomingPiece) -> PieceError | None:
        if self._broken is not None:
            return PieceError("The server cannot store anything now.", code="storage_full", status=507, retry=True)
        if len(piece.body) > self._max_piece:
            return PieceError(f"A piece has at most {self._max_piece} bytes.", code="piece_too_large", status=413)
        valid = (
            piece.track in TRACKS
            and 0 <= piece.run <= MAX_RUN
            and 0 <= piece.seq <= MAX_SEQ
            and 0 <= piece.duration_ms <= MAX_SEQ
            and abs(piece.start_ms) <= MAX_RUN
            and piece.body
        )
        return None if valid else PieceError("The piece is malformed.", code="piece_invalid", status=400)

    def _loop(self) -> None:
        rested_at = 0.0
        while True:
            with self._changed:
                while self._running and not self._waiting:
                    self._changed.wait(1.0)
                stopping = not self._running
            if not stopping:
                time.sleep(max(0.0, rested_at - time.monotonic()))
            with self._changed:
                batch = self._take_batch()
                if not batch and not self._running:
                    self._looping = False
                    return
            if not batch:
                continue
            try:
                with self._pace.measured():
                    offload(self._commit, batch)
            except Exception:
                log.exception("a batch of %d pieces was not stored", len(batch))
            for waiting in batch:
                answer = waiting.verdict
                if answer is None:
                    answer = PieceError("The piece could not be stored now.", code="busy", status=503, retry=True)
                try:
                    waiting.done(answer)
                except Exception:
                    log.exception("a piece was handled, but telling so failed")
            rested_at = time.monotonic() + min(MAX_REST_S, REST_S_PER_PIECE * len(batch))

    def _take_batch(self) -> list[_Waiting]:
        size = count = 0
        for waiting in self._waiting[:BATCH_PIECES]:
            if count and size + len(waiting.piece.body) > BATCH_BYTES:
                break
            size += len(waiting.piece.body)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._waiting_bytes -= size
        return batch

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        """Everything that blocks: hashing, disk, database. Sets each verdict only when it is true."""
        if self._broken is not None:
            return
        fresh = []
        for waiting in batch:
            if hashlib.sha256(waiting.piece.body).hexdigest() != waiting.piece.sha256:
                waiting.verdict = PieceError(
                    "The bytes do not have the digest that was sent.", code="digest_mismatch", status=400
                )
            else:
                fresh.append(waiting)
        placed: list[tuple[Placed, _Waiting]] = []
        try:
            standings = self._rows.standings([w.piece for w in fresh])
            placed = self._place(fresh, standings)
            if placed:
                self._files.sync({p.piece.session_uuid for p, _ in placed})
            verdicts = self._rows.insert([p for p, _ in placed], now_ms())
        except SyncFailed as error:
            self._break(str(error))
            return
        except SQLAlchemyError as error:
            log.error("pieces were not stored: %s", str(error).splitlines()[0])
            self._leftovers.keep(p for p, _ in placed)
            if failed_to_sync(error):
                self._break("the database's file failed to sync")
            elif is_full(error):
                self._refused_at = time.monotonic()
                for waiting in fresh:
                    waiting.verdict = waiting.verdict or _answer(Standing.NO_ROOM)
            return
        except OSError as error:
            log.error("pieces were not stored: %s", error)
            self._leftovers.keep(p for p, _ in placed)
            return
        if placed:
            self._refused_at = -REFUSED_S
        for (_, waiting), stored in zip(placed, verdicts, strict=True):
            waiting.verdict = Verdict.STORED if stored is Standing.NEW else _answer(stored)
            if stored is Standing.GONE:
                self._clean_up(waiting.piece.session_uuid)
        # A duplicate inside the batch is what its first occurrence became.
        again = [waiting for waiting in fresh if waiting.verdict is None]
        if again:
            self._answer_again(again)

    def _break(self, reason: str) -> None:
        self._broken = reason
        log.critical("storage failed to sync (%s); refusing pieces until this process is started again", reason)
        self.when_broken()

    def _clean_up(self, uuid: str) -> None:
        """The session was deleted while its piece was being written: nothing of it may stay on disk."""
        try:
            if self._rows.is_gone(uuid):
                self._layout.remove_session(uuid)
        except (OSError, SQLAlchemyError) as error:
            log.error("files of the deleted session %s are left: %s", uuid, error)

    def _place(self, fresh: Sequence[_Waiting], standings: Sequence[Standing]) -> list[tuple[Placed, _Waiting]]:
        placed: list[tuple[Placed, _Waiting]] = []
        seen: set[tuple[int, str, int, int]] = set()
        for waiting, standing in zip(fresh, standings, strict=True):
            piece = waiting.piece
            key = (piece.session_id, piece.track, piece.run, piece.seq)
            if standing is not Standing.NEW:
                waiting.verdict = _answer(standing)
            elif key not in seen:
                seen.add(key)
                try:
                    offset = self._append(piece)
                except OSError as error:
                    log.error("a piece of %s was not written: %s", piece.session_uuid, error)
                    waiting.verdict = _answer(Standing.NO_ROOM)
                else:
                    placed.append((Placed(piece, offset), waiting))
        return placed

    def _append(self, piece: IncomingPiece) -> int:
        uuid, track, run = piece.session_uuid, piece.track, piece.run
        left = self._leftovers.take(piece)
        if left is not None and self._files.holds(uuid, track, run, left, piece.body):
            return left
        offset = self._files.append(uuid, track, run, piece.body)
        if self._heads.wants(uuid, track, run, piece.seq, piece.body):
            self._files.append_head(uuid, track, head_record(run, piece.seq, piece.sha256, piece.body))
        return offset

    def _answer_again(self, again: Sequence[_Waiting]) -> None:
        try:
            standings = self._rows.standings([w.piece for w in again])
        except SQLAlchemyError as error:
            log.error("duplicates were not looked up: %s", str(error).splitlines()[0])
            return
        for waiting, standing in zip(again, standings, strict=True):
            waiting.verdict = _answer(standing)


def _answer(standing: Standing) -> Verdict | PieceError:
    match standing:
        case Standing.SAME:
            return Verdict.REPLAYED
        case Standing.OTHER:
            return PieceError("Other bytes were stored for this piece before.", code="piece_conflict", status=409)
        case Standing.QUOTA:
            return PieceError("The session has used up its storage.", code="session_quota", status=413)
        case Standing.NO_ROOM:
            return PieceError(
                "The server's disk is full; the piece will be taken later.", code="storage_full", status=507, retry=True
            )
        case Standing.GONE:
            return PieceError("There is no such session.", code="unknown_session", status=404)
        case Standing.NEW:
            return PieceError("The piece could not be stored now.", code="busy", status=503, retry=True)
