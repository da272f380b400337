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
    "Permissions-Policy-Report-Only",
    "Feature-Policy",
    "Integrity-Policy",
    "Integrity-Policy-Report-Only",
    "X-Frame-Options",
    "Cache-Control",
    "Content-Type",
)
# The others' directives are separated by semicolons.
_WITH_COMMAS = ("permissions-policy", "integrity-policy")
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
        separator = _separator(self.name.lower())
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


def meta_policy_obstacle(policy: str, site: Site) -> str | None:
    """The directive of a policy in ``<meta>`` by which an inline page cannot report; the rest does not matter there (docs/policies.md)."""
    directives: dict[str, str] = {}
    for part in policy.split(";"):
        key, _, value = " ".join(part.split()).partition(" ")
        directives.setdefault(key.lower(), value)
    name = "connect-src" if "connect-src" in directives else "default-src"
    sources = directives.get(name)
    if sources is None:
        return None
    # A header with this list would be changed; a <meta> is not.
    changed, _ = admit_in_csp([("", f"connect-src {sources}")], site, lambda: "")
    missing = "'self'" in changed[0][1].lower() and "'self'" not in sources.lower()
    return f"{name} {sources}" if missing else None


def _separator(name: str) -> str:
    if name.startswith(_WITH_COMMAS):
        return ","
    return ";" if "policy" in name else "\n"


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
