"""Resident memory of a process and its descendants. Linux."""

from __future__ import annotations

from pathlib import Path


def tree_of(pid: int) -> list[int]:
    found = [pid]
    for current in found:
        children = Path(f"/proc/{current}/task/{current}/children")
        if children.exists():
            found += [int(child) for child in children.read_text().split()]
    return found


def reset_peak(pid: int) -> None:
    """Let the peak begin at what is used now (proc(5), clear_refs)."""
    for process in tree_of(pid):
        Path(f"/proc/{process}/clear_refs").write_text("5")


def resident_mb(pid: int, *, peak: bool) -> float:
    key = "VmHWM:" if peak else "VmRSS:"
    total = 0
    for process in tree_of(pid):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith(key))
    return total / 1024
