"""From facts to notes: what about a page matters to someone who wants it proctored, and how much.

Weights: *error*: a protected page would not be proctored; *warning*: it would, but something is to be looked at; *info*:
the rest, and everything about pages that no route protects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from flask_proview.config import Config
from flask_proview.middleware.csp import Site
from flask_proview.origins import Origin

from .addresses import Place, follow
from .pages import Note, Page, Weight
from .policies import meta_policy_obstacle
from .trial import Trial

INFO, WARNING, ERROR = Weight.INFO, Weight.WARNING, Weight.ERROR
# With a system identifier these leave quirks mode; the full list is in the HTML standard, 13.2.6.4.1.
_STANDARDS = re.compile(
    r"html(?:$|\s+system\s+[\"']about:legacy-compat|\s+public\s+[\"']-//w3c//dtd x?html (?:[14][^\"']*|1\.\d[^\"']*)//)",
    re.I,
)
_CACHEABLE = re.compile(r"\bpublic\b|\bs-maxage=[1-9]", re.I)
_IGNORED_TARGETS = frozenset(("", "_self"))
_OUTER_TARGETS = frozenset(("_top", "_parent"))
# In frame mode these break something; elsewhere they only tell.
_FRAME_TROUBLE = frozenset(("frame_busting", "frame_check", "document_domain"))
_SCRIPT_WARNINGS = frozenset(("service_worker", "own_media", "popup"))


class NoteTaker:
    """The notes of pages under one configuration.

    :param crawled: the origin that was asked.
    :param trial: knows the origin that browsers use, and the routes.
    """

    def __init__(self, config: Config, crawled: Origin, trial: Trial) -> None:
        self._config = config
        self._crawled = crawled
        self._trial = trial
        self._starts = {route.name: route.start for route in config.routes}
        self._frames = any(route.mode == "frame" for route in config.routes)
        self._profiled = {route.name for route in config.routes if route.profile}

    def notes(self, page: Page) -> list[Note]:
        """Everything worth saying, the weightiest first; info only on pages that no route protects."""
        found = list(dict.fromkeys(self._all(page)))
        if page.verdict.outcome == "unmatched":
            found = [n if n.code == "snippet_unprotected" else replace(n, weight=INFO) for n in found]
        order = [ERROR, WARNING, INFO]
        return sorted(found, key=lambda note: order.index(note.weight))

    def _all(self, page: Page) -> Iterator[Note]:
        if page.problem:
            return
        yield from self._verdict(page)
        yield from self._head(page)
        yield from self._scripts(page)
        if page.facts is not None:
            yield from self._structure(page)
            yield from self._addresses(page)
            yield from self._form(page)

    def _verdict(self, page: Page) -> Iterator[Note]:
        verdict = page.verdict
        if verdict.outcome == "refused":
            yield Note(f"refused_{verdict.reason}", ERROR, verdict.detail)
        elif verdict.outcome == "unknown":
            yield Note("identity_unseen", INFO, verdict.detail)
        elif verdict.outcome == "skipped":
            already = verdict.detail.startswith("injected already")
            yield Note("already_injected" if already else "no_page", INFO, verdict.detail)
        elif verdict.outcome == "injected" and verdict.profile is None and verdict.route in self._profiled:
            yield Note("profile_missing", WARNING)
        if verdict.outcome == "injected":
            for change in page.changes:
                if "Policy" in change.name:
                    for words in change.words():
                        yield Note("policy_changed", INFO, f"{change.name}: {words}")

    def _head(self, page: Page) -> Iterator[Note]:
        values = {name.lower(): value for name, value in page.headers}
        cache = values.get("cache-control", "")
        if page.verdict.outcome == "injected" and _CACHEABLE.search(cache):
            yield Note("cache_changed", WARNING, f"Cache-Control: {cache}")
        if page.verdict.outcome == "injected" and "no-transform" in cache.lower():
            yield Note("no_transform", INFO)
        for name, value in page.headers:
            if name.lower() == "www-authenticate" and page.status == 401:
                scheme = value.split(maxsplit=1)[0] if value.split() else ""
                yield Note("http_auth", WARNING if scheme.lower() in ("ntlm", "negotiate") else INFO, scheme)
        if "iis" in values.get("server", "").lower() and page.verdict.outcome != "unmatched":
            yield Note("iis_case", WARNING, f"Server: {values['server']}")
        if "require-trusted-types-for" in values.get("content-security-policy", ""):
            yield Note("trusted_types", INFO)
        forbidden = _forbids_framing(page, self._trial.origin)
        if page.is_page and forbidden and self._frames:
            yield Note("frame_forbidden", INFO, forbidden)
        if page.encoding in ("gzip", "x-gzip", "deflate"):
            yield Note("compressed", INFO, page.encoding)
        elif page.encoding not in ("", "identity"):
            yield Note("encoding_unread", WARNING, page.encoding)
        if page.ended == "cut":
            yield Note("cut_off", WARNING, f"after {page.size} bytes")
        elif page.ended == "bound" and page.is_page:
            yield Note("too_long", INFO, f"read {page.size} bytes")
        if page.location:
            place = follow(f"{self._crawled}{page.target}", page.location)
            if place is None or place.origin not in (self._crawled, self._trial.origin):
                yield Note("redirect_elsewhere", INFO, page.location)

    def _scripts(self, page: Page) -> Iterator[Note]:
        framed = page.verdict.mode == "frame"
        for code, source, line, excerpt in page.sightings:
            weight = INFO
            if code in _FRAME_TROUBLE:
                weight = WARNING if framed and code != "frame_check" else INFO
            elif code in _SCRIPT_WARNINGS:
                weight = WARNING
            elif code == "own_snippet":
                if page.verdict.outcome == "unmatched":
                    code, weight = "snippet_unprotected", WARNING
                elif self._starts.get(page.verdict.route) == "page":
                    continue
                else:
                    weight = WARNING
            yield Note(code, weight, excerpt if source == page.target else f"{source}: {excerpt}", line)

    def _structure(self, page: Page) -> Iterator[Note]:
        facts = page.facts
        if facts is None:
            return
        for policy, line in facts.meta_csp:
            obstacle = meta_policy_obstacle(policy, Site(str(self._trial.origin), self._config.server.mount))
            if obstacle is None or page.verdict.mode == "frame":
                yield Note("meta_csp", INFO, policy, line)
            else:
                yield Note("meta_csp_blocks", ERROR, obstacle, line)
        if facts.refresh is not None:
            seconds, address, line = facts.refresh
            yield Note("meta_refresh", INFO, f"after {seconds} s" + (f" to {address}" if address else ""), line)
        if facts.frameset is not None:
            yield Note("frameset", INFO, "", facts.frameset)
        targets = [(link.target, link.line) for link in facts.links] + [
            (form.target, form.line) for form in facts.forms
        ]
        for code, outer in (("target_top", True), ("new_window", False)):
            lines = [
                n for t, n in targets if t.lower() not in _IGNORED_TARGETS and (t.lower() in _OUTER_TARGETS) is outer
            ]
            if lines and not (code == "new_window" and facts.frameset is not None):
                yield Note(code, INFO if outer else WARNING, f"{len(lines)} ×", lines[0])
        if facts.links_dropped:
            yield Note("many_links", INFO, f"{facts.links_dropped} more")

    def _addresses(self, page: Page) -> Iterator[Note]:
        facts = page.facts
        if facts is None:
            return
        base = base_of(self._crawled, page)
        ours = (self._crawled, self._trial.origin)
        for _, address, line in facts.frames:
            place = follow(base, address)
            if place is not None:
                yield Note(
                    "iframe" if place.origin in ours else "iframe_foreign",
                    INFO if place.origin in ours else WARNING,
                    str(place),
                    line,
                )
        for form in facts.forms:
            place = follow(base, form.action or page.target)
            if place is None:
                continue
            if place.origin not in ours:
                yield Note("form_foreign", WARNING, str(place), form.line)
            elif form.method == "post" and page.verdict.outcome == "injected" and not self._protects(place):
                yield Note("form_unprotected", WARNING, place.target, form.line)
        if self._trial.origin.scheme == "https":
            for tag, address, line in facts.loaded:
                if address.lower().startswith("http:"):
                    place = follow(base, address)
                    if place is not None and place.origin not in ours:
                        yield Note(
                            "mixed_content", WARNING if tag in ("script", "iframe", "frame") else INFO, address, line
                        )
        if self._crawled != self._trial.origin:
            own = str(self._crawled)
            spelled = [link for link in facts.links if link.address.lower().startswith(own)]
            if spelled:
                yield Note("absolute_links", INFO, f"{len(spelled)} ×, e.g. {spelled[0].address}", spelled[0].line)

    def _protects(self, place: Place) -> bool:
        return self._trial.protects(place.target, "POST")

    def _form(self, page: Page) -> Iterator[Note]:
        facts = page.facts
        if facts is None:
            return
        for code, seen in page.oddities:
            yield Note(code, INFO if code in ("charset_utf16", "charset_conflict") else WARNING, seen)
        if facts.doctype is None or _STANDARDS.match(facts.doctype) is None:
            yield Note("quirks", INFO, facts.doctype or "no doctype")
        if not facts.title:
            yield Note("title_missing", INFO)
        if not facts.lang:
            yield Note("lang_missing", INFO)


def base_of(origin: Origin, page: Page) -> str:
    """The address that the page's links are relative to."""
    own = f"{origin}{page.target}"
    if page.facts is not None and page.facts.base:
        place = follow(own, page.facts.base)
        if place is not None:
            return str(place)
    return own


def _forbids_framing(page: Page, own: Origin) -> str:
    """The header by which the page's own origin may not frame it, empty when there is none."""
    for name, value in page.headers:
        lowered = name.lower()
        if lowered == "x-frame-options" and value.strip().lower() == "deny":
            return f"{name}: {value.strip()}"
        if lowered == "content-security-policy":
            match = re.search(r"(?:^|[;,])\s*frame-ancestors([^;,]*)", value, re.I)
            if match is not None and not {"'self'", "*", "http:", "https:", str(own)} & set(match[1].lower().split()):
                return f"frame-ancestors{match[1]}"
    return ""
