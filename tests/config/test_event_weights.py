"""What an account lets events count: by name or number, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_proview.config import Config, load_config
from flask_proview.errors import ConfigError

TOML = """
[secrets]
keys = ["kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"]
[[accounts]]
name = "a"
token = "b3f6224e-d072"
domains = ["exam.example.edu"]
"""


def loaded(folder: Path, lines: str) -> Config:
    file = folder / "proview.toml"
    file.write_text(TOML + lines)
    return load_config(file, {})


def test_names_and_numbers_can_be_mixed(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, 'stake = "high"\nevent_weights = { "Window Focus-Out" = 5, 10006 = 0, "user idle" = 100 }'
    )
    assert config.accounts[0].stake == "high"
    assert config.accounts[0].event_weights == ((5, 5), (6, 100), (10006, 0))


def test_by_default_the_catalogue_counts(tmp_path: Path) -> None:
    account = loaded(tmp_path, "").accounts[0]
    assert (account.stake, account.event_weights) == ("medium", ())


def test_a_technical_event_may_be_set_to_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, "event_weights = { 10 = 0 }").accounts[0].event_weights == ((10, 0),)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('stake = "huge"', "low, medium, high"),
        ("event_weights = 5", "expected a table of events"),
        ('event_weights = { "Window Focus Out" = 5 }', "did you mean 'Window Focus-Out'?"),
        ('event_weights = { "Looked away from here" = 5 }', "docs/events.md"),
        ("event_weights = { 99999 = 5 }", "99999 is not the number of an event"),
        (f"event_weights = {{ {'9' * 5000} = 5 }}", "is not the number of an event"),
        ('event_weights = { "²" = 5 }', "'²' is not an event"),
        ("event_weights = { 5 = -1 }", "from 0 (does not count) to 100"),
        ("event_weights = { 5 = 101 }", "from 0 (does not count) to 100"),
        ("event_weights = { 5 = 1.5 }", "whole number"),
        ("event_weights = { 5 = true }", "whole number"),
        ('event_weights = { 5 = "3" }', "whole number"),
        ('event_weights = { 5 = 1, "Window Focus-Out" = 2 }', "stands twice"),
        ('event_weights = { "Network Lost" = 1 }', "technical"),
    ],
)
def test_mistakes_are_named_with_the_way_out(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, lines)
    assert "[[accounts]] number 1" in str(raised.value) and lines.split(" ")[0] in str(raised.value)
    assert said in str(raised.value)
