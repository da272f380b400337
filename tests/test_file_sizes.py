"""One file, one job: none over 400 lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 400


def test_no_source_file_has_more_than_400_lines() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py", "*.js", "*.css", "*.html", "*.php"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / line for line in listed.stdout.splitlines()]
    assert files
    long = {
        str(f.relative_to(ROOT)): n
        for f in files
        if f.is_file() and not f.is_symlink() and (n := len(f.read_bytes().splitlines())) > LIMIT
    }
    assert long == {}


def test_readme_stays_under_100_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 100
