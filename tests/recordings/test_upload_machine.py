"""The upload protocol as a state machine: whatever is sent, killed, lost or ended in whatever order, the rules of docs/protocol.md hold.

``PROVIEW_MACHINE_STEPS`` sets how many steps are taken in all (docs/benchmarks.md has a run of 100,000).
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from flask_proview.recordings.coverage import coverage
from flask_proview.recordings.pieces import PieceError, PieceStore, Verdict
from flask_proview.recordings.recovery import Recovery
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.models import Conflict, Piece, Session
from flask_proview.sessions.store import SessionStore

from .conftest import Place, make_config, piece

STEPS = int(os.environ.get("PROVIEW_MACHINE_STEPS", "600"))
STEPS_EACH = 50
QUOTA = 1 << 20
MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it
Key = tuple[str, str, int, int]

bodies = st.sampled_from([b"a" * 10, b"b" * 10, b"c" * 5000, b"d" * 200_000])


@functools.cache
def empty_database() -> Path:
    """A database with its tables; migrations for every example would be most of the time."""
    folder = Path(tempfile.mkdtemp(prefix="machine-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    upgrade(f"sqlite:///{folder}/proview.db")
    return folder / "proview.db"


class Uploads(RuleBasedStateMachine):
    """Two stores, as two web processes have them, and what must be true of everything they said."""

    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        # In memory where that is possible: what a sync costs is not the question here.
        self._folder = tempfile.TemporaryDirectory(prefix="machine-", dir=MEMORY if MEMORY.is_dir() else None)
        self._config = make_config(Path(self._folder.name), limits={"max_session_mb": 1, "max_piece_mb": 1})
        shutil.copy(empty_database(), Path(self._folder.name) / "proview.db")
        self._db = Database(self._config.storage.database)
        self._place = Place(
            self._config, self._db, SessionStore(self._db, self._config), PieceStore(self._db, self._config)
        )
        self._stores = [self._place.pieces, PieceStore(self._db, self._config)]
        for store in self._stores:
            store.start()
        self._held: dict[Key, bytes] = {}
        self._used: dict[str, int] = {}
        self._conflicts = 0
        self._gone: set[str] = set()

    def teardown(self) -> None:
        for store in self._stores:
            store.stop()
        self._db.dispose()
        self._folder.cleanup()

    @initialize(target=sessions)
    def first_session(self) -> Session:
        return self._start()

    @rule(target=sessions, name=st.integers(0, 3))
    def start(self, name: int) -> Session:
        return self._start(f"e{name}-{len(self._used)}")

    def _start(self, name: str = "e") -> Session:
        session = self._place.start(name)
        self._used.setdefault(session.uuid, 0)
        return session

    @rule(
        session=sessions, track=st.sampled_from(["camera", "screen"]), run=st.integers(0, 2), seq=st.integers(0, 5),
        body=bodies, process=st.integers(0, 1),
    )  # fmt: skip
    def send(self, session: Session, track: str, run: int, seq: int, body: bytes, process: int) -> None:
        key = (session.uuid, track, run, seq)
        try:
            verdict: Verdict | str = self._stores[process].store(piece(session, seq, body, run=run, track=track))
        except PieceError as error:
            verdict = error.code
        if key in self._held and session.uuid not in self._gone:
            expected: Verdict | str = Verdict.REPLAYED if self._held[key] == body else "piece_conflict"
            self._conflicts += expected == "piece_conflict"
        elif session.uuid in self._gone:
            expected = "unknown_session"
        elif self._used[session.uuid] + len(body) > QUOTA:
            expected = "session_quota"
        else:
            expected = Verdict.STORED
            self._held[key] = body
            self._used[session.uuid] += len(body)
        assert verdict == expected, (key, len(body))

    @rule(session=sessions, seq=st.sampled_from([-1, 2**31, 2**63]))
    def send_nonsense(self, session: Session, seq: int) -> None:
        self._refused(session, "piece_invalid", seq=seq, body=b"x")

    @rule(session=sessions, seq=st.integers(0, 5))
    def lie_about_the_digest(self, session: Session, seq: int) -> None:
        self._refused(session, "digest_mismatch", seq=seq, body=b"x", sha256="0" * 64)

    def _refused(self, session: Session, code: str, **fields: object) -> None:
        try:
            self._place.pieces.store(piece(session, **fields))  # type: ignore[arg-type]
        except PieceError as error:
            assert error.code == code
        else:
            raise AssertionError(f"taken instead of {code}")

    @rule(process=st.integers(0, 1))
    def restart(self, process: int) -> None:
        """A process ends in order; another one takes its place."""
        self._stores[process].stop()
        self._stores[process] = PieceStore(self._db, self._config)
        self._stores[process].start()
        if process == 0:
            self._place.pieces = self._stores[0]

    @rule(session=sessions, data=st.binary(min_size=1, max_size=50))
    def crash_in_the_middle_of_a_write(self, session: Session, data: bytes) -> None:
        """All processes die; one had written bytes that got no row. The next start cuts them."""
        for store in self._stores:
            store.stop()
        path = self._place.layout.run_file(session.uuid, "camera", 0)
        if path.exists():
            with open(path, "ab") as file:
                file.write(data)
            Recovery(self._db, self._config).recover()
            with self._db.read() as db:
                ours = (
                    Session.uuid == session.uuid,
                    Piece.session_id == Session.id,
                    Piece.track == "camera",
                    Piece.run == 0,
                )
                rows = db.scalars(select(Piece).where(*ours)).all()
            assert path.stat().st_size == max((row.offset + row.length for row in rows), default=0)
        for store in self._stores:
            store.start()

    @rule(session=sessions)
    def end(self, session: Session) -> None:
        if session.uuid not in self._gone:
            self._place.end(session, 3_600_000)

    @rule(session=sessions)
    def delete(self, session: Session) -> None:
        assert self._place.sessions.delete(session.uuid) is (session.uuid not in self._gone)
        self._gone.add(session.uuid)
        self._held = {key: body for key, body in self._held.items() if key[0] != session.uuid}
        assert not self._place.layout.session_dir(session.uuid).exists()

    @rule(session=sessions, track=st.sampled_from(["camera", "screen"]))
    def ask_for_coverage(self, session: Session, track: str) -> None:
        if session.uuid in self._gone:
            return
        told = {
            (run["run"], seq)
            for run in coverage(self._db, session.id, track)["runs"]
            for first, last in run["pieces"]
            for seq in range(first, last + 1)
        }
        assert told == {key[2:] for key in self._held if key[:2] == (session.uuid, track)}

    @invariant()
    def everything_acknowledged_is_there_and_nothing_else(self) -> None:
        with self._db.read() as db:
            rows = list(db.scalars(select(Piece)))
            used = {row.uuid: row.bytes_stored for row in db.scalars(select(Session))}
            uuids = {row.id: row.uuid for row in db.scalars(select(Session))}
            accused = {conflict.session_id for conflict in db.scalars(select(Conflict))}
        assert {(uuids[r.session_id], r.track, r.run, r.seq) for r in rows} == set(self._held)
        for row in rows:
            body = self._held[uuids[row.session_id], row.track, row.run, row.seq]
            assert row.sha256 == hashlib.sha256(body).hexdigest()
            with open(self._place.layout.run_file(uuids[row.session_id], row.track, row.run), "rb") as file:
                file.seek(row.offset)
                assert file.read(row.length) == body
        for uuid, count in used.items():
            assert count == self._used[uuid]
        assert accused <= set(uuids)


TestUploads = Uploads.TestCase
TestUploads.settings = settings(
    max_examples=max(1, STEPS // STEPS_EACH),
    stateful_step_count=STEPS_EACH,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
