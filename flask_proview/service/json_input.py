"""Untrusted JSON → plain Python values, strictly. Fails closed.

Refused: duplicate keys (two readers would disagree), NaN and Infinity (not JSON, RFC 8259 section 6), numbers beyond a
double, nesting deeper than 32. NUL and lone surrogates in text become U+FFFD: no database stores them, and a batch of
events must not be lost for one character of a page's title.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from flask_proview.errors import ApiError

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
# The JSON decoder joins surrogate pairs, so every surrogate that is left is a lone one.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in ``text``.

    :raises ApiError: 400 ``json_invalid``.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except RecursionError:
        raise _invalid(f"is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise _invalid(f"is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise _invalid("is not a JSON object")
    cleaned: dict[str, Any] = _clean(value, 1)
    return cleaned


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _clean_text(value)
    if not isinstance(value, (dict, list)):
        return value
    if depth > MAX_DEPTH:
        raise _invalid(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return {_clean_text(key): _clean(item, depth + 1) for key, item in value.items()}


def _clean_text(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _bounded(text: str) -> int:
    if len(text) > 20:
        raise ValueError("a number is out of range")
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise ValueError("a number is out of range")
    return number


def _invalid(problem: str) -> ApiError:
    return ApiError(f"The body {problem}.", code="json_invalid")
