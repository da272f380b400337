"""Pages of one kind: the usual page at once, all others piece by piece, and both with the same result."""

from __future__ import annotations

import gzip
import random

import pytest

from flask_proview.middleware.gzip_splice import TrailerCombiner
from flask_proview.middleware.insertion import Sniff
from flask_proview.middleware.place import PlaceMemory
from flask_proview.middleware.plan import InsertionPlan

from . import soup
from .site import PAGE, Site, answering, tag_of

COMBINER = TrailerCombiner()


def plan_of(
    *,
    coding: str = "",
    charset: str = "utf-8",
    sniff: Sniff = Sniff.NONE,
    xml: bool = False,
    places: PlaceMemory | None = None,
) -> InsertionPlan:
    return InsertionPlan(
        soup.MARK, places or PlaceMemory(), COMBINER, coding=coding, charset=charset, sniff=sniff, xml=xml
    )


def piece_by_piece(plan: InsertionPlan, page: bytes) -> bytes:
    insertion = plan.begin()
    return (insertion.feed(page) or b"") + (insertion.finish() or b"")


@pytest.mark.parametrize("sniff", Sniff)
@pytest.mark.parametrize("charset", ["utf-8", "windows-1252", ""])
def test_at_once_is_what_piece_by_piece_would_be(sniff: Sniff, charset: str) -> None:
    plan, at_once = plan_of(sniff=sniff, charset=charset), 0
    for number in range(1500):
        page = soup.page(random.Random(number))  # noqa: S311
        changed = plan.at_once(page)
        if changed is not None:
            at_once += 1
            assert changed == piece_by_piece(plan, page), page
    assert at_once > 300


@pytest.mark.parametrize(
    "plan",
    [plan_of(coding="gzip"), plan_of(coding="deflate"), plan_of(charset="utf-16"), plan_of(charset="iso-2022-jp"), plan_of(xml=True)],
    ids=["gzip", "deflate", "UTF-16", "ISO-2022-JP", "XHTML"],
)  # fmt: skip
def test_what_is_not_plain_goes_piece_by_piece(plan: InsertionPlan) -> None:
    assert plan.at_once(b"<html><head></head></html>") is None


def test_a_charset_that_the_tag_would_push_out_of_sight_goes_piece_by_piece() -> None:
    late = b"<html><head>" + b" " * 960 + b"<meta charset=iso-8859-15>"
    assert plan_of(charset="").at_once(late) is None
    assert plan_of(charset="iso-8859-15").at_once(late) is not None


def test_pages_of_different_codings_and_heads_share_nothing_wrong() -> None:
    """One middleware, one route: each head is a kind of its own."""
    site = Site(answering())
    packed = gzip.compress(PAGE)
    answers = [
        (answering(), PAGE, True),
        (answering(packed, ("Content-Encoding", "gzip")), PAGE, True),
        (answering(PAGE, ("Content-Disposition", "attachment")), PAGE, False),
        (answering(PAGE, ("Cache-Control", "no-store")), PAGE, True),
        (answering(PAGE, content_type="application/json"), PAGE, False),
        (answering(PAGE, status="404 Not Found"), PAGE, True),
        (answering(PAGE, ("X-Proview-Injected", "r0")), PAGE, False),
    ]
    for _ in range(2):
        for app, page, gets_it in answers:
            site.middleware._app = app
            answer = site.get()
            body = gzip.decompress(answer.data) if answer.headers.get("Content-Encoding") == "gzip" else answer.data
            assert (tag_of(site) in body) is gets_it
            assert body.replace(tag_of(site), b"").endswith(page)
            if gets_it:
                expected = "private, no-cache, no-store" if app is answers[3][0] else "private, no-cache"
                assert answer.headers["Cache-Control"] == expected


def test_nonces_are_never_shared() -> None:
    site = Site(answering(PAGE, ("Content-Security-Policy", "script-src 'none'")))
    policies = {site.get().headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3
