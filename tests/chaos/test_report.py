"""``make chaos`` itself: what fails or hangs is said, and stops nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from . import __main__ as chaos

PARTS: dict[str, tuple[str, float, list[str]]] = {
    "good": ("prints", 1, ["-c", "print('0 lost')"]),
    "bad": ("fails", 1, ["-c", "print('1 lost'); raise SystemExit(3)"]),
    "slow": ("hangs", 0.02, ["-c", "import time; print('began', flush=True); time.sleep(60)"]),
    "last": ("prints, too", 1, ["-c", "print('0 torn')"]),
}


@pytest.mark.parametrize(("asked", "status"), [([], 1), (["good", "last"], 0), (["bad"], 1)])
def test_every_part_is_run_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], status: int
) -> None:
    monkeypatch.setattr(chaos, "PARTS", PARTS)
    monkeypatch.setattr(sys, "argv", ["chaos", *asked, "--report", str(tmp_path / "report.md")])
    assert chaos.main() == status
    report = (tmp_path / "report.md").read_text()
    verdicts = {"good": "passed", "bad": "failed", "slow": "not done in 0.02 minutes", "last": "passed"}
    for part in PARTS:
        said = f"| {part} | {PARTS[part][0]} | {verdicts[part]} |" in report
        assert said == (part in asked or not asked), part
    assert ("## slow\n\n```\nbegan\n```" in report) == (not asked)
