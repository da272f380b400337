"""CPU time and memory of a process and all its descendants, from /proc. Linux."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_of(pid: int) -> list[int]:
    """``pid`` and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, pending = [], [pid]
    while pending:
        current = pending.pop()
        found.append(current)
        pending += children.get(current, [])
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time, as exact as a clock tick (10 ms)."""
    total = 0.0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def reset_peak(pids: list[int]) -> None:
    """Let the peak of the resident memory begin at what is used now (proc(5), clear_refs)."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")


def resident_mb(pids: list[int], *, peak: bool) -> float:
    """Resident memory; ``peak``: the most since ``reset_peak``, each process at its own moment."""
    key = "VmHWM:" if peak else "VmRSS:"
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(key))
    return total / 1024


def _stat(pid: int) -> list[str]:
    """From the state on; [] when it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(") ")[2].split()
    except OSError:
        return []
