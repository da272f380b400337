"""The settings table, docs/configuration.md and the samples say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flask_proview.config import load_config
from flask_proview.config.sample import SAMPLE
from flask_proview.config.table import LISTS, SECTIONS, fields_of

ROOT = Path(__file__).resolve().parents[2]
ALL = [(name, key, f) for name, cls in {**SECTIONS, **LISTS}.items() for key, f in fields_of(cls).items()]


@pytest.mark.parametrize(("section", "key"), [(s, k) for s, k, _ in ALL])
def test_every_setting_is_documented(section: str, key: str) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    heading = f"[[{section}]]" if section in LISTS else f"[{section}]"
    part = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    assert re.search(rf"^\| `{key}` \|", part, re.M)


def test_every_setting_has_one_sentence_of_help() -> None:
    assert [f"{s}.{k}" for s, k, f in ALL if not f.metadata["help"].strip()] == []


def test_the_sample_that_init_writes_loads(tmp_path: Path) -> None:
    file = tmp_path / "proview.toml"
    file.write_text(SAMPLE.format(key="q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C", token="b3f6224e-d072-4f0a-9053-9216b9994d43"))
    config = load_config(file, {})
    assert config.routes[0].mode == "frame"


def test_the_demo_configuration_loads() -> None:
    config = load_config(
        ROOT / "demo_app" / "proview.toml", {"PROVIEW_SECRET_KEYS": "q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"}
    )
    assert config.accounts
    assert config.routes
