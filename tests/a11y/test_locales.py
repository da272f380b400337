"""Every language says everything, with the same places to fill in, and as text."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from flask_proview.languages import DEFAULT, LANGUAGES

SDK = Path(__file__).resolve().parents[2] / "static" / "sdk"
OTHERS = [name for name in LANGUAGES if name != DEFAULT]


@pytest.fixture(scope="module")
def english() -> dict[str, str]:
    program = "import(process.argv[1]).then(({ STRINGS }) => console.log(JSON.stringify(STRINGS)))"
    done = subprocess.run(
        ["node", "-e", program, (SDK / "strings.js").as_uri()], capture_output=True, text=True, check=True, timeout=20
    )
    words: dict[str, str] = json.loads(done.stdout)
    return words


def words_of(language: str) -> dict[str, str]:
    words: dict[str, str] = json.loads((SDK / "locales" / f"{language}.json").read_text("utf-8"))
    return words


def test_browser_code_and_server_know_the_same_languages() -> None:
    assert {path.stem for path in (SDK / "locales").glob("*.json")} == set(OTHERS)
    known = re.search(r"const LANGUAGES = \{(.*)\}", (SDK / "locale.js").read_text("utf-8"))
    assert known and set(re.findall(r"(\w+):", known[1])) == set(LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_key_and_no_other(english: dict[str, str], language: str) -> None:
    assert set(words_of(language)) == set(english)


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_fills_in_the_same_values(english: dict[str, str], language: str) -> None:
    words = words_of(language)
    places = re.compile(r"\{\w+\}")
    wrong = [key for key in words if set(places.findall(words[key])) != set(places.findall(english.get(key, "")))]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_is_text_and_not_markup(language: str) -> None:
    assert [key for key, text in words_of(language).items() if not text.strip() or re.search(r"[<>]|&\w+;", text)] == []
