"""What ``python -m tests.chaos.network`` runs, judged."""

from __future__ import annotations

import pytest

from .namespace import why_not
from .network import run

pytestmark = [pytest.mark.browser, pytest.mark.system]


@pytest.fixture(autouse=True, scope="module")
def _namespaces() -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)


def test_a_cut_of_ten_seconds_misses_nothing_once_it_is_drained() -> None:
    outcome = run(cut_s=10)
    assert outcome.dropped_packets > 0
    assert outcome.missing_ms == 0, outcome.line()
    assert outcome.recorded_ms > 14_000, "what was recorded before, during and after"


def test_a_fifth_of_all_packets_lost_misses_nothing() -> None:
    outcome = run(loss=0.2)
    assert outcome.dropped_packets > 10
    assert outcome.missing_ms == 0, outcome.line()
