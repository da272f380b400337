"""Walks the pages of an application, breadth first, and asks for each what the middleware would make of it.

GET only, one request at a time, one origin, bounded in pages, depth, time, bytes and variants of a path. Links that sound
as if they changed something are left alone. ``rel=nofollow`` and robots.txt speak to search engines and are not looked
at: candidates follow such links too.
"""

from __future__ import annotations

import fnmatch
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

from flask_proview._version import __version__
from flask_proview.config import Config
from flask_proview.middleware.headers import is_html, read_content_type
from flask_proview.origins import Origin

from .addresses import Place, follow, is_destructive, same_page, shape
from .charsets import read_text
from .client import Answer, Client, FetchError
from .cookies import CookieJar
from .decoding import decoded_body
from .html_facts import read_facts
from .notes import NoteTaker, base_of
from .pages import Page
from .policies import header_changes
from .script_facts import Sighting, sightings
from .trial import Trial, environ_of

# As a browser's, but without fetch metadata: through a running installation that gives the page, not the shell.
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
USER_AGENT = f"Mozilla/5.0 (compatible; proview-check/{__version__})"
MAX_QUEUE = 20_000
MAX_SCRIPTS = 100
REDIRECTS_IN_A_ROW = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What a crawl may cost the application."""

    pages: int = 100
    depth: int = 5
    seconds: float = 300.0
    # Addresses that differ only in numbers, ids and values of query fields.
    variants: int = 5
    delay_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Choice:
    """Which links are followed. Patterns match path and query, ``*`` any text."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    destructive: bool = False
    forms: bool = False

    def admits(self, target: str) -> bool:
        if any(fnmatch.fnmatchcase(target, pattern) for pattern in self.exclude):
            return False
        return not self.include or any(fnmatch.fnmatchcase(target, pattern) for pattern in self.include)


class Step(NamedTuple):
    target: str
    depth: int
    found_on: str | None
    kind: str
    redirects: int


@dataclass(slots=True)
class Left:
    """Addresses that were not asked for, counted by why; the first few are named."""

    counts: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)

    def add(self, why: str, address: str) -> None:
        self.counts[why] += 1
        if len(self.named.setdefault(why, [])) < 5 and address not in self.named[why]:
            self.named[why].append(address[:200])


