"""An exam of many page loads in Chromium: what each load leaves out of the recording, in both modes.

``python -m tests.chaos.loads``: 50 loads inline, where each ends one run and begins the next, and 40 in frame mode, where the
recorder lives on in the shell.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.e2e.browser import Candidate, chromium
from tests.e2e.installation import installation, wait_until
from tests.frame.driver import drive, five_questions
from tests.stacks.harness import LAST_SLICE_MS, only_session, pieces, wait_finalised

# A candidate reads a page before going on: longer than a slice, so that every page's run has some.
READING_MS = 1500
# What inline mode may leave out per load, in the middle.
INLINE_MEDIAN_MS = 500


def inner_gaps(ledger: Sequence[dict[str, Any]], track: str = "camera") -> list[int]:
    """Lengths (ms) of what is missing between the first and the last recorded moment of a track."""
    rows = [row for row in ledger if row["track"] == track]
    recorded = [row for row in rows if row["outcome"] == "recorded"]
    first, last = recorded[0]["from_ms"], recorded[-1]["to_ms"]
    return [r["to_ms"] - r["from_ms"] for r in rows if r["outcome"] == "gap" and first <= r["from_ms"] < last]


def sit(mode: str, loads: int) -> list[int]:
    """The gaps of one session with that many page loads, one after the other."""
    with (
        tempfile.TemporaryDirectory(prefix="loads-") as name,
        sync_playwright() as playwright,
        installation(Path(name), site="php", route={"mode": mode}) as running,
        chromium(playwright, Path(name) / "profile") as browser,
    ):
        candidate = Candidate.seated(browser, running.url)
        uuid = only_session(running)
        turns = five_questions(candidate)
        for _ in range(loads):
            candidate.wait_running()
            candidate.page.wait_for_timeout(READING_MS)
            drive(turns, 1)
        candidate.wait_running()
        count = len(pieces(running, uuid))
        wait_until(lambda: len(pieces(running, uuid)) >= count + 2, what="recording on the last page")
        candidate.stop()
        details = wait_finalised(running, uuid)
    tail = [row for row in details["ledger"] if row["track"] == "camera"][-1]
    assert tail["outcome"] == "recorded" or tail["to_ms"] - tail["from_ms"] < LAST_SLICE_MS, tail
    return inner_gaps(details["ledger"])


def line(mode: str, loads: int, gaps: Sequence[int]) -> str:
    """For people."""
    if not gaps:
        return f"{mode}: {loads} page loads, nothing missing"
    ordered = sorted(gaps)
    return (
        f"{mode}: {loads} page loads, {len(gaps)} gaps, median {statistics.median(gaps):.0f} ms,"
        f" nine of ten within {ordered[len(ordered) * 9 // 10]} ms, longest {ordered[-1]} ms, together {sum(gaps) / 1000:.1f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.loads", description=__doc__)
    parser.add_argument("--inline", type=int, default=50, help="page loads inline (50)")
    parser.add_argument("--frame", type=int, default=40, help="page loads in frame mode (40)")
    asked = parser.parse_args()
    inline, frame = sit("inline", asked.inline), sit("frame", asked.frame)
    print(line("inline", asked.inline, inline), line("frame", asked.frame, frame), sep="\n")
    return 1 if frame or statistics.median(inline or [0]) > INLINE_MEDIAN_MS else 0


if __name__ == "__main__":
    sys.exit(main())
