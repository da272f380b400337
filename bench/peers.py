"""Where the peers of the benchmarks live: a virtual environment beside ours, made by ``make bench`` from requirements/bench.txt."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HOME = Path(os.environ.get("PROVIEW_BENCH_PEERS") or Path(sys.prefix) / "peers")


def add_peers() -> None:
    """Make the peers' packages importable, behind our own: their versions must not replace ours."""
    for packages in HOME.glob("lib/python3.*/site-packages"):
        sys.path.append(str(packages))


def peer_program(name: str) -> str | None:
    """The path of a peer's program: from its environment, else from the system."""
    return shutil.which(name, path=f"{HOME / 'bin'}") or shutil.which(
        name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    )
