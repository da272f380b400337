"""The documentation's own configuration, used by the tests with the places and ports of the test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.installation import ROOT

PAGES = ROOT / "docs" / "legacy"


def snippet(page: str, heading: str, language: str, replace: Mapping[str, str]) -> str:
    """The first block in ``language`` below ``heading`` ("" for the beginning of the page), with each key replaced.

    A key that the block does not have fails: then the test would use something else than what is documented.
    """
    text = (PAGES / page).read_text()
    section = text.split(f"\n## {heading}\n", 1)[1] if heading else text
    section = section.split("\n## ", 1)[0]
    found = re.search(rf"^```{language}\n(.*?)^```$", section, re.S | re.M)
    assert found, f"{page} has no {language} block below {heading!r}"
    block = found[1]
    for old, new in replace.items():
        assert old in block, f"{page}, {heading!r}: the block does not mention {old}"
        block = block.replace(old, new)
    return block


def documented_module(folder: Path) -> str:
    """``wsgi.py`` of the documentation, for a site in ``folder``."""
    return snippet("wsgi-servers.md", "", "python", {"/srv/exam": str(folder)})
