"""The place of the tag, against named traps and against html5lib on generated pages.

PROVIEW_SOUP=100000 runs as many generated pages (the suite's default is a few thousand).
"""

from __future__ import annotations

import os
import random

import pytest

from flask_proview.middleware.insertion import PageInsertion
from flask_proview.middleware.place import LIMIT, Place, PlaceMemory, doctype, looks_like_document, place

from . import soup
from .oracle import Oracle

PAGES = int(os.environ.get("PROVIEW_SOUP", "3000"))
BATCHES = 10


# "|" marks the place.
TRAPS = [
    b"<html><head>|<title>x</title></head><body></body></html>",
    b"\xef\xbb\xbf<!doctype html>\n<html lang=en>\n<head>|\n<title>",
    b"<!-- <head> --><html><head>|</head>",
    b"<!--><head>|--></head>",
    b"<!---><head>|",
    b"<!-- a --!><head>|",
    b"<!-- a --! ><head> --><head>|",
    b"<html><head profile='a>b' x=\"</head>\">|<title>",
    b"<html data-x='<head>'><head>|",
    b"<html a='1'b=\">\"><head>|",
    b"<html a=b'><head>|",
    b"<html =a='>'><head>|",
    b"<html><header>".replace(b"<header>", b"|<header>"),
    b"|<title>x</title><head>",
    b"<!doctype html>|<title>no head</title>",
    b"|text before <head>",
    b"<html>|text<head>",
    b"<html>|<body><head></body>",
    b"<html>|<frameset><frame></frameset></html>",
    b"|</head><head>",
    b"|</body><head>",
    b"|</br><head>",
    b"</p></title a='>'><head>|",
    b"</><head>|",
    b"</ head><head>|",
    b"<?xml version='1.0'?><!DOCTYPE html><html><head>|",
    b"<![CDATA[<head>|]]>",
    b"<HTML><HEAD>|<TITLE>",
    b"<head/>|<title>",
    b"<html><html><head>|",
    b"|<script>document.write('<head>')</script><head>",
    b"|&lt;head&gt;<head>",
    b"|<headx><head>",
    b"|<htmlx><head>",
    b"|\0<head>",
    b"|\xef\xbb<head>",
    b"|<!-- never ends <head>",
    b"<html>|<head a='never ends>",
    b"|",
    b"|<",
    b"|<he",
    b" \n|",
]


@pytest.mark.parametrize("marked", TRAPS, ids=lambda t: repr(t)[2:50])
def test_tag_goes_where_the_tree_builder_makes_it_the_first_of_head(marked: bytes) -> None:
    before, _, after = marked.partition(b"|")
    page = before + after
    assert place(page, final=True) == Place(len(before), True, place(page, final=True).head_attributes)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_generated_pages_parse_as_before_plus_the_script(batch: int) -> None:
    oracle = Oracle()
    for number in range(PAGES // BATCHES):
        oracle.check(random.Random(batch * 10_000_019 + number))  # noqa: S311


def test_what_is_remembered_of_a_page_holds_for_every_page_that_begins_so() -> None:
    places, known = PlaceMemory(), 0
    for number in range(3000):
        rnd = random.Random(number)  # noqa: S311
        page = soup.page(rnd)
        for form in (page, page + b"<p>", page[: rnd.randrange(len(page) + 1)], b"<head>" + page, page[1:]):
            offset = places.offset(form)
            known += offset > 0
            assert not offset or place(form)[:2] == (offset, True), form
    assert known > 3000


def test_only_a_whole_head_is_remembered() -> None:
    places = PlaceMemory()
    assert places.offset(b"<html><head><title>") == 12
    assert places.offset(b"<html><hea") == 0
    assert places.offset(b"<html><title>") == 0
    assert places.offset(b"<html><head profile=x>") == 22
    assert places.offset(b"") == 0


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<!doctype html><he", Place(15, False)),
        (b"<!doctype html><!-- x", Place(15, False)),
        (b"<!doctype html>\n", Place(16, False)),
        (b"\xef\xbb", Place(0, False)),
        (b"", Place(0, False)),
        (b"<!doctype html><p", Place(15, True)),
        (b"</hea", Place(0, False)),
    ],
)
def test_undecided_beginning_says_what_is_certainly_before_the_tag(page: bytes, expected: Place) -> None:
    assert place(page) == expected


def test_token_that_never_ends_is_given_up_at_the_limit() -> None:
    assert place(b"<html><!--" + b"x" * (LIMIT + 1)) == Place(6, True)


@pytest.mark.parametrize(
    "unit",
    [
        b"<!--",
        b"<!--x-->",
        b"<!---",
        b"--!",
        b"<html ",
        b"<html a='>' ",
        b"=",
        b"a=",
        b"a = ",
        b"'\"",
        b"</p ",
        b'</x a=">"',
        b"< ",
        b"<?",
        b"/",
        b"<head ",
    ],
)
def test_hostile_prefix_is_scanned_in_linear_time(unit: bytes) -> None:
    # A quadratic scan of two megabytes would run into the suite's time limit.
    page = b"<html " + unit * (2_000_000 // len(unit))
    assert place(page, final=True).found
    assert place(page).offset <= len(page)


def test_one_byte_pieces_are_not_scanned_over_and_over() -> None:
    page = b"<html a='" + b">" * 60_000 + b"'><head><title>"
    insertion = PageInsertion(soup.MARK)
    scans = 0
    original = insertion._scan

    def counted(*, final: bool) -> bytes | None:
        nonlocal scans
        scans += 1
        return original(final=final)

    insertion._scan = counted  # type: ignore[method-assign]
    sent = b"".join(insertion.feed(page[i : i + 1]) or b"" for i in range(len(page) - 3) if not insertion.placed)
    assert scans < 300
    assert not insertion.placed or soup.MARK in sent


def test_doctype_is_found_behind_comments_only() -> None:
    assert doctype(b" <!-- x --><!y></><!DOCTYPE html><html>") == b"<!DOCTYPE html>"
    assert doctype(b"</p><!DOCTYPE html><html>") == b""
    assert doctype(b"<html><!DOCTYPE html>") == b""


def test_document_is_told_from_fragment() -> None:
    assert looks_like_document(b"<!doctype html><p>", 15)
    assert looks_like_document(b"<HTML><p>", 6)
    assert not looks_like_document(b"<!-- part --><div>", 13)
