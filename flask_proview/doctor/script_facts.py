"""What scripts do that proctoring must know about, by patterns: a heuristic, so every sighting names its line.

Comments are blanked first. A pattern cannot follow values (``var w = window; w.open()``) and believes what stands in
strings; it errs towards naming too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_SIGHTINGS = 5
_EXCERPT, _BEFORE = 90, 30
# Strings first, so that "http://…" is no comment. Linear: possessive, and an unclosed one ends with its line or the script.
_STRING_OR_COMMENT = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\]|\\.)*+`?|(//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)",
    re.S,
)
_WINDOW = r"(?:(?:window|self|this)\s*\.\s*)?"
_OUTER = rf"(?<![\w$.]){_WINDOW}(?:top|parent)(?:\s*\.\s*(?:window|self))?"
_OWN = r"(?:window\s*\.\s*)?(?:self|window|this)"
_LOCATION = r"(?:\s*\.\s*(?:document\s*\.\s*)?location(?:\s*\.\s*(?:href|hostname|host))?)?"

PATTERNS: dict[str, re.Pattern[str]] = {
    # Leads the outermost page elsewhere.
    "frame_busting": re.compile(
        rf"{_OUTER}\s*\.\s*(?:document\s*\.\s*)?location(?:\s*\.\s*href)?\s*=(?!=)"
        rf"|{_OUTER}\s*\.\s*location\s*\.\s*(?:replace|assign|reload)\s*\("
        rf"|{_OUTER}\s*\.\s*navigate\s*\("
        r"|\b(?:window\s*\.\s*)?open\s*\([^()\n]{0,200}[\"']_(?:top|parent)[\"']\s*[,)]"
    ),
    # Asks whether it is framed.
    "frame_check": re.compile(
        rf"{_OUTER}{_LOCATION}\s*[!=]==?\s*{_OWN}\b|(?<![\w$.]){_OWN}{_LOCATION}\s*[!=]==?\s*{_OUTER}\b"
        rf"|\bframeElement\b|{_OUTER}\s*\.\s*(?:frames\s*\.\s*)?length\s*(?:[!=]==?|>)\s*\d"
    ),
    "popup": re.compile(r"(?<![\w$.])(?:window\s*\.\s*)?open\s*\(\s*(?!\))|\bshowModalDialog\s*\("),
    "own_websocket": re.compile(r"\bnew\s+(?:window\s*\.\s*)?WebSocket\b|\bsocket\.io\b|\bsignalR\b"),
    "own_event_source": re.compile(r"\bnew\s+(?:window\s*\.\s*)?EventSource\b"),
    "service_worker": re.compile(r"\bserviceWorker\s*\.\s*register\b"),
    "own_media": re.compile(
        r"\b(?:webkit|moz|ms)?[gG]et(?:UserMedia|DisplayMedia)\b|\bnew\s+(?:window\s*\.\s*)?MediaRecorder\b"
    ),
    "before_unload": re.compile(r"\bonbeforeunload\b|[\"']beforeunload[\"']"),
    "document_write": re.compile(r"\bdocument\s*\.\s*(?:write|writeln|open)\s*\("),
    "document_domain": re.compile(r"\bdocument\s*\.\s*domain\s*=(?!=)"),
    "own_snippet": re.compile(
        r"(?<![\w$.])tv\s*\(\s*[\"']init[\"']|\bProctorClient3\b|\bProview\s*\.\s*init(?:Proview)?\s*\("
    ),
}


class Sighting(NamedTuple):
    """``code`` is a key of ``PATTERNS``; ``line`` counts from the start of ``source`` (the page, or a script's address)."""

    code: str
    source: str
    line: int
    excerpt: str


def sightings(script: str, source: str, first_line: int = 1) -> Iterator[Sighting]:
    """What a script does; at most five of a kind."""
    code = without_comments(script)
    for name, pattern in PATTERNS.items():
        for number, match in enumerate(pattern.finditer(code)):
            if number >= MAX_SIGHTINGS:
                break
            yield _sighting(name, code, match, source, first_line)


def without_comments(script: str) -> str:
    """The script with comments blanked, line ends kept."""
    return _STRING_OR_COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[1]) if m[1] is not None else m[0], script)


def _sighting(name: str, code: str, match: re.Match[str], source: str, first_line: int) -> Sighting:
    begin, end = match.span()
    line_start = code.rfind("\n", 0, begin) + 1
    line_end = code.find("\n", end)
    start = max(line_start, begin - _BEFORE)
    excerpt = code[start : min(line_end if line_end >= 0 else len(code), start + _EXCERPT)]
    return Sighting(name, source, first_line + code.count("\n", 0, begin), " ".join(excerpt.split()))
