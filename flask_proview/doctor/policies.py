"""How the headers of a page change, directive by directive, so that a person can judge it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flask_proview.middleware.csp import Site, admit_in_csp

# Others change too (ETag, Vary, Content-Length); these are the ones someone may have to answer for.
SHOWN = (
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "Permissions-Policy",
    "Feature-Policy",
    "X-Frame-Options",
    "Cache-Control",
    "Content-Type",
)
_SEPARATORS = {"permissions-policy": ","}
_NONCE = re.compile(r"'nonce-[^' ]*'")
FRESH = "'nonce-(new with each page)'"
Headers = Iterable[tuple[str, str]]


class HeaderChange(NamedTuple):
    """All fields of one name; a removed or added header has no fields on one side."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def words(self) -> list[str]:
        """The directives that differ, as ``before → after``."""
        separator = _SEPARATORS.get(self.name.lower(), ";" if "policy" in self.name.lower() else "\n")
        before, after = _directives(self.before, separator), _directives(self.after, separator)
        lines = []
        for name in dict.fromkeys([*before, *after]):
            old, new = before.get(name, "(none)"), after.get(name, "(removed)")
            if old != new:
                lines.append(f"{old} → {new}")
        return lines


def header_changes(before: Headers, after: Headers) -> list[HeaderChange]:
    """What becomes of the headers in ``SHOWN``."""
    olds, news = _grouped(before), _grouped(after)
    known = {nonce for values in olds.values() for value in values for nonce in _NONCE.findall(value)}

    def without_fresh(value: str) -> str:
        return _NONCE.sub(lambda match: match[0] if match[0] in known else FRESH, value)

    changes = []
    for name in SHOWN:
        old = tuple(olds.get(name.lower(), ()))
        new = tuple(without_fresh(value) for value in news.get(name.lower(), ()))
        if old != new:
            changes.append(HeaderChange(name, old, new))
    return changes


def meta_policy_obstacles(policy: str, site: Site) -> list[str]:
    """What a policy in a ``<meta>`` element would have to allow; a header like it would have been changed."""
    changed, _ = admit_in_csp([("", policy)], site, lambda: "new")
    change = HeaderChange("policy", (policy,), tuple(value for _, value in changed))
    # frame-ancestors, sandbox and report-uri do not work in <meta> (CSP 3, section 3.3).
    return [line.replace("'nonce-new'", FRESH) for line in change.words() if "sandbox" not in line]


def _grouped(headers: Headers) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name.lower(), []).append(value)
    return grouped


def _directives(values: Sequence[str], separator: str) -> dict[str, str]:
    """By name; the same name in a second policy is kept apart."""
    found: dict[str, str] = {}
    for number, value in enumerate(values):
        policies = value.split(",") if separator == ";" else [value]
        for which, policy in enumerate(policies):
            for part in policy.split(separator):
                text = " ".join(part.split())
                if text:
                    name = re.split(r"[ =]", text, maxsplit=1)[0].lower() if separator != "\n" else ""
                    found.setdefault(f"{name} {number} {which}", text)
    return found
