"""Every fault there is, for as long as it takes (an hour): ``make chaos``, or ``python -m tests.chaos [PART …]``.

Each part runs in processes of its own and within a time limit; a part that fails stops no other. The report at the end has a
line for each part and what it printed; with ``--report FILE`` it is written there, too, as Markdown.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAULTS_IN = ["tests/chaos", "tests/recordings/test_failpoints.py", "tests/recordings/test_disk_full.py"]
# name: (what is done, minutes allowed, arguments of Python)
PARTS: dict[str, tuple[str, float, list[str]]] = {
    "kills": ("1,000 SIGKILLs of web and job processes under 100,000 pieces", 40, ["-m", "tests.chaos.kills"]),
    "rolling": ("rolling restarts under 100 candidates", 10, ["-m", "tests.chaos.rolling"]),
    "loads": ("50 page loads inline, 40 in frame mode", 15, ["-m", "tests.chaos.loads"]),
    "network": ("cuts, losses, silence, flipped bits under Chromium", 60, ["-m", "tests.chaos.network"]),
    "service": (
        "disks, databases, clocks, memory, descriptors, steps of a write",
        20,
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", *FAULTS_IN],
    ),
}


@dataclass
class Ran:
    """A part that was run: how it ended, and what it printed."""

    part: str
    verdict: str = "failed"
    minutes: float = 0.0
    printed: list[str] = field(default_factory=list)


def run(part: str) -> Ran:
    """Run one part; its output is shown as it comes."""
    _, limit_min, arguments = PARTS[part]
    ran, began = Ran(part), time.monotonic()
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        late = threading.Timer(limit_min * 60, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                ran.printed.append(line.rstrip())
            status = process.wait()
        finally:
            late.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    ran.minutes = (time.monotonic() - began) / 60
    in_time = ran.minutes < limit_min
    ran.verdict = "passed" if status == 0 else "failed" if in_time else f"not done in {limit_min} minutes"
    return ran


def report(all_ran: list[Ran]) -> str:
    """Markdown: a table of the parts, then what each printed."""
    rows = [f"| {r.part} | {PARTS[r.part][0]} | {r.verdict} | {r.minutes:.1f} |" for r in all_ran]
    printed = [f"## {r.part}\n\n```\n" + "\n".join(r.printed[-60:]) + "\n```" for r in all_ran]
    return "\n".join(
        ["# Faults\n", "| part | what was done | verdict | minutes |", "|---|---|---|---|", *rows, "", *printed]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=f"{', '.join(PARTS)}; all, if none is named"
    )
    parser.add_argument("--report", type=Path, help="write the report there, too")
    asked = parser.parse_args()
    all_ran = []
    for part in asked.parts or PARTS:
        print(f"== {part}: {PARTS[part][0]}", flush=True)
        all_ran.append(run(part))
    text = report(all_ran)
    if asked.report:
        asked.report.write_text(text + "\n")
    print(text.split("\n## ")[0])
    return 0 if all(ran.verdict == "passed" for ran in all_ran) else 1


if __name__ == "__main__":
    sys.exit(main())
