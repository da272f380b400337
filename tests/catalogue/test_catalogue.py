from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from flask_proview import catalogue
from flask_proview.catalogue import EVENTS, Severity, Source, name_of
from flask_proview.recordings import causes

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(r"^  \w+: \[(\d+), '([^']+)'\],$", re.MULTILINE)


def test_the_browsers_list_has_the_same_numbers_and_names() -> None:
    source = (ROOT / "static/sdk/events.js").read_text("utf-8")
    sent = [(int(number), name) for number, name in ENTRY.findall(source)]
    assert len(sent) == source.split("const CATALOGUE = {")[1].split("};")[0].count(": [")
    assert len(sent) >= 30
    assert sent == [(number, EVENTS[number].name) for number, _ in sent]
    assert len(dict(sent)) == len(sent)


def test_numbers_and_names_are_unique_and_fit_their_column() -> None:
    rows = [row for table in catalogue.TABLES for _, rows in table for row in rows]
    assert len({event.name for event in EVENTS.values()}) == len(EVENTS) == len(rows)
    assert all(number == event.id and 0 < len(event.name) <= 80 for number, event in EVENTS.items())


def test_what_technology_does_costs_a_candidate_nothing() -> None:
    for event in EVENTS.values():
        assert (event.weight == 0) == (event.severity in (Severity.INFO, Severity.TECHNICAL)), event.name


def test_documented_numbers_are_below_ten_thousand() -> None:
    assert EVENTS[5].documented
    assert not EVENTS[10_000].documented


def test_a_guess_is_the_browsers_and_says_what_it_rests_on() -> None:
    assert all(event.basis.source is Source.BROWSER for event in EVENTS.values() if event.basis.heuristic)
    assert all(event.basis.rests_on for event in EVENTS.values())
    assert EVENTS[10058].basis.heuristic and not EVENTS[5].basis.heuristic


def test_what_only_the_server_makes_is_refused_from_browsers() -> None:
    assert {10025, 10026, 10027, 10028, 10029, 10035, 10036, 10100, 10101, 10102} == catalogue.SERVER_ONLY


def test_unknown_numbers_keep_their_number() -> None:
    assert name_of(5) == "Window Focus-Out"
    assert name_of(424_242) == "Event 424242"


def test_every_event_that_explains_a_gap_is_in_the_catalogue() -> None:
    used = {number for begins, ends, *_ in causes._PAIRS for number in begins | ends} | {causes.PAGE_LOADED}
    assert used <= set(EVENTS)


def test_the_page_of_the_events_is_written_from_the_catalogue(tmp_path: Path) -> None:
    for name in ("scripts/write-events-page", "docs/events.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "flask_proview").symlink_to(ROOT / "flask_proview")
    subprocess.run([sys.executable, tmp_path / "scripts/write-events-page"], check=True, timeout=60)
    page = (ROOT / "docs/events.md").read_text("utf-8")
    assert (tmp_path / "docs/events.md").read_text("utf-8") == page, "run scripts/write-events-page"
    assert all(f"| {number} | {event.name} |" in page for number, event in EVENTS.items())
