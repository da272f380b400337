from __future__ import annotations

import re
from pathlib import Path

from flask_proview.recordings import causes
from flask_proview.sessions import catalogue
from flask_proview.sessions.catalogue import EVENTS, Severity, name_of

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
    assert len({event.name for event in EVENTS.values()}) == len(EVENTS) == len(catalogue._TABLE)
    assert all(number == event.id and 0 < len(event.name) <= 80 for number, event in EVENTS.items())


def test_what_technology_does_costs_a_candidate_nothing() -> None:
    for event in EVENTS.values():
        assert (event.weight == 0) == (event.severity in (Severity.INFO, Severity.TECHNICAL)), event.name


def test_documented_numbers_are_below_ten_thousand() -> None:
    assert EVENTS[5].documented
    assert not EVENTS[10_000].documented


def test_unknown_numbers_keep_their_number() -> None:
    assert name_of(5) == "Window Focus-Out"
    assert name_of(424_242) == "Event 424242"


def test_every_event_that_explains_a_gap_is_in_the_catalogue() -> None:
    used = {number for begins, ends, *_ in causes._PAIRS for number in begins | ends} | {causes.PAGE_LOADED}
    assert used <= set(EVENTS)
