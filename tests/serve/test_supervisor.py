from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask_proview.serve.supervisor import Program, Supervisor

WAIT_FOREVER = "import signal, sys, pathlib; pathlib.Path(sys.argv[1]).open('a').write('started\\n'); signal.pause()"
IGNORE_TERM = (
    "import signal, sys, pathlib, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "pathlib.Path(sys.argv[1]).open('a').write('started\\n'); time.sleep(60)"
)


def wait_until(condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.01)


def program(name: str, code: str, mark: Path, stop_s: float = 5.0) -> Program:
    return Program(name, [sys.executable, "-c", code, str(mark)], dict(os.environ), stop_s=stop_s)


def lines(mark: Path) -> int:
    return len(mark.read_text().splitlines()) if mark.exists() else 0


@contextmanager
def running(*programs: Program) -> Iterator[tuple[Supervisor, Callable[[], None]]]:
    """A supervisor in a child process would hide its pids, so it runs here, in the main thread's place."""
    supervisor = Supervisor(programs)
    errors: list[BaseException] = []
    # Signal handlers belong to the main thread; in a test the supervisor runs in another one.
    original = signal.signal, signal.set_wakeup_fd
    signal.signal = lambda *_: signal.SIG_DFL
    signal.set_wakeup_fd = lambda *_, **__: -1

    def run() -> None:
        try:
            supervisor.run()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def stop() -> None:
        supervisor.stop()
        thread.join(20)
        assert not thread.is_alive()

    try:
        yield supervisor, stop
    finally:
        stop()
        signal.signal, signal.set_wakeup_fd = original
    assert errors == []


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with running(program("child", WAIT_FOREVER, mark)) as (supervisor, _):
        wait_until(lambda: lines(mark) == 1)
        first = supervisor.pids()["child"]
        os.kill(first, signal.SIGKILL)

        def restarted() -> bool:
            supervisor._wake()  # SIGCHLD does this when the supervisor has the main thread
            return lines(mark) == 2

        wait_until(restarted)
        assert supervisor.pids()["child"] != first


def test_stop_ends_all_children_and_may_be_called_twice(tmp_path: Path) -> None:
    marks = [tmp_path / "a", tmp_path / "b"]
    with running(*(program(m.name, WAIT_FOREVER, m) for m in marks)) as (supervisor, stop):
        wait_until(lambda: all(lines(m) for m in marks))
        pids = list(supervisor.pids().values())
        supervisor.stop()
        stop()
        assert not any(is_alive(pid) for pid in pids)


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with running(program("stubborn", IGNORE_TERM, mark, stop_s=0.2)) as (supervisor, stop):
        wait_until(lambda: lines(mark) == 1)
        pid = supervisor.pids()["stubborn"]
        stop()
        assert not is_alive(pid)


def test_a_crash_loop_is_slowed_down(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    crash = "import sys, pathlib; pathlib.Path(sys.argv[1]).open('a').write('x\\n')"
    with running(program("crash", crash, mark)) as (supervisor, _):
        child = supervisor._children[0]

        def failed_three_times() -> bool:
            supervisor._wake()
            return child.failures >= 3

        wait_until(failed_three_times)
        assert lines(mark) >= 3
        assert child.start_at - time.monotonic() <= 10


def test_ctrl_c_stops_the_supervisor_and_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = (
        "import os, sys\n"
        "from flask_proview.serve.supervisor import Program, Supervisor\n"
        f"child = {WAIT_FOREVER!r}\n"
        "Supervisor([Program('c', [sys.executable, '-c', child, sys.argv[1]], dict(os.environ))]).run()\n"
        "print('clean')\n"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", code, str(mark)], cwd=root, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: lines(mark) == 1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert output == "clean\n"
    assert process.returncode == 0
