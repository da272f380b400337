"""The languages that candidates are spoken to in, and the words of the few pages that the server writes for them.

What the browser code says is in ``static/sdk/locales``; a test holds both to the same languages (docs/languages.md). Nothing
here may fail a request: a header that makes no sense is one without a wish.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

DEFAULT = "en"
LANGUAGES = ("en", "ar", "de", "es", "fr", "hi", "pt")
RIGHT_TO_LEFT = frozenset({"ar"})

_WORDS = Path(__file__).resolve().parent / "templates" / "proview" / "words"
# Browsers send a handful.
_MOST_BYTES, _MOST_RANGES = 1000, 20


def choose_language(accept_language: str, setting: str | None = None) -> str:
    """The setting, or the first language of ``Accept-Language`` that there is (RFC 4647 section 3.4, Lookup)."""
    if setting in LANGUAGES:
        return setting
    for wanted in _ranges(accept_language[:_MOST_BYTES]):
        # "de-AT" falls back to "de"; all of ours are primary subtags.
        primary = wanted.partition("-")[0]
        if primary in LANGUAGES:
            return primary
    return DEFAULT


def html_attributes(language: str) -> str:
    """``lang`` and ``dir`` of a page in this language."""
    return f'lang="{language}" dir="{"rtl" if language in RIGHT_TO_LEFT else "ltr"}"'


def page_words(language: str) -> Mapping[str, str]:
    """The texts of server-rendered pages; not escaped."""
    return _all_words()[language if language in LANGUAGES else DEFAULT]


@cache
def _all_words() -> Mapping[str, Mapping[str, str]]:
    return {name: MappingProxyType(json.loads((_WORDS / f"{name}.json").read_text("utf-8"))) for name in LANGUAGES}


def _ranges(accept_language: str) -> list[str]:
    """Language ranges, most wanted first (RFC 9110 section 12.5.4)."""
    weighted = []
    for part in accept_language.lower().split(",")[:_MOST_RANGES]:
        wanted, _, parameter = part.partition(";")
        weight = _weight(parameter.strip())
        if weight > 0:
            weighted.append((-weight, wanted.strip()))
    return [wanted for _, wanted in sorted(weighted, key=lambda one: one[0])]


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0 <= weight <= 1 else 0.0
