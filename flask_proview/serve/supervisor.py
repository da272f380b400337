"""Start, watch, restart and stop the child processes of ``proview serve``.

Children are started in order and stopped in reverse. One that ends by itself is started again after a delay that grows
with quick deaths, so a crash loop does not eat the machine and a single crash costs a fraction of a second.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

log = logging.getLogger(__name__)

RESTART_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
STABLE_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. ``stop_s``: how long it may take to end after SIGTERM."""

    name: str
    argv: Sequence[str]
    env: dict[str, str]
    pass_fds: tuple[int, ...] = ()
    stop_s: float = 15.0


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Runs programs until SIGINT, SIGTERM or :meth:`stop`."""

    def __init__(self, programs: Sequence[Program], on_started: Callable[[], None] = lambda: None) -> None:
        self._children = [_Child(program) for program in programs]
        self._on_started = on_started
        self._stopping = False
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        """Blocks until stopped; all children have ended when it returns."""
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: self._wake())
        previous_fd = signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        try:
            self._start_due()
            self._on_started()
            with selectors.DefaultSelector() as selector:
                selector.register(self._wake_r, selectors.EVENT_READ)
                while not self._stopping:
                    if selector.select(self._next_due_s()):
                        os.read(self._wake_r, 4096)
                    self._reap()
                    self._start_due()
        finally:
            self._stop_all()
            signal.set_wakeup_fd(previous_fd)
            for number, handler in previous.items():
                signal.signal(number, handler)
            os.close(self._wake_r)
            os.close(self._wake_w)

    def stop(self) -> None:
        """From a signal handler or another thread; safe to call twice."""
        self._stopping = True
        self._wake()

    def pids(self) -> dict[str, int]:
        """name → pid of the children that run."""
        return {c.program.name: c.process.pid for c in self._children if c.process is not None}

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_w, b"\0")

    def _next_due_s(self) -> float | None:
        due = [c.start_at for c in self._children if c.process is None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _start_due(self) -> None:
        for child in self._children:
            if child.process is None and not self._stopping and child.start_at <= time.monotonic():
                self._start(child)

    def _start(self, child: _Child) -> None:
        program = child.program
        # A session of its own: Ctrl-C reaches only the supervisor, which then stops the children in order.
        child.process = subprocess.Popen(  # noqa: S603 - our own argv
            program.argv, env=program.env, pass_fds=program.pass_fds, stdin=subprocess.DEVNULL, start_new_session=True
        )
        child.started_at = time.monotonic()
        log.info("%s started (pid %d)", program.name, child.process.pid)

    def _reap(self) -> None:
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            code, child.process = child.process.returncode, None
            if time.monotonic() - child.started_at > STABLE_AFTER_S:
                child.failures = 0
            delay = RESTART_DELAYS_S[min(child.failures, len(RESTART_DELAYS_S) - 1)]
            child.failures += 1
            child.start_at = time.monotonic() + delay
            log.error("%s ended (%s); starting it again in %.1f s", child.program.name, _describe(code), delay)

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            process, child.process = child.process, None
            if process is None or process.poll() is not None:
                continue
            # The whole group: PHP's server and gunicorn have children of their own.
            _signal_group(process, signal.SIGTERM)
            try:
                process.wait(child.program.stop_s)
            except subprocess.TimeoutExpired:
                log.warning("%s did not end within %.0f s; killing it", child.program.name, child.program.stop_s)
                _signal_group(process, signal.SIGKILL)
                process.wait()
            _signal_group(process, signal.SIGKILL)  # what a dead leader left behind
            log.info("%s stopped", child.program.name)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _describe(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
