"""A fast part of ``python -m tests.chaos.kills``; the whole is ``make chaos``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .kills import run

pytestmark = [pytest.mark.system, pytest.mark.media]


def test_killed_processes_lose_tear_and_double_nothing(tmp_path: Path) -> None:
    report = run(tmp_path, kills=15, pieces=1000, candidates=8, seed=7)
    assert report.passed, "\n".join(report.lines())
    assert sum(report.kills.values()) == 15
    assert report.acknowledged >= 1000
    assert report.sent > report.acknowledged, "the kills were felt"