class Crawl:
    """One crawl.

    :param client: asks the application; its origin is never left.
    :param headers: of the operator, sent with every request.
    :param progress: told the number of pages after each.
    """

    def __init__(
        self,
        config: Config,
        client: Client,
        public: Origin,
        *,
        jar: CookieJar,
        headers: tuple[tuple[str, str], ...] = (),
        limits: Limits = Limits(),
        choice: Choice = Choice(),
        progress: Callable[[int], None] = lambda _pages: None,
    ) -> None:
        self.client = client
        self.public = public
        self.pages: list[Page] = []
        self.left = Left()
        self.stopped_by: str | None = None
        self.seconds = 0.0
        self._config = config
        self._jar = jar
        self._headers = headers
        self._limits = limits
        self._choice = choice
        self._progress = progress
        self._trial = Trial(config, public)
        self._notes = NoteTaker(config, client.origin, self._trial)
        self._queue: deque[Step] = deque()
        self._known: set[str] = set()
        self._shapes: Counter[str] = Counter()
        self._scripts: dict[str, list[Sighting]] = {}
        self._last_request = 0.0

    def run(self, start: str) -> None:
        """Walk from a target on the client's origin; the results are in ``pages``, ``left`` and ``stopped_by``."""
        began = time.monotonic()
        self._known.add(same_page(start))
        self._enqueue(Step(start, 0, None, "start", 0))
        while self._queue:
            if len(self.pages) >= self._limits.pages:
                self.stopped_by = "pages"
                break
            if time.monotonic() - began > self._limits.seconds:
                self.stopped_by = "seconds"
                break
            self.pages.append(self._visit(self._queue.popleft()))
            self._progress(len(self.pages))
        for step in self._queue:
            self.left.add("limit", step.target)
        for page in self.pages:
            page.notes = self._notes.notes(page)
        self.seconds = time.monotonic() - began

    def ask(self, target: str) -> Answer:
        """A page as the application sends it, cookies kept."""
        wait = self._last_request + self._limits.delay_s - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        try:
            answer = self.client.ask("GET", target, self.request_headers(target))
        finally:
            self._last_request = time.monotonic()
        for value in answer.all("set-cookie"):
            self._jar.read(value, target)
        return answer

    def request_headers(self, target: str) -> list[tuple[str, str]]:
        """What a crawl sends: like a browser, gzip as the middleware asks for it."""
        own = {name.lower() for name, _ in self._headers}
        lines = [("User-Agent", USER_AGENT), ("Accept", ACCEPT), ("Accept-Language", "en"), ("Accept-Encoding", "gzip")]
        cookies = self._jar.header(target)
        if cookies:
            lines.append(("Cookie", cookies))
        return [*(line for line in lines if line[0].lower() not in own), *self._headers]

    def _visit(self, step: Step) -> Page:
        page = Page(step.target, step.depth, step.found_on, step.kind)
        cookies = self._jar.header(step.target)
        try:
            answer = self.ask(step.target)
        except FetchError as error:
            page.problem = str(error)
            return page
        page.status, page.headers, page.ended, page.size = answer.status, answer.headers, answer.ended, len(answer.body)
        page.content_type = answer.get("content-type") or ""
        page.encoding = (answer.get("content-encoding") or "").strip().lower()
        self._read(page, answer)
        environ = environ_of(self.public, step.target, cookies, self._headers)
        page.verdict = self._trial.run(environ, answer, framed=step.kind in ("frame", "iframe"))
        if page.verdict.outcome == "injected":
            page.changes = header_changes(answer.headers, page.verdict.changed)
        self._follow(page, step)
        return page

    def _read(self, page: Page, answer: Answer) -> None:
        if 300 <= answer.status < 400:
            page.location = answer.get("location") or ""
        media_type, charset = read_content_type(page.content_type)
        if not (is_html(media_type) or not page.content_type.strip()) or not answer.body or page.location:
            return
        body = decoded_body(answer.body, page.encoding, self.client.bounds.body_bytes)
        if body is None or (not page.content_type and body.lstrip()[:1] != b"<"):
            return
        reading = read_text(body, charset, whole=answer.ended == "whole" and len(body) < self.client.bounds.body_bytes)
        page.charset, page.oddities = reading.charset, reading.oddities
        page.facts = facts = read_facts(reading.text)
        for script in facts.scripts:
            page.sightings += sightings(script.text, page.target, script.line)
        base = base_of(self.client.origin, page)
        for address, _ in facts.script_sources:
            place = follow(base, address)
            if place is not None and self._is_here(place):
                page.sightings += self._script(place.target)
        page.sightings = list(dict.fromkeys(page.sightings))[:200]

    def _script(self, target: str) -> list[Sighting]:
        """What a script of the same origin does; asked for once."""
        known = self._scripts.get(target)
        if known is not None:
            return known
        found: list[Sighting] = []
        if len(self._scripts) >= MAX_SCRIPTS:
            self.left.add("scripts", target)
            return found
        self._scripts[target] = found
        try:
            answer = self.ask(target)
        except FetchError:
            return found
        body = decoded_body(answer.body, answer.get("content-encoding") or "", self.client.bounds.body_bytes)
        if answer.status == 200 and body is not None:
            found += sightings(body.decode("utf-8", "replace"), target)
        return found

    def _follow(self, page: Page, step: Step) -> None:
        base = base_of(self.client.origin, page)
        if page.location:
            place = follow(base, page.location)
            if step.redirects >= REDIRECTS_IN_A_ROW:
                self.left.add("redirects", page.location)
            elif place is not None:
                self._consider(place, "", Step("", step.depth, page.target, "redirect", step.redirects + 1))
        if page.facts is None:
            return
        for link in page.facts.links:
            place = follow(base, link.address)
            if place is not None:
                self._consider(place, link.text, Step("", step.depth + 1, page.target, link.kind, 0))
        if self._choice.forms:
            for form in page.facts.forms:
                place = follow(base, form.action or page.target) if form.method == "get" else None
                if place is not None:
                    query = urlencode(form.defaults())
                    target = place.target.partition("?")[0] + (f"?{query}" if query else "")
                    self._consider(Place(place.origin, target), "", Step("", step.depth + 1, page.target, "form", 0))

    def _consider(self, place: Place, text: str, step: Step) -> None:
        if not self._is_here(place):
            self.left.add("elsewhere", str(place))
            return
        key = same_page(place.target)
        if key in self._known:
            return
        self._known.add(key)
        if not self._choice.admits(place.target):
            self.left.add("excluded", place.target)
        elif not self._choice.destructive and is_destructive(place.target, text):
            self.left.add("destructive", place.target)
        elif step.depth > self._limits.depth:
            self.left.add("depth", place.target)
        else:
            self._enqueue(step._replace(target=place.target))

    def _enqueue(self, step: Step) -> None:
        kind = shape(step.target)
        if self._shapes[kind] >= self._limits.variants:
            self.left.add("variants", step.target)
        elif len(self._queue) >= MAX_QUEUE:
            self.left.add("limit", step.target)
        else:
            self._shapes[kind] += 1
            self._queue.append(step)

    def _is_here(self, place: Place) -> bool:
        """On the crawled origin; the public origin's pages are the same pages, asked for where we were told to ask."""
        return place.origin in (self.client.origin, self.public)
