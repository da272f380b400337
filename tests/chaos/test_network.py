"""The quick part of what ``python -m tests.chaos.network`` runs, judged."""

from __future__ import annotations

import pytest

from .namespace import why_not
from .network import run
from .network_faults import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_bits_that_flip_and_a_cut_of_ten_seconds_miss_nothing_and_the_cut_is_told() -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    (outcome,) = run(QUICK)
    assert outcome.good, outcome.line()
    assert outcome.recorded_ms > 14_000, "what was recorded before, during and after"
    assert outcome.dropped_packets > 0
    assert outcome.begin_off_s is not None and abs(outcome.begin_off_s) < 2, "it began with the last answer"
