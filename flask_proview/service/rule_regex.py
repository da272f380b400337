"""A Werkzeug rule as a regular expression that JavaScript and Python both understand, anchored at both ends.

The browser uses it to see that a link leads to a stop path; the middleware judges the request itself with Werkzeug.
"""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"<(?:(?P<converter>[a-zA-Z_]\w*)(?:\((?P<arguments>[^)]*)\))?:)?[a-zA-Z_]\w*>")
# As the converters of werkzeug.routing.converters; "any" lists its values.
_CONVERTERS = {
    "default": r"[^/]+",
    "string": r"[^/]+",
    "path": r"[^/].*?",
    "int": r"-?\d+",
    "float": r"-?\d+\.\d+",
    "uuid": r"[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}",
}
_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|/]")


def rule_regex(rule: str) -> str:
    """``/exam/<attempt>/done`` → ``^\\/exam\\/[^/]+\\/done$``. The rule was checked by the configuration."""
    parts = []
    position = 0
    for match in _VARIABLE.finditer(rule):
        parts.append(_escape(rule[position : match.start()]))
        parts.append(_variable(match["converter"] or "default", match["arguments"] or ""))
        position = match.end()
    parts.append(_escape(rule[position:]))
    return "^" + "".join(parts) + "$"


def _variable(converter: str, arguments: str) -> str:
    if converter == "any":
        values = [value.strip().strip("\"'") for value in arguments.split(",")]
        return "(?:" + "|".join(_escape(value) for value in values if value) + ")"
    return _CONVERTERS.get(converter, _CONVERTERS["default"])


def _escape(text: str) -> str:
    # re.escape also escapes characters that JavaScript's "u" flag refuses.
    return _SPECIAL.sub(r"\\\g<0>", text)
