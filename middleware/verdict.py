"""Decides from the head of an answer to a protected page what becomes of it. Fails open: see :mod:`.inject`."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from flask_proview.config import Config

from .csp import Site, admit_in_csp
from .gzip_splice import TrailerCombiner
from .headers import (
    HeaderNames,
    Headers,
    common_headers,
    entity_tag,
    frame_headers,
    is_count,
    is_html,
    is_page_status,
    is_xml,
    read_content_type,
    read_head,
    split_head,
)
from .insertion import Sniff
from .launch import LaunchCookies, LaunchTooLong
from .mark import IdentityMarks
from .page import PageRequest
from .plan import InsertionPlan
from .reports import Reports
from .respond import Change
from .tag import as_xml, with_nonce

# The codings that are asked for, or that servers send unasked.
_CODINGS = frozenset(("", "identity", "gzip", "x-gzip", "deflate"))
_KINDS_REMEMBERED = 1024
_LONGEST_REMEMBERED = 2048


class _Kind(NamedTuple):
    """Pages of one address whose heads say the same, but for their length and entity tag. ``memorable``: they share even that which
    is made for each page anew where a nonce is needed."""

    fields: tuple[tuple[str, str], ...]
    plan: InsertionPlan
    content_type: str
    memorable: bool


class PageJudge:
    """Turns heads into changes."""

    def __init__(self, config: Config, launches: LaunchCookies, reports: Reports) -> None:
        self._mount = config.server.mount
        self._launches = launches
        self._marks = IdentityMarks(config)
        self._reports = reports
        self._names = HeaderNames()
        self._groups: dict[str, int] = {}
        self._combiner = TrailerCombiner()
        self._kinds: dict[tuple[object, ...], _Kind] = {}

    def change(self, page: PageRequest, status: str, headers: Headers) -> Change | None:
        """What becomes of the answer whose head is here; None: untouched."""
        try:
            if page.stops and status[:1] in ("2", "3"):
                self._reports.stop(page, headers)
            return None if page.likelihood is None else self._judge(page, status, headers)
        except Exception as error:
            self._reports.page_fault(page, "response", error)
            return None

    def page_fault(self, page: PageRequest, kind: str, error: Exception | str) -> None:
        """A fault after the head was judged."""
        self._reports.page_fault(page, kind, error)

    def _judge(self, page: PageRequest, status: str, headers: Headers) -> Change | None:
        if page.revalidates and status[:3] == "304":
            return self._not_modified(page, headers)
        kept, deciding, lengths, tags = split_head(headers, self._groups)
        address = page.address
        key = (address.tag, page.likelihood, page.framed, status, *deciding)
        kind = self._kinds.get(key) or self._new_kind(page, status, deciding, key)
        length = lengths[-1][1].strip() if lengths else None
        if kind is None or length == "0":
            return None
        cookie = self._cookie(page, headers)
        if cookie is None:
            return None
        kept += kind.fields
        kept.append(cookie)
        if tags:
            kept += entity_tag(tags[-1][1], address.parts.version)
        if page.framed:
            kept.append(self._marks.header(address.account, page.identity(headers)))
        if page.environ["REQUEST_METHOD"] == "HEAD":
            return Change([*kept, ("Content-Type", kind.content_type)] if kind.content_type else kept)
        return Change(
            kept, kind.plan, int(length) if length is not None and is_count(length) else None, kind.content_type
        )

    def _new_kind(self, page: PageRequest, status: str, deciding: Headers, key: tuple[object, ...]) -> _Kind | None:
        kind = self._kind_of(page, status, deciding)
        if kind is not None and kind.memorable:
            if len(self._kinds) >= _KINDS_REMEMBERED:
                self._kinds.clear()
            self._kinds[key] = kind
        return kind

    def _kind_of(self, page: PageRequest, status: str, deciding: Headers) -> _Kind | None:
        """What all pages with this head get; None: they are left alone, and the reason is reported."""
        address = page.address
        head = read_head(deciding, self._names)
        if head.injected:
            return None  # by another of us nearer to the application
        media_type, charset = read_content_type(head.content_type)
        if head.attachment or not is_page_status(status, head) or (head.content_type and not is_html(media_type)):
            return None
        if head.body_elsewhere:
            self._reports.refuse(
                page, "fault", "the front server sends a file instead of this answer (X-Accel-Redirect, X-Sendfile)"
            )
            return None
        if head.encoding not in _CODINGS:
            self._reports.refuse(page, "fault", f"Content-Encoding {head.encoding!r} was not asked for")
            return None
        if head.cache_control is not None and "no-transform" in head.cache_control:
            self._reports.note("no-transform", f"route {address.parts.name}: Cache-Control: no-transform is overridden")
        fields = [*head.kept, *common_headers(head, address.parts.version), address.parts.injected]
        if head.encoding:
            fields.append(("Content-Encoding", head.encoding))
        fields += frame_headers(head.frame_options, page.framed)
        tag, xml = address.tag, is_xml(media_type)
        if head.csp:
            site = Site(str(address.origin), address.script_root + self._mount)
            policies, nonce = admit_in_csp(head.csp, site, _new_nonce, framed=page.framed)
            fields += policies
            tag = tag if nonce is None else with_nonce(tag, nonce)
        # Browsers show an answer without a type as HTML when it starts like a document.
        sniff = page.likelihood if head.content_type and page.likelihood is not None else Sniff.DOCUMENT
        plan = InsertionPlan(
            as_xml(tag) if xml else tag,
            address.parts.places,
            self._combiner,
            coding=head.encoding,
            charset=charset,
            sniff=sniff,
            xml=xml,
        )
        is_short = sum(len(name) + len(value) for name, value in deciding) <= _LONGEST_REMEMBERED
        return _Kind(tuple(fields), plan, head.content_type, memorable=is_short and not head.csp)

    def _not_modified(self, page: PageRequest, headers: Headers) -> Change | None:
        """The client keeps our copy with the policies it was sent with: a nonce of ours stands in both."""
        head = read_head(headers, self._names)
        cookie = None if head.injected else self._cookie(page, headers)
        if cookie is None:
            return None
        if page.framed:
            head.kept.append(self._marks.header(page.address.account, page.identity(headers)))
        return Change([*head.kept, *common_headers(head, page.address.parts.version), cookie])

    def _cookie(self, page: PageRequest, headers: Headers) -> tuple[str, str] | None:
        identity = page.identity(headers)
        if identity.session is None and page.address.parts.route.start == "auto":
            self._reports.no_session(page)
            return None
        try:
            return self._launches.field(page.address, identity)
        except LaunchTooLong as error:
            self._reports.refuse(page, "identity", str(error))
            return None


def _new_nonce() -> str:
    return secrets.token_urlsafe(16)
