"""Content-Security-Policy of a page that gets our tag: every policy of every header changed as little as possible.

The rules: a policy that admits the page's own origin is left alone; the page's nonce is reused; otherwise a fresh nonce is
added. Never added to scripts: ``unsafe-*``, schemes, foreign hosts. One case allows neither nonce nor nothing: a list
with an effective ``'unsafe-inline'`` but without ``'self'``, because a nonce would switch off the page's inline scripts;
there our own mount prefix on the page's own origin is added, which is less than what such a list admits already.
Workers, media, images, styles and frames stay as they are: the browser code uses no worker, no blob: address, no style element.
https://www.w3.org/TR/CSP3/ · outcomes checked in Chromium, docs/architecture.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# What the grammar allows; anything else is no nonce to browsers and must not get into an attribute.
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]{1,256})'", re.I)
_HASH = re.compile(r"'sha(256|384|512)-", re.I)
# Policies in use are shorter by far, and reading a longer one would hold up everybody else on the worker.
_MAX_LENGTH = 65536
_SCRIPT = ("script-src-elem", "script-src", "default-src")


@dataclass(frozen=True, slots=True)
class Site:
    """The page's own origin as policies spell it."""

    origin: str
    mount: str

    @property
    def websocket(self) -> str:
        return "ws" + self.origin.removeprefix("http")

    @property
    def mount_source(self) -> str:
        return f"{self.origin}{self.mount}/"


class _Directive:
    __slots__ = ("name", "sources", "text")

    def __init__(self, text: str) -> None:
        words = text.split()
        self.text = text.strip()
        self.name = words[0].lower() if words else ""
        self.sources = words[1:]

    def has(self, source: str) -> bool:
        return any(s.lower() == source for s in self.sources)

    def add(self, *sources: str) -> None:
        kept = [s for s in self.sources if s.lower() != "'none'"]
        self.sources = kept + [s for s in sources if s not in kept]
        self.text = " ".join([self.text.split(None, 1)[0], *self.sources])

    def nonces(self) -> list[str]:
        return [m[1] for m in map(_NONCE.fullmatch, self.sources) if m is not None]


class _Policy:
    def __init__(self, text: str) -> None:
        self.directives = [_Directive(part) for part in text.split(";") if part.strip()]

    def find(self, *names: str) -> _Directive | None:
        """The directive in force: the first of ``names`` that is there; of two with one name the first counts."""
        for name in names:
            for directive in self.directives:
                if directive.name == name:
                    return directive
        return None

    def own(self, name: str, fallback: _Directive) -> _Directive:
        """``fallback`` itself, or a new ``name`` directive with its sources when it stands for more than ``name``."""
        if fallback.name != "default-src":
            return fallback
        directive = _Directive(" ".join([name, *fallback.sources]))
        self.directives.append(directive)
        return directive

    def __str__(self) -> str:
        return "; ".join(d.text for d in self.directives)


def admit_in_csp(
    headers: Sequence[tuple[str, str]], site: Site, new_nonce: Callable[[], str], *, framed: bool = False
) -> tuple[list[tuple[str, str]], str | None]:
    """The policy headers changed, and the nonce that the tag must carry (None: none needed).

    Headers of more than 64 KB stay as they are.

    :param framed: the page is shown in our own frame, so its own origin must be a frame ancestor.
    """
    if sum(len(value) for _, value in headers) > _MAX_LENGTH:
        return list(headers), None
    parsed = [(name, [_Policy(text) for text in value.split(",")]) for name, value in headers]
    policies = [policy for _, of_header in parsed for policy in of_header]
    nonce = _admit_script(policies, site, new_nonce)
    for policy in policies:
        _admit_connections(policy, site)
        _open_sandbox(policy)
        _admit_webrtc(policy)
        if framed:
            _admit_ancestor(policy, site)
    return [(name, ", ".join(map(str, of_header))) for name, of_header in parsed], nonce


def _admits_self(directive: _Directive, site: Site) -> bool:
    scheme = site.origin.partition(":")[0]
    names = {"'self'", "*", f"{scheme}:", "http:", site.origin, site.origin + "/"}
    return any(s.lower() in names for s in directive.sources)


def _admit_script(policies: list[_Policy], site: Site, new_nonce: Callable[[], str]) -> str | None:
    closed: list[tuple[_Policy, _Directive]] = []
    for policy in policies:
        directive = policy.find(*_SCRIPT)
        if directive is None:
            continue
        dynamic = directive.has("'strict-dynamic'")
        if not dynamic and _admits_self(directive, site):
            continue
        if (
            not dynamic
            and directive.has("'unsafe-inline'")
            and not any(_HASH.match(s) or _NONCE.fullmatch(s) for s in directive.sources)
        ):
            policy.own("script-src", directive).add(site.mount_source)
            continue
        closed.append((policy, directive))
    if not closed:
        return None
    shared = set.intersection(*(set(directive.nonces()) for _, directive in closed))
    if shared:
        return next(n for n in closed[0][1].nonces() if n in shared)
    # The page's nonce is never carried into a policy that does not have it: that would admit the page's scripts there.
    nonce = new_nonce()
    for policy, directive in closed:
        policy.own("script-src", directive).add(f"'nonce-{nonce}'")
    return nonce


def _admit_connections(policy: _Policy, site: Site) -> None:
    directive = policy.find("connect-src", "default-src")
    if directive is None or directive.has("*"):
        return
    missing = [] if _admits_self(directive, site) else ["'self'"]
    # 'self' covers the socket only since CSP 3; Safari before 15.4 wants it spelled out.
    if not directive.has(site.websocket) and not directive.has(site.websocket.partition(":")[0] + ":"):
        missing.append(site.websocket)
    if missing:
        policy.own("connect-src", directive).add(*missing)


def _open_sandbox(policy: _Policy) -> None:
    directive = policy.find("sandbox")
    if directive is not None:
        missing = [t for t in ("allow-scripts", "allow-same-origin") if not directive.has(t)]
        if missing:
            directive.add(*missing)


def _admit_webrtc(policy: _Policy) -> None:
    directive = policy.find("webrtc")
    if directive is not None and directive.has("'block'"):
        directive.text = "webrtc 'allow'"


def _admit_ancestor(policy: _Policy, site: Site) -> None:
    directive = policy.find("frame-ancestors")
    if directive is not None and not _admits_self(directive, site):
        directive.add("'self'")


def admit_own_frame(value: str, site: Site) -> str:
    """One header's policies with the page's own origin as a frame ancestor; as it is when they do not limit ancestors."""
    if len(value) > _MAX_LENGTH or "frame-ancestors" not in value.lower():
        return value
    policies = [_Policy(text) for text in value.split(",")]
    for policy in policies:
        _admit_ancestor(policy, site)
    return ", ".join(map(str, policies))
