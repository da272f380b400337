"""Disks under ``proview serve`` that fail, hang or are full (faults 9 to 12): what was acknowledged is there, what was not is asked for again."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import select

from flask_proview.recordings.layout import Layout
from flask_proview.sessions.database import Database
from flask_proview.sessions.models import Piece
from flask_proview.tokens import Kind
from tests import postgresql
from tests.service.build import ORIGIN, wait_for
from tests.service.server import Server

from .hurting import fill_up, injected, small_disk
from .served import put, running

pytestmark = pytest.mark.system


def body_of(seq: int, size: int = 3000) -> bytes:
    return seq.to_bytes(4, "big") * (size // 4)


def readiness(server: Server) -> tuple[int, dict[str, Any]]:
    status, answer = server.request("GET", "/proview/readyz")
    return status, answer


def kept(server: Server, started: dict[str, Any]) -> set[int]:
    """The numbers of the pieces whose bytes are on disk as their rows say; every row is looked at."""
    db = Database(server.config.storage.database)
    with db.read() as orm:
        rows = list(orm.scalars(select(Piece)))
    db.dispose()
    layout = Layout(Path(server.config.storage.recordings))
    for row in rows:
        data = layout.run_file(started["session_uuid"], row.track, row.run).read_bytes()
        assert hashlib.sha256(data[row.offset : row.offset + row.length]).hexdigest() == row.sha256
    return {row.seq for row in rows}


def test_a_failed_fsync_ends_the_worker_and_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        started = server.start_session()
        acknowledged = {seq for seq in range(3) if put(server, started, seq, body_of(seq))[0] == 201}
        assert acknowledged == {0, 1, 2}
        worker = server.worker_pid
        run_file = Layout(tmp_path / "recordings").run_file(started["session_uuid"], "camera", 0)
        with injected(worker, "fdatasync:error=EIO:when=1", "-P", str(run_file)):
            status, answer, retry_after = put(server, started, 3, body_of(3))
            assert (status, answer["code"]) == (503, "busy") and retry_after, "not acknowledged, and asked for again"
            # Only the first call fails. A store that tried again would believe the second.
            wait_for(lambda: worker not in server.worker_pids, "the end of the worker")
        assert "refusing pieces until this process is started again" in server.log
        wait_for(server.is_ready, "another worker", 30)
        assert server.worker_pid != worker
        again = [put(server, started, seq, body_of(seq))[0] for seq in range(5)]
        assert again == [200, 200, 200, 201, 201], "known pieces are known, the refused one is new"
        assert kept(server, started) == set(range(5))


def test_a_disk_that_takes_seconds_slows_browsers_down_and_nobody_else(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        started = server.start_session()
        assert put(server, started, 0, body_of(0))[0] == 201
        before_mb = server.rss_mb
        answers: dict[int, int] = {}

        def send(seq: int) -> None:
            answers[seq] = put(server, started, seq, body_of(seq, 1 << 20))[0]

        with injected(server.worker_pid, "fdatasync,fsync:delay_exit=1200000"):
            senders = [threading.Thread(target=send, args=(seq,)) for seq in range(1, 9)]
            for sender in senders:
                sender.start()
            longest = 0.0

            def slow() -> bool:
                nonlocal longest
                began = time.monotonic()
                assert server.request("GET", "/proview/healthz")[0] == 200
                longest = max(longest, time.monotonic() - began)
                return readiness(server)[0] == 503

            wait_for(slow, "readiness to say so", 20)
            assert readiness(server)[1]["storage"].startswith("slow: ")
            for sender in senders:
                sender.join(60)
            assert server.rss_mb - before_mb < 64, "pieces wait in a bounded queue"
        assert set(answers.values()) <= {201, 503}
        assert longest < 1.0, "the loop never waits for the disk"
        assert put(server, started, 100, body_of(100))[0] == 201
        assert readiness(server)[0] == 200, "the disk is quick again"
        acknowledged = {0, 100} | {seq for seq, status in answers.items() if status == 201}
        assert acknowledged <= kept(server, started)


def put_until_refused(
    server: Server, started: dict[str, Any], acknowledged: set[int]
) -> list[tuple[int, str, str | None]]:
    """Pieces from 3 on until three were refused, and how; what was taken is added to ``acknowledged``."""
    refused: list[tuple[int, str, str | None]] = []
    for seq in range(3, 600):
        status, answer, retry_after = put(server, started, seq, body_of(seq))
        if status < 300:
            acknowledged.add(seq)
        else:
            refused.append((status, answer["code"], retry_after))
            if len(refused) == 3:
                break
    assert refused, "the disk was never full"
    return refused


def can_be_read(server: Server, started: dict[str, Any]) -> bool:
    path = f"/proview/v1/sessions/{started['session_uuid']}/tracks/camera/coverage"
    return bool(server.request("GET", path, headers={"X-Proview-Token": started["session_token"]})[0] == 200)


def test_a_full_database_disk_refuses_what_it_cannot_keep_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=8m") as disk, running(tmp_path, storage={"database": f"sqlite:///{disk}/proview.db"}) as server:  # fmt: skip
        started = server.start_session()
        acknowledged = {seq for seq in range(3) if put(server, started, seq, body_of(seq))[0] == 201}
        fill_up(disk / "ballast")
        refused = put_until_refused(server, started, acknowledged)
        assert all(status in (503, 507) and after for status, _, after in refused), refused
        status, answer = server.request("POST", "/proview/v1/sessions", {"launch": launch(server)})
        assert status in (503, 507) and answer["code"] in ("busy", "storage_full"), "a session is not half begun"
        assert readiness(server)[0] == 503
        assert can_be_read(server, started)
        assert integrity(disk / "proview.db") == "ok"

        (disk / "ballast").unlink()
        wait_for(server.is_ready, "readiness when there is room again")
        assert put(server, started, 500, body_of(500))[0] == 201, "without a restart"
        assert acknowledged | {500} <= kept(server, started)
        assert integrity(disk / "proview.db") == "ok"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Not ``tmp_path``: the user of the database has to get in."""
    with TemporaryDirectory(prefix="pv-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(postgresql.why_not() is not None, reason=str(postgresql.why_not()))
def test_postgresql_whose_tables_cannot_grow_refuses_and_loses_nothing(open_folder: Path) -> None:
    with (
        small_disk(open_folder / "disk", "size=96m") as disk,
        postgresql.running_server(disk) as sockets,
        running(open_folder, storage={"database": postgresql.new_database(sockets, "full")}) as server,
    ):
        started = server.start_session()
        acknowledged = {seq for seq in range(3) if put(server, started, seq, body_of(seq))[0] == 201}
        fill_up(disk / "ballast")
        refused = put_until_refused(server, started, acknowledged)
        assert all(refusal == (507, "storage_full", "5") for refusal in refused), refused
        status, ready = readiness(server)
        assert (status, ready["database"], ready["storage"]) == (503, "has no room for pieces", "ok")
        assert can_be_read(server, started)

        (disk / "ballast").unlink()
        assert put(server, started, 999, body_of(999))[0] == 201, "without a restart of anything"
        assert server.is_ready()
        assert acknowledged | {999} <= kept(server, started)


def test_a_disk_without_inodes_takes_pieces_of_known_runs_only(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=64m,nr_inodes=400") as disk, running(tmp_path, storage={"recordings": f"{disk}/recordings"}) as server:  # fmt: skip
        started = server.start_session()
        assert put(server, started, 0, body_of(0))[0] == 201
        ballast = [disk / f"ballast-{n}" for n in range(200)]
        for path in ballast:
            path.touch()
        status, answer, retry_after = wait_for(
            lambda: (refusal := put(server, started, int(time.monotonic() * 100), body_of(1), run=5000))[0] >= 300 and refusal,
            "a refusal",
        )  # fmt: skip
        assert (status, answer["code"], retry_after) == (507, "storage_full", "5")
        assert readiness(server)[0] == 503
        for path in ballast:
            path.unlink()
        wait_for(server.is_ready, "readiness when there are inodes again")
        wait_for(lambda: put(server, started, 7, body_of(7), run=9000)[0] == 201, "a new run")


def integrity(database: Path) -> str:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        result: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return result


def launch(server: Server) -> str:
    claims = {"account": "main", "route": "exam", "session": "late", "profile": "late", "origin": ORIGIN}
    return server.signer.issue(Kind.LAUNCH, claims, 600)
