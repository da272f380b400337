"""Which route protects a path. Compiled once; the first match in the file's order wins; answers are remembered.

The server behind us may read a path more generously than we do, and a candidate may look for the spelling that we miss.
So besides the path itself its normalised forms are looked up: ``\\`` as ``/``, repeated slashes merged, dot segments
resolved, path parameters (``;jsessionid=…``) dropped, cut at NUL, percent signs decoded once more, and what follows a
script's file name (``/take.php/x``) dropped. A page is protected when any form matches: tagging one page too many does
no harm. Encoded slashes arrive here decoded (PEP 3333), and are matched so. Letters are matched as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.routing.map import MapAdapter

from flask_proview.config import Route

_REMEMBERED = 8192
_LONGEST_REMEMBERED = 512
_SUSPICIOUS = re.compile(r"[\\;%\0]|//|/\.|\.\w{2,5}/")
_SCRIPT_FILE = re.compile(r"\.(?:php\d?|phtml|aspx?|ashx|jspx?|do|action|cgi|pl|py|cfm)(?=/)", re.I)


@dataclass(frozen=True, slots=True)
class Match:
    """A protected page: ``role`` is ``page``, or ``stop`` on one of the route's stop paths."""

    route: Route
    variables: Mapping[str, str]
    role: str


class _Pattern(Protocol):
    def match(self, path: str) -> Mapping[str, str] | None: ...


class RouteTable:
    """The routes of one configuration."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._entries = [(route, _pattern(route), [_RulePattern(p) for p in route.stop_paths]) for route in routes]
        self._remembered = lru_cache(_REMEMBERED)(self._find)

    def match(self, path: str, method: str) -> Match | None:
        """The route of a page, None when nothing or a route with ``mode = "off"`` matches.

        :param path: PATH_INFO as WSGI gives it (bytes as Latin-1).
        """
        return self._remembered(path, method) if len(path) <= _LONGEST_REMEMBERED else self._find(path, method)

    def _find(self, path: str, method: str) -> Match | None:
        forms = list(spellings(path.encode("latin-1", "replace").decode("utf-8", "replace")))
        method = "GET" if method == "HEAD" else method
        for route, pattern, stops in self._entries:
            for form in forms:
                if route.mode != "off":
                    for stop in stops:
                        variables = stop.match(form)
                        if variables is not None:
                            return Match(route, variables, "stop")
                if route.methods and method not in route.methods:
                    continue
                variables = pattern.match(form)
                if variables is not None:
                    return None if route.mode == "off" else Match(route, variables, "page")
        return None


def spellings(path: str) -> Iterator[str]:
    """The forms of a decoded path that are looked up, the most normalised first: its variables are the cleanest."""
    if _SUSPICIOUS.search(path) is None:
        yield path
        return
    twice = unquote(path) if "%" in path else path
    seen = set()
    for spelling in (_normalised(twice), _normalised(path)):
        script = _SCRIPT_FILE.search(spelling)
        for form in (spelling, spelling[: script.end()] if script else None, path):
            if form is not None and form not in seen:
                seen.add(form)
                yield form


def _normalised(path: str) -> str:
    path = path.partition("\0")[0].replace("\\", "/")
    segments: list[str] = []
    parts = path.split("/")
    for number, part in enumerate(parts):
        name = part.partition(";")[0]
        last = number == len(parts) - 1
        if name == "..":
            if segments:
                segments.pop()
        elif name and name != ".":
            segments.append(name)
            continue
        if last:
            segments.append("")
    return "/" + "/".join(segments)


class _RulePattern:
    """A Werkzeug rule. A trailing slash makes no difference."""

    def __init__(self, rule: str) -> None:
        # A rule's converters are Werkzeug's own; a map per rule keeps the file's order, which one map would not.
        rules = Map([Rule(rule, endpoint="page")], strict_slashes=False, merge_slashes=False)
        self._adapter: MapAdapter = rules.bind("")
        self._start = re.split(r"[<]", rule, maxsplit=1)[0].rstrip("/")

    def match(self, path: str) -> Mapping[str, str] | None:
        if not path.startswith(self._start):
            return None
        try:
            _, values = self._adapter.match(path, method="GET")
        except HTTPException:
            return None
        return {name: str(value) for name, value in values.items()}


class _RegexPattern:
    """A regular expression over the whole path."""

    def __init__(self, regex: str) -> None:
        self._match = re.compile(regex).fullmatch

    def match(self, path: str) -> Mapping[str, str] | None:
        match = self._match(path)
        return (
            None if match is None else {name: value for name, value in match.groupdict().items() if value is not None}
        )


def _pattern(route: Route) -> _Pattern:
    if route.path is not None:
        return _RulePattern(route.path)
    if route.regex is None:
        raise ValueError(f"route {route.name!r} has neither path nor regex")
    return _RegexPattern(route.regex)
