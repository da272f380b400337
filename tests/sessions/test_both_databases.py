"""The same promises on SQLite and on PostgreSQL: upserts, races and cascades are where dialects differ."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select

from flask_proview.config import Config, load_config
from flask_proview.errors import ApiError
from flask_proview.recordings.coverage import coverage
from flask_proview.recordings.finalise import Finaliser
from flask_proview.recordings.layout import Layout
from flask_proview.recordings.pieces import IncomingPiece, PieceError, PieceStore, Verdict
from flask_proview.sessions.database import Database, has_tables, is_current, now_ms, upgrade
from flask_proview.sessions.events import ClientEvent, EventStore
from flask_proview.sessions.models import Base, Conflict, Event, Outcome, Piece, Recording, Run, Session, State
from flask_proview.sessions.refusals import RefusalStore
from flask_proview.sessions.store import SessionStore, StartRequest
from flask_proview.sessions.users import LoginStore, UserStore
from tests.webm_factory import record

from . import postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    reason = postgresql.why_not()
    if reason is not None:
        pytest.skip(reason)
    with postgresql.running_server() as directory:
        yield directory


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/proview.db"
    else:
        url = postgresql.new_database(request.getfixturevalue("server"), f"p{now_ms()}_{tmp_path.name[:40]}")
    return load_config(
        {
            "secrets": {"keys": ["k" * 40]},
            "storage": {"database": url, "recordings": str(tmp_path / "recordings"), "min_free_mb": 1},
        },
        {},
    )


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    upgrade(config.storage.database)
    database = Database(config.storage.database)
    yield database
    database.dispose()


def start(db: Database, config: Config, external_id: str = "e1", profile: str = "p1") -> Session:
    request = StartRequest("main", external_id, profile, None, "ai_proctor", "Algebra", "https://exam.example.edu")
    return SessionStore(db, config).start(request)[0]


def piece(session: Session, seq: int, body: bytes, run: int = 0, last: bool = False) -> IncomingPiece:
    return IncomingPiece(
        session_id=session.id,
        session_uuid=session.uuid,
        track="camera",
        run=run,
        seq=seq,
        sha256=hashlib.sha256(body).hexdigest(),
        start_ms=run + seq * 1000,
        duration_ms=1000,
        mime='video/webm;codecs="vp8,opus"',
        last=last,
        body=body,
    )


def count(db: Database, table: type[Base]) -> int:
    with db.read() as orm:
        return orm.scalar(select(func.count()).select_from(table)) or 0


def test_the_migrations_make_exactly_the_tables_of_the_models(config: Config) -> None:
    database = Database(config.storage.database)
    assert not has_tables(database)
    upgrade(config.storage.database)
    upgrade(config.storage.database)  # again: nothing to do
    assert is_current(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.dispose()


def test_two_starts_at_once_make_one_session(db: Database, config: Config) -> None:
    barrier = threading.Barrier(6)

    def go(_: int) -> str:
        barrier.wait()
        return start(db, config).uuid

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(go, range(6)))) == 1
    assert count(db, Session) == 1


def test_two_ends_at_once_end_it_once(db: Database, config: Config) -> None:
    session = start(db, config)
    store = SessionStore(db, config)
    barrier = threading.Barrier(4)

    def go(state: State) -> bool:
        barrier.wait()
        return store.end(session.uuid, state, str(state))[1]

    states = [State.STOPPED, State.TERMINATED, State.STOPPED, State.EXPIRED]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(go, states)) == 1


def test_writers_in_two_processes_agree_on_every_piece(db: Database, config: Config) -> None:
    """Two stores stand for two worker processes: own pool, own files, the same rows."""
    session = start(db, config)
    answers: dict[tuple[str, int], Verdict | PieceError] = {}
    finished = threading.Semaphore(0)
    stores = {"a": PieceStore(db, config), "b": PieceStore(db, config)}
    for store in stores.values():
        store.start()
    pieces = 60
    for seq in range(pieces):
        for name, store in stores.items():
            # Odd numbers: both send the same bytes, as a browser does whose first connection died.
            body = b"%d" % seq if seq % 2 else f"{name}-{seq}".encode()

            def done(answer: Verdict | PieceError, key: tuple[str, int] = (name, seq)) -> None:
                answers[key] = answer
                finished.release()

            store.submit(piece(session, seq, body), done)
    for _ in range(2 * pieces):
        assert finished.acquire(timeout=30)
    for store in stores.values():
        store.stop()

    with db.read() as orm:
        rows = {row.seq: row for row in orm.scalars(select(Piece).where(Piece.session_id == session.id))}
        stored = orm.scalar(select(Session.bytes_stored).where(Session.id == session.id))
    data = Layout(Path(config.storage.recordings)).run_file(session.uuid, "camera", 0).read_bytes()
    assert sorted(rows) == list(range(pieces))
    assert stored == sum(row.length for row in rows.values()), "no piece was counted twice"
    for seq, row in rows.items():
        kept = data[row.offset : row.offset + row.length]
        assert hashlib.sha256(kept).hexdigest() == row.sha256
        said = [answers["a", seq], answers["b", seq]]
        if seq % 2:
            assert sorted(map(str, said)) == ["replayed", "stored"]
        else:
            winner = kept.decode()[0]
            loser = answers["b" if winner == "a" else "a", seq]
            assert answers[winner, seq] is Verdict.STORED
            assert isinstance(loser, PieceError) and loser.code == "piece_conflict"
    assert count(db, Conflict) == pieces // 2, "every refused byte string is on record"


def test_a_session_that_is_deleted_takes_everything_with_it(db: Database, config: Config) -> None:
    session, other = start(db, config, "gone"), start(db, config, "stays")
    store = PieceStore(db, config)
    store.start()
    for number in (0, 1):
        store.store(piece(session, number, b"%d" % number))
        store.store(piece(other, number, b"%d" % number))
    EventStore(db, config).add(session, [ClientEvent(0, 5, "x", 10)])
    assert SessionStore(db, config).delete(session.uuid)
    with pytest.raises(PieceError, match="no such session"):
        store.store(piece(session, 2, b"late"))
    assert store.store(piece(other, 2, b"goes on")) is Verdict.STORED
    store.stop()
    assert (count(db, Piece), count(db, Run), count(db, Event)) == (3, 1, 0)


def test_events_are_stored_once_whatever_is_sent_twice(db: Database, config: Config) -> None:
    session = start(db, config)
    store = EventStore(db, config)
    batch = [ClientEvent(n, 5, "Window Focus-Out", n * 10, {"visible": n % 2 == 0}) for n in range(20)]
    barrier = threading.Barrier(4)

    def send(_: int) -> list[int]:
        barrier.wait()
        return store.add(session, batch)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, range(4))) == [list(range(20))] * 4
    store.add_server(session.id, 10025, 500)
    assert [(e.client_seq, e.data) for e in store.of(session.id)][-2:] == [(19, {"visible": False}), (None, {})]
    assert count(db, Event) == 21


def test_refusals_are_counted_and_bounded(db: Database) -> None:
    store = RefusalStore(db)
    for number in range(3):
        store.count("exam", "main", "domain", "evil.example", f"/{number}", "not listed", by=2)
    store.count("exam", "", "domain", "evil.example", "/", "")
    newest = store.list()
    assert sorted((row.account, row.count, row.path) for row in newest) == [("", 1, "/"), ("main", 6, "/2")]


def test_people_log_in_and_out(db: Database, config: Config) -> None:
    users, logins = UserStore(db), LoginStore(db, config)
    anna = users.add("Anna", "reviewer", "correct horse")
    with pytest.raises(ApiError, match="exists already"):
        users.add("Anna", "admin", "another horse")
    assert users.verify("Anna", "wrong horse") is None and users.verify("Nobody", "correct horse") is None
    assert users.verify("Anna", "correct horse") is not None
    cookie, _ = logins.open(anna, "127.0.0.1")
    found = logins.read(cookie)
    assert found is not None and found[0].name == "Anna"
    users.set_disabled("Anna", True)
    assert logins.read(cookie) is None and users.verify("Anna", "correct horse") is None


def test_search_finds_by_part_of_a_name_and_takes_no_wildcards(db: Database, config: Config) -> None:
    uuids = [start(db, config, f"Exam 100% #{n}", f"anna_{n}").uuid for n in range(5)]
    store = SessionStore(db, config)
    assert [row.uuid for row in store.search(text="exam 100%").rows] == uuids[::-1]
    assert [row.uuid for row in store.search(text=uuids[2][:8].upper()).rows] == [uuids[2]]
    assert store.search(text="anna%").rows == [] and store.search(text="_____").rows == []
    page = store.search(text="anna_", limit=2)
    rest = store.search(text="anna_", limit=5, before=page.next)
    assert [row.uuid for row in page.rows + rest.rows] == uuids[::-1] and rest.next is None


@pytest.mark.media
def test_pieces_become_a_recording_and_a_ledger(db: Database, config: Config) -> None:
    session = start(db, config)
    recorded = record(3.0)
    store = PieceStore(db, config)
    store.start()
    for seq, body in enumerate(recorded.pieces):
        store.store(piece(session, seq, body, last=seq == len(recorded.pieces) - 1))
    store.stop()
    assert coverage(db, session.id, "camera")["runs"][0]["complete"]
    SessionStore(db, config).end(session.uuid, State.STOPPED, "page")
    Finaliser(db, config).finalise(session.uuid)
    Finaliser(db, config).finalise(session.uuid)
    with db.read() as orm:
        row = orm.scalars(select(Session).where(Session.id == session.id)).one()
        ledger = orm.scalars(select(Outcome).order_by(Outcome.track, Outcome.from_ms)).all()
    assert row.finalised_at is not None and row.ended_at is not None
    assert sum(o.to_ms - o.from_ms for o in ledger) == row.ended_at - row.started_at
    assert count(db, Recording) == 1
