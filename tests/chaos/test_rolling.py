"""A fast part of ``python -m tests.chaos.rolling``; the whole is in ``make chaos``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .rolling import run

pytestmark = pytest.mark.system


def test_a_rolling_restart_costs_no_candidate_a_second(tmp_path: Path) -> None:
    outcome = run(tmp_path, candidates=15, restarts=2, pause_s=2.0)
    assert outcome.missing == 0, "\n".join(outcome.lines())
    assert outcome.refused == []
    assert len(outcome.away_s) >= 15, "everybody was cut off and came back"
