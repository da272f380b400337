"""What is done to a machine: a file system of a few MiB, system calls that fail or take long. Root and strace are needed; without them tests skip."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service.build import wait_for


@contextmanager
def small_disk(directory: Path, options: str) -> Iterator[Path]:
    """A tmpfs with these mount options."""
    directory.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield directory
    finally:
        # Lazily: a file that a failed test left open must not keep the directory.
        subprocess.run(["umount", "-l", directory], check=True)


def fill_up(ballast: Path) -> None:
    """Until nothing fits any more."""
    with open(ballast, "wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))


@contextmanager
def injected(pid: int, what: str, *options: str) -> Iterator[None]:
    """System calls of a running process, all its threads, as ``strace -e inject=`` has it (strace(1))."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: run `make system`")
    calls = what.partition(":")[0]
    argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", f"trace={calls}", "-e", f"inject={what}"]
    tracer = subprocess.Popen([*argv, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: tracer.poll() is not None or is_traced(pid), "the tracer")
        if tracer.poll() is not None:
            assert tracer.stderr is not None
            pytest.skip(f"processes cannot be traced here: {tracer.stderr.read().strip()}")
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=20)


def is_traced(pid: int) -> bool:
    """Every thread of it."""
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    return bool(threads) and all("TracerPid:\t0\n" not in (thread / "status").read_text() for thread in threads)
