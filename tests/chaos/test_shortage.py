"""Too little of something for ``proview serve``: file descriptors, memory, the database's lock, room for everybody at once (faults 14, 47 to 49)."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.service.build import wait_for

from .served import Installed, put, running
from .test_disks import body_of, kept
from .test_shutdown import half_a_piece

pytestmark = pytest.mark.system


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_without_file_descriptors_the_server_waits_and_goes_on_when_there_are_some(tmp_path: Path) -> None:
    with running(tmp_path) as server, ExitStack() as clients:
        started = server.start_session()
        acknowledged = {seq for seq in range(3) if put(server, started, seq, body_of(seq))[0] == 201}
        worker = server.worker_pid
        ceiling = open_files(worker) + 30
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (ceiling, ceiling))
        for _ in range(100):
            clients.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
        wait_for(lambda: open_files(worker) >= ceiling, "no descriptor left")
        wait_for(lambda: "Too many open files" in server.log, "a line in the log")
        assert server.worker_pid == worker, "nobody crashed"
        clients.close()
        wait_for(server.is_ready, "an answer when there are descriptors again")
        for seq in range(3, 6):
            wait_for(lambda seq=seq: put(server, started, seq, body_of(seq))[0] in (200, 201), "a piece")
        assert server.worker_pid == worker, "without a restart"
        assert acknowledged | {3, 4, 5} <= kept(server, started)


def test_a_locked_database_refuses_for_now_while_pages_are_answered(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        started = server.start_session()
        assert put(server, started, 0, body_of(0))[0] == 201
        answers: list[tuple[int, str | None]] = []
        longest = 0.0

        def insist() -> None:
            while True:
                status, _, retry_after = put(server, started, 1, body_of(1))
                answers.append((status, retry_after))
                if status < 300:
                    return

        with closing(sqlite3.connect(tmp_path / "proview.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            sender = threading.Thread(target=insist)
            sender.start()
            token = {"X-Proview-Token": started["session_token"]}
            beat = f"/proview/v1/sessions/{started['session_uuid']}/heartbeat"
            with ThreadPoolExecutor(8) as others:
                beats = [others.submit(server.request, "POST", beat, {}, token) for _ in range(8)]

                def refused() -> bool:
                    nonlocal longest
                    began = time.monotonic()
                    assert server.request("GET", "/proview/healthz")[0] == 200
                    longest = max(longest, time.monotonic() - began)
                    return bool(answers)

                wait_for(refused, "a refusal", 25)
                other.execute("COMMIT")
                assert {beat.result()[0] for beat in beats} <= {200, 503}
        sender.join(30)
        assert answers[0][0] == 503 and answers[0][1], "told to come again"
        assert answers[-1][0] in (200, 201), "and stored then"
        assert longest < 1.0, "the loop does not wait for the lock"
        assert kept(server, started) == {0, 1}


def connections_a_second_after_a_restart(server: Installed, count: int) -> tuple[float, int]:
    """Kill the worker, connect ``count`` times within a second, each again until it is answered: how long until all were, and tries."""
    tries = 0
    lock = threading.Lock()

    def come_back(number: int) -> None:
        nonlocal tries
        time.sleep(number / count)
        wait = 0.2
        while True:
            with lock:
                tries += 1
            try:
                if server.request("GET", "/proview/init.js")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(wait)
            wait = min(3.0, wait * 2)

    os.kill(server.worker_pid, signal.SIGKILL)
    began = time.monotonic()
    with ThreadPoolExecutor(200) as crowd:
        list(crowd.map(come_back, range(count)))
    return time.monotonic() - began, tries


def test_a_thousand_connections_within_a_second_of_a_restart_are_all_answered(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        seconds, tries = connections_a_second_after_a_restart(server, 1000)
        assert seconds < 30, f"{tries} tries"


def test_a_worker_that_runs_out_of_memory_is_replaced_and_loses_nothing(tmp_path: Path) -> None:
    group = Path("/sys/fs/cgroup/memory") / f"proview-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"memory groups cannot be made here: {error}")
    try:
        with running(tmp_path) as server:
            started = server.start_session()
            acknowledged = {seq for seq in range(5) if put(server, started, seq, body_of(seq))[0] == 201}
            worker = server.worker_pid
            (group / "cgroup.procs").write_text(str(worker))
            # What the worker had before it came here is not counted.
            (group / "memory.limit_in_bytes").write_text(str(32 << 20))
            with ExitStack() as uploads, contextlib.suppress(ConnectionError):
                # Bodies of which the second half never comes: 8 MiB of memory each.
                for seq in range(10, 30):
                    uploads.enter_context(half_a_piece(server, started, seq, body_of(seq, 16 << 20)))
                wait_for(lambda: worker not in server.worker_pids, "the kernel to kill the worker", 30)
            wait_for(server.is_ready, "another worker", 30)
            assert server.worker_pid != worker
            assert f"Worker (pid:{worker}) was sent SIGKILL" in server.log
            assert put(server, started, 5, body_of(5))[0] == 201
            assert acknowledged | {5} <= kept(server, started)
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text(), "an empty group")
        group.rmdir()
