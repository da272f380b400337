"""An exam in Chromium whose network is cut, or loses packets from the first page to the last; how much of the recording is missing.

``python -m tests.chaos.network`` runs all; ``--inside`` is what it starts in the namespace. Not for cuts that outlast the
heartbeat's time-out: the session then goes on in a continuation, and only the first of them is looked at here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.e2e.browser import Candidate, chromium
from tests.e2e.installation import Installation, installation, wait_until
from tests.stacks.harness import LAST_SLICE_MS, check_ledger, only_session, pieces, wait_finalised

from .namespace import Line, enter, why_not

NETWORK_LOST, NETWORK_RESTORED = 10007, 10008
DRAIN_S = 120.0
# What was under way when the line was cut may still be written.
UNDER_WAY = 2


@dataclass
class Outcome:
    """What one session met and what is left of it."""

    fault: str
    recorded_ms: int = 0
    missing_ms: int = 0
    pieces: int = 0
    dropped_packets: int = 0
    lost_events: int = 0
    restored_events: int = 0
    told_after_s: float = 0.0
    begin_off_s: float = 0.0
    back_after_s: float = 0.0
    drained_s: float = 0.0

    def line(self) -> str:
        return (
            f"{self.fault}: {self.recorded_ms / 1000:.1f} s recorded, {self.missing_ms / 1000:.1f} s missing,"
            f" {self.pieces} pieces, {self.dropped_packets} packets dropped, network lost/restored"
            f" {self.lost_events}/{self.restored_events}, drained in {self.drained_s:.1f} s"
        )


def sit(running: Installation, line: Line, profile: Path, cut_s: float, loss: float) -> Outcome:
    """One session in frame mode through ``loss`` for its whole length, or through one cut."""
    outcome = Outcome(f"{loss:.0%} of the packets lost" if loss else f"cut of {cut_s:.0f} s")
    if loss:
        line.lose(loss)
    with sync_playwright() as playwright, chromium(playwright, profile) as browser:
        candidate = Candidate.seated(browser, running.url)
        uuid = only_session(running)
        wait_until(lambda: len(pieces(running, uuid)) >= 5, 60, "recording")
        if cut_s:
            line.lose(1)
            at_cut = len(pieces(running, uuid))
            candidate.page.wait_for_timeout(cut_s * 1000)
            outcome.dropped_packets = line.dropped()
            arrived = len(pieces(running, uuid)) - at_cut
            assert arrived <= UNDER_WAY, f"{arrived} pieces came through a line that was cut"
            line.mend()
        else:
            candidate.page.wait_for_timeout(10_000)
        before, mended = len(pieces(running, uuid)), time.monotonic()
        wait_until(lambda: len(pieces(running, uuid)) >= before + 5 + int(cut_s), DRAIN_S, "the drain")
        outcome.drained_s = time.monotonic() - mended
        candidate.stop()
        if loss:
            outcome.dropped_packets = line.dropped()
            line.mend()
        details = wait_finalised(running, uuid)
    measure(running, details, outcome)
    return outcome


def measure(running: Installation, details: dict[str, Any], outcome: Outcome) -> None:
    """What is not recorded is missing, but for the set-up at the beginning and the frames after the last slice."""
    check_ledger(details, {"setup", "network", "unknown"})
    rows = [row for row in details["ledger"] if row["track"] == "camera"]
    for row in rows:
        length = row["to_ms"] - row["from_ms"]
        if row["outcome"] == "recorded":
            outcome.recorded_ms += length
        elif row["cause"] != "setup" and not (row is rows[-1] and length < LAST_SLICE_MS):
            outcome.missing_ms += length
    happened = [event["event_type_id"] for event in details["events"]]
    outcome.lost_events, outcome.restored_events = happened.count(NETWORK_LOST), happened.count(NETWORK_RESTORED)
    outcome.pieces = len(pieces(running, details["session_uuid"]))


def inside(cut_s: float, loss: float) -> None:
    """In the namespace: prints the outcome as JSON."""
    with tempfile.TemporaryDirectory(prefix="network-") as name, installation(Path(name), site="php") as running:
        line = Line(urlsplit(running.url).port or 0)
        print(json.dumps(asdict(sit(running, line, Path(name) / "profile", cut_s, loss))))


def run(*, cut_s: float = 0.0, loss: float = 0.0) -> Outcome:
    """One session in a namespace of its own."""
    answer = enter("tests.chaos.network", ["--inside", "--cut", f"{cut_s}", "--loss", f"{loss}"], cut_s + 400)
    if answer.returncode:
        raise AssertionError(f"{answer.stdout}\n{answer.stderr}")
    return Outcome(**json.loads(answer.stdout.splitlines()[-1]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.network")
    parser.add_argument("--inside", action="store_true")
    parser.add_argument("--cut", type=float, default=0.0)
    parser.add_argument("--loss", type=float, default=0.0)
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments.cut, arguments.loss)
        return 0
    if (reason := why_not()) is not None:
        print(f"skipped: {reason}")
        return 0
    asked = [(arguments.cut, arguments.loss)] if arguments.cut or arguments.loss else [(10, 0), (0, 0.2)]
    outcomes = []
    for cut_s, loss in asked:
        outcomes.append(run(cut_s=cut_s, loss=loss))
        print(outcomes[-1].line(), flush=True)
    return 1 if any(outcome.missing_ms for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
