"""Lets the page itself use camera, microphone, screen capture and full screen where the application's own headers forbid it,
and our code run where the page demands integrity metadata.

``Permissions-Policy: camera=()`` makes getUserMedia fail with NotAllowedError. Only directives that leave the page out are
changed, and only by adding the page itself. A header that browsers cannot parse is ignored by them and left by us.
https://www.w3.org/TR/permissions-policy/#permissions-policy-http-header-field
"""

from __future__ import annotations

import re

FEATURES = frozenset({"camera", "microphone", "display-capture", "fullscreen"})
_STRING = r"\"(?:[^\"\\]|\\.)*+\""
# key, value (a list, a token such as * or self, a string; none means "true"), parameters. Possessive: linear in hostile input.
_MEMBER = re.compile(
    rf"[ \t]*+([a-z*][a-z0-9_.*-]*+)(?:=(\((?:[^()\"]|{_STRING})*+\)|{_STRING}|[^\s,;()\"]++))?"
    rf"((?:;(?:[^,;\"]|{_STRING})*+)*+)[ \t]*+(?:,|$)"
)
_SCRIPT_DESTINATION = re.compile(r"(?<=[( ])script(?=[) ])")


def admit_in_permissions_policy(value: str) -> str:
    """One ``Permissions-Policy`` header, a dictionary of structured fields (RFC 8941 section 3.2)."""
    members, at = [], 0
    while at < len(value):
        match = _MEMBER.match(value, at)
        if match is None:
            return value
        members.append(match)
        at = match.end()
    written = []
    changed = False
    for match in members:
        name, allowed = match[1], match[2]
        if name in FEATURES and not _admits_self(allowed):
            others = allowed[1:-1].strip() if allowed is not None and allowed.startswith("(") else ""
            written.append(f"{name}=(self{' ' + others if others else ''}){match[3].rstrip()}")
            changed = True
        else:
            written.append(match[0].rstrip(",").strip())
    return ", ".join(written) if changed else value


def admit_in_feature_policy(value: str) -> str:
    """One ``Feature-Policy`` header: the older spelling, still read by Chromium when the newer is absent."""
    policies = []
    changed = False
    for policy in value.split(","):
        directives = []
        for directive in policy.split(";"):
            words = directive.split()
            if words and words[0].lower() in FEATURES and not _feature_admits_self(words[1:]):
                others = [w for w in words[1:] if w.lower() != "'none'"]
                directives.append(" ".join([words[0], "'self'", *others]))
                changed = True
            else:
                directives.append(directive.strip())
        policies.append("; ".join(directives))
    return ", ".join(policies) if changed else value


def admit_in_integrity_policy(value: str) -> str:
    """One ``Integrity-Policy`` header: ``blocked-destinations=(script)`` refuses every script without integrity metadata, which
    modules imported by name cannot carry. https://www.w3.org/TR/sri-2/#integrity-policy-section"""
    members, at = [], 0
    while at < len(value):
        match = _MEMBER.match(value, at)
        if match is None:
            return value
        name, listed = match[1], match[2]
        if name == "blocked-destinations" and listed is not None and _SCRIPT_DESTINATION.search(listed):
            kept = " ".join(word for word in listed[1:-1].split() if word != "script")
            members.append(f"{name}=({kept}){match[3]}")
        else:
            members.append(match[0].rstrip(",").strip())
        at = match.end()
    return ", ".join(members)


def _admits_self(allowed: str | None) -> bool:
    if allowed in ("*", "self"):
        return True
    # A key alone is the boolean true, which names nobody: browsers then admit nobody.
    if allowed is None or not allowed.startswith("("):
        return False
    return not {"self", "*"}.isdisjoint(re.sub(_STRING, " ", allowed[1:-1]).split())


def _feature_admits_self(words: list[str]) -> bool:
    # No list at all means 'self' there.
    return not words or not {"'self'", "*"}.isdisjoint(w.lower() for w in words)
