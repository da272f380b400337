"""Decides from the head of an answer to a protected page what becomes of it. Fails open: see :mod:`.inject`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import lru_cache

from flask_proview.config import Config

from .csp import Site, admit_in_csp
from .gzip_insertion import GzipInsertion
from .gzip_splice import TrailerCombiner
from .headers import (
    Head,
    HeaderNames,
    Headers,
    common_headers,
    frame_headers,
    is_html,
    is_page_status,
    is_xml,
    read_content_type,
    read_head,
)
from .insertion import Insertion, PageInsertion, Sniff
from .launch import LaunchCookies, LaunchTooLong
from .mark import IdentityMarks
from .observer import Reason
from .page import PageRequest
from .recode import RecodedInsertion
from .respond import Change
from .tag import as_xml, with_nonce

Refuse = Callable[[PageRequest, Reason, str], None]


class PageJudge:
    """Turns heads into changes.

    :param refuse: told why a page goes out unproctored.
    :param note: told once per kind what an operator should know.
    """

    def __init__(
        self, config: Config, launches: LaunchCookies, refuse: Refuse, note: Callable[[str, str], None]
    ) -> None:
        self._mount = config.server.mount
        self._launches = launches
        self._marks = IdentityMarks(config)
        self._refuse = refuse
        self._note = note
        self._names = HeaderNames()
        self._combiner = TrailerCombiner()
        self._content_type = lru_cache(256)(read_content_type)

    def judge(self, page: PageRequest, status: str, headers: Headers) -> Change | None:
        """The change, or None: untouched."""
        if page.likelihood is None:
            return None
        head = read_head(headers, self._names)
        if head.injected:
            return None  # by another of us nearer to the application
        if status[:3] == "304":
            return self._not_modified(page, head, headers) if page.revalidates else None
        if head.length == "0" or head.attachment or not is_page_status(status, head):
            return None
        media_type, charset = self._content_type(head.content_type)
        if head.content_type and not is_html(media_type):
            return None
        if head.body_elsewhere:
            self._refuse(
                page, "fault", "the front server sends a file instead of this answer (X-Accel-Redirect, X-Sendfile)"
            )
            return None
        if head.encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            self._refuse(page, "fault", f"Content-Encoding {head.encoding!r} was not asked for")
            return None
        cookie = self._cookie(page, headers)
        if cookie is None:
            return None
        if head.cache_control is not None and "no-transform" in head.cache_control:
            self._note("no-transform", f"route {page.parts.name}: Cache-Control: no-transform is overridden")
        nonce = self._changed_headers(page, head, cookie)
        if page.framed:
            head.kept.append(self._marks.header(page.account, page.identity(headers)))
        if page.method == "HEAD":
            return Change([*head.kept, ("Content-Type", head.content_type)] if head.content_type else head.kept)
        # Browsers show an answer without a type as HTML when it starts like a document.
        sniff = page.likelihood if head.content_type else Sniff.DOCUMENT
        return Change(
            head.kept,
            self._insertion(page, head.encoding, charset, sniff, nonce, xml=is_xml(media_type)),
            int(head.length) if head.length is not None and head.length.isascii() and head.length.isdigit() else None,
            head.content_type,
        )

    def _changed_headers(self, page: PageRequest, head: Head, cookie: str) -> str | None:
        """Complete ``head.kept``; the nonce that the tag needs."""
        kept, nonce = head.kept, None
        kept += common_headers(head, page.parts.version)
        if head.encoding:
            kept.append(("Content-Encoding", head.encoding))
        if head.csp:
            site = Site(str(page.origin), page.script_root + self._mount)
            policies, nonce = admit_in_csp(head.csp, site, _new_nonce, framed=page.framed)
            kept += policies
        if head.frame_options:
            kept += frame_headers(head.frame_options, page.framed)
        kept.append(page.parts.injected)
        kept.append(("Set-Cookie", cookie))
        return nonce

    def _not_modified(self, page: PageRequest, head: Head, headers: Headers) -> Change | None:
        """The client keeps our copy with the policies it was sent with: a nonce of ours stands in both."""
        cookie = self._cookie(page, headers)
        if cookie is None:
            return None
        if page.framed:
            head.kept.append(self._marks.header(page.account, page.identity(headers)))
        return Change([*head.kept, *common_headers(head, page.parts.version), ("Set-Cookie", cookie)])

    def _cookie(self, page: PageRequest, headers: Headers) -> str | None:
        identity = page.identity(headers)
        if identity.session is None and page.parts.route.start == "auto":
            self._refuse(page, "identity", f"no session id in {', '.join(page.parts.route.session)}")
            return None
        try:
            return self._launches.cookie(page.parts.route, page.account, identity, page.origin, page.script_root)
        except LaunchTooLong as error:
            self._refuse(page, "identity", str(error))
            return None

    def _insertion(
        self, page: PageRequest, encoding: str, charset: str, sniff: Sniff, nonce: str | None, *, xml: bool
    ) -> Insertion:
        tag = page.parts.tag(page.match.role, page.script_root)
        if nonce is not None:
            tag = with_nonce(tag, nonce)
        if xml:
            tag = as_xml(tag)
        if encoding in ("gzip", "x-gzip"):
            return GzipInsertion(tag, self._combiner, charset=charset, sniff=sniff, xml=xml)
        plain = PageInsertion(tag, charset=charset, sniff=sniff, xml=xml)
        return RecodedInsertion(plain, "deflate") if encoding == "deflate" else plain


def _new_nonce() -> str:
    return secrets.token_urlsafe(16)
