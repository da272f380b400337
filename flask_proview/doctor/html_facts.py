"""What a page's HTML says that matters to a crawl or to proctoring. Facts only; what they mean is in ``notes.py``."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .html_tokens import Declaration, End, Tag, Text, tokens

MAX_LINKS = 5000
MAX_SCRIPTS = 500
MAX_FORMS = 200
MAX_FIELDS = 1000
_REFRESH = re.compile(r"\s*([0-9]+)(?:\.[0-9.]*)?\s*(?:[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']*))?", re.I)
_META_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.I)
# What a browser loads or runs because of the tag, and the attribute with the address.
_LOADED = {
    "script": "src", "img": "src", "iframe": "src", "frame": "src", "audio": "src", "video": "src", "source": "src",
    "embed": "src", "object": "data",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """``kind``: a, area, frame, iframe, refresh."""

    kind: str
    address: str
    target: str
    line: int
    text: str = ""


@dataclass(slots=True)
class Form:
    action: str
    method: str
    enctype: str
    target: str
    line: int
    # (name, value, type), as the page came.
    fields: list[tuple[str, str, str]] = field(default_factory=list)

    def names(self) -> set[str]:
        return {name for name, _, _ in self.fields}

    def defaults(self) -> list[tuple[str, str]]:
        """What a browser would send if nobody touched the form: the first submit button pressed."""
        sent, pressed = [], False
        for name, value, kind in self.fields:
            if kind in ("submit", "image"):
                if pressed:
                    continue
                pressed = True
            if name and kind not in ("button", "reset", "file", "unchecked"):
                sent.append((name, value))
        return sent


@dataclass(frozen=True, slots=True)
class Script:
    """Inline code and where it starts: ``<script>``, ``onclick=…``, ``javascript:…``."""

    text: str
    line: int


@dataclass(slots=True)
class PageFacts:
    doctype: str | None = None
    title: str | None = None
    lang: str | None = None
    base: str | None = None
    meta_charset: str | None = None
    meta_csp: list[tuple[str, int]] = field(default_factory=list)
    refresh: tuple[int, str, int] | None = None
    links: list[Link] = field(default_factory=list)
    links_dropped: int = 0
    forms: list[Form] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    script_sources: list[tuple[str, int]] = field(default_factory=list)
    # (tag, address, line) of everything loaded with the page.
    loaded: list[tuple[str, str, int]] = field(default_factory=list)
    frames: list[tuple[str, str, int]] = field(default_factory=list)
    frameset: int | None = None


def read_facts(page: str) -> PageFacts:
    """The facts of a page; linear in its length."""
    facts = PageFacts()
    reader = _Reader(facts)
    for token in tokens(page):
        if isinstance(token, Tag):
            reader.tag(token)
        elif isinstance(token, End):
            reader.end(token.name)
        elif isinstance(token, Text):
            reader.text(token.text)
        elif isinstance(token, Declaration) and token.text[:8].lower() == "!doctype" and facts.doctype is None:
            facts.doctype = " ".join(token.text[8:].split())[:200]
    return facts


class _Reader:
    def __init__(self, facts: PageFacts) -> None:
        self._facts = facts
        self._open_form: Form | None = None
        # The link whose words are being read; name of the select whose options are, and where its value stands.
        self._open_link: tuple[Tag, list[str]] | None = None
        self._open_select: tuple[str, int] | None = None
        self._readers: dict[str, Callable[[Tag], None]] = {
            "html": self._html,
            "title": self._title,
            "base": self._base,
            "meta": self._meta,
            "a": self._a,
            "area": self._area,
            "script": self._script,
            "iframe": self._frame,
            "frame": self._frame,
            "frameset": self._frameset,
            "form": self._form,
            "input": self._input,
            "button": self._button,
            "textarea": self._textarea,
            "select": self._select,
            "option": self._option,
        }

    def tag(self, tag: Tag) -> None:
        facts = self._facts
        for name, value in tag.attributes.items():
            if name.startswith("on") and value and len(facts.scripts) < MAX_SCRIPTS:
                facts.scripts.append(Script(value, tag.line))
        loaded = _LOADED.get(tag.name)
        if loaded is not None and tag.get(loaded) and len(facts.loaded) < MAX_LINKS:
            facts.loaded.append((tag.name, tag.get(loaded).strip(), tag.line))
        read = self._readers.get(tag.name)
        if read is not None:
            read(tag)

    def end(self, name: str) -> None:
        if name == "a":
            self._finish_link()
        elif name == "form":
            self._open_form = None
        elif name == "select":
            self._open_select = None

    def text(self, text: str) -> None:
        if self._open_link is not None and len(self._open_link[1]) < 50:
            self._open_link[1].append(text[:200])

    def _add_link(self, kind: str, tag: Tag, address: str, text: str = "") -> None:
        facts = self._facts
        address = address.strip()
        if address[:11].lower() == "javascript:":
            if len(facts.scripts) < MAX_SCRIPTS:
                facts.scripts.append(Script(address[11:], tag.line))
        elif len(facts.links) < MAX_LINKS:
            facts.links.append(Link(kind, address, tag.get("target").strip(), tag.line, " ".join(text.split())[:200]))
        else:
            facts.links_dropped += 1

    def _finish_link(self) -> None:
        if self._open_link is not None:
            tag, words = self._open_link
            self._open_link = None
            self._add_link("a", tag, tag.get("href"), " ".join([*words, tag.get("title")]))

    def _html(self, tag: Tag) -> None:
        if self._facts.lang is None and tag.get("lang").strip():
            self._facts.lang = tag.get("lang").strip()[:40]

    def _title(self, tag: Tag) -> None:
        if self._facts.title is None:
            self._facts.title = " ".join(tag.text.split())[:200]

    def _base(self, tag: Tag) -> None:
        if self._facts.base is None and tag.get("href"):
            self._facts.base = tag.get("href")

    def _meta(self, tag: Tag) -> None:
        facts, about = self._facts, tag.get("http-equiv").strip().lower()
        content = tag.get("content")
        if facts.meta_charset is None:
            declared = tag.get("charset").strip()
            if not declared and about == "content-type":
                match = _META_CHARSET.search(content)
                declared = match[1] if match else ""
            facts.meta_charset = declared.lower()[:40] or None
        if about == "content-security-policy" and len(facts.meta_csp) < 20:
            facts.meta_csp.append((content[:4000], tag.line))
        elif about == "refresh" and facts.refresh is None:
            match = _REFRESH.match(content)
            if match is not None:
                address = (match[2] or "").strip()
                facts.refresh = (int(match[1][:9]), address[:2000], tag.line)
                if address:
                    self._add_link("refresh", tag, address)

    def _a(self, tag: Tag) -> None:
        self._finish_link()
        if "href" in tag.attributes:
            self._open_link = (tag, [])

    def _area(self, tag: Tag) -> None:
        if "href" in tag.attributes:
            self._add_link("area", tag, tag.get("href"), tag.get("alt"))

    def _script(self, tag: Tag) -> None:
        facts = self._facts
        if tag.get("src"):
            if len(facts.script_sources) < MAX_SCRIPTS:
                facts.script_sources.append((tag.get("src").strip(), tag.line))
        elif tag.text.strip() and _is_code(tag.get("type")) and len(facts.scripts) < MAX_SCRIPTS:
            facts.scripts.append(Script(tag.text, tag.text_line))

    def _frame(self, tag: Tag) -> None:
        if len(self._facts.frames) < MAX_FORMS:
            self._facts.frames.append((tag.name, tag.get("src").strip(), tag.line))
        if tag.get("src"):
            self._add_link(tag.name, tag, tag.get("src"))

    def _frameset(self, tag: Tag) -> None:
        if self._facts.frameset is None:
            self._facts.frameset = tag.line

    def _form(self, tag: Tag) -> None:
        # A form within a form is ignored by browsers.
        if self._open_form is None and len(self._facts.forms) < MAX_FORMS:
            method = "post" if tag.get("method").strip().lower() == "post" else "get"
            action, kind = tag.get("action").strip(), tag.get("enctype").strip().lower()
            self._open_form = Form(action, method, kind, tag.get("target").strip(), tag.line)
            self._facts.forms.append(self._open_form)

    def _add_field(self, name: str, value: str, kind: str) -> None:
        if self._open_form is not None and len(self._open_form.fields) < MAX_FIELDS:
            self._open_form.fields.append((name, value, kind))

    def _input(self, tag: Tag) -> None:
        if "disabled" in tag.attributes:
            return
        kind = tag.get("type").strip().lower() or "text"
        value = tag.get("value")
        if kind in ("checkbox", "radio"):
            kind = kind if "checked" in tag.attributes else "unchecked"
            value = value or "on"
        self._add_field(tag.get("name"), value, kind)

    def _button(self, tag: Tag) -> None:
        if "disabled" not in tag.attributes:
            self._add_field(tag.get("name"), tag.get("value"), tag.get("type").strip().lower() or "submit")

    def _textarea(self, tag: Tag) -> None:
        self._add_field(tag.get("name"), html.unescape(tag.text).removeprefix("\n"), "text")

    def _select(self, tag: Tag) -> None:
        if self._open_form is not None:
            self._open_select = (tag.get("name"), -1)

    def _option(self, tag: Tag) -> None:
        if self._open_select is None or self._open_form is None:
            return
        name, at = self._open_select
        if at < 0:
            self._open_select = (name, len(self._open_form.fields))
            self._add_field(name, tag.get("value"), "select")
        elif "selected" in tag.attributes and at < len(self._open_form.fields):
            self._open_form.fields[at] = (name, tag.get("value"), "select")


def _is_code(kind: str) -> bool:
    kind = kind.strip().lower()
    return kind in ("", "module") or "javascript" in kind or "ecmascript" in kind
