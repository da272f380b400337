"""An exam in Chromium with something wrong on the line; how much of the recording is missing, and how soon all was well again.

``python -m tests.chaos.network`` runs every fault of `network_faults.py`, or those that are named, and prints a line for each;
``--inside`` is what it starts in the namespace. One installation carries them all, each has a browser profile and an attempt of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Playwright, sync_playwright

from tests.e2e.browser import Candidate, chromium
from tests.e2e.installation import Installation, free_port, installation

from .judge import judge
from .namespace import SERVER, Line, enter, why_not
from .network_faults import FAULTS, Fault
from .scene import MEDIA_PORTS, Outcome, Scene


def sit(playwright: Playwright, running: Installation, line: Line, folder: Path, fault: Fault) -> Outcome:
    """One exam with this fault."""
    scene = Scene(playwright, running, line, folder, Outcome(fault.name, fault.what))
    try:
        with scene.open():
            if fault.before:
                fault.before(scene)
            with chromium(playwright, folder / "candidate", program=line.browser) as browser:
                scene.watch(browser)
                scene.begin(Candidate.seated(browser, running.url))
                fault.act(scene)
                scene.finish()
        record = judge(running, scene.attempt, scene.ended_ms)
        scene.sum_up(record, fault.told)
    except Exception:
        scene.outcome.faults.append(traceback.format_exc())
    finally:
        line.mend()
    return scene.outcome


def inside(names: Iterable[str]) -> None:
    """In the namespace: prints each outcome as JSON."""
    ports = free_port()
    with tempfile.TemporaryDirectory(prefix="network-") as name, sync_playwright() as playwright:
        folder = Path(name)
        media = {"host_addresses": [SERVER], "udp_ports": [ports, ports + MEDIA_PORTS - 1]}
        with Line(folder) as line, installation(folder, site="php", media=media) as running:
            line.lead(urlsplit(running.url).port or 0)
            for number, one in enumerate(names):
                own = folder / f"fault-{number}"
                own.mkdir()
                print(json.dumps(asdict(sit(playwright, running, line, own, FAULTS[one]))), flush=True)


def run(*names: str) -> list[Outcome]:
    """These faults in a namespace of their own."""
    answer = enter("tests.chaos.network", ["--inside", *names], sum(FAULTS[name].limit_s for name in names) + 60)
    outcomes = [Outcome(**json.loads(line)) for line in answer.stdout.splitlines() if line.startswith("{")]
    if answer.returncode or len(outcomes) != len(names):
        raise AssertionError(f"ended with {answer.returncode} after {len(outcomes)} of {len(names)} faults")
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.network")
    parser.add_argument("--inside", action="store_true")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("names", nargs="*", metavar="fault", help="default: all")
    arguments = parser.parse_args()
    names = arguments.names or list(FAULTS)
    if unknown := set(names) - set(FAULTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; --list says what there is")
    if arguments.list:
        print("\n".join(f"{fault.name}: {fault.what}" for fault in FAULTS.values()))
        return 0
    if arguments.inside:
        inside(names)
        return 0
    if (reason := why_not()) is not None:
        print(f"skipped: {reason}")
        return 0
    began, bad = time.monotonic(), 0
    for name in names:
        (outcome,) = run(name)
        bad += not outcome.good
        print(outcome.line(), flush=True)
    print(
        f"{len(names)} faults of the network in {time.monotonic() - began:.0f} s, {bad} with something missing or wrong"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
