"""Pages in UTF-16 and ISO-2022-JP, XHTML, and charsets that a <meta> declares late."""

from __future__ import annotations

import random

import pytest

from flask_proview.middleware.insertion import PageInsertion, Sniff
from flask_proview.middleware.place_xml import place_xml
from flask_proview.middleware.tag import as_xml

from . import soup
from .site import Site, answering, tag_of

TAG = soup.MARK
TEXT = "<!doctype html><html lang='日'><!-- \U0001f600 <head> --><head>|<title>é</title>"


def feed(page: bytes, step: int = 0, **options: object) -> tuple[PageInsertion, bytes]:
    insertion = PageInsertion(TAG, **options)  # type: ignore[arg-type]
    parts = [page[i : i + step] for i in range(0, len(page), step)] if step else [page]
    sent = [part if insertion.placed else insertion.feed(part) for part in parts] + [insertion.finish()]
    return insertion, b"".join(s or b"" for s in sent)


@pytest.mark.parametrize("step", [0, 1, 2, 3, 7])
@pytest.mark.parametrize(
    ("codec", "mark", "charset"),
    [
        ("utf-16-le", b"\xff\xfe", ""),
        ("utf-16-be", b"\xfe\xff", "utf-8"),
        ("utf-16-le", b"", "utf-16"),
        ("utf-16-be", b"", "utf-16be"),
    ],
)
def test_utf16_page_gets_the_tag_in_utf16(codec: str, mark: bytes, charset: str, step: int) -> None:
    before, _, after = TEXT.partition("|")
    insertion, sent = feed(mark + (before + after).encode(codec), step, charset=charset)
    assert sent == mark + (before + TAG.decode() + after).encode(codec)
    assert insertion.growth == 2 * len(TAG)


def test_utf16_with_lone_surrogates_and_an_odd_end() -> None:
    page = (
        b"\xff\xfe"
        + "<html><!--".encode("utf-16-le")
        + b"\x00\xd8\x00\xd8"
        + "--><head>x".encode("utf-16-le")
        + b"\x01"
    )
    _, sent = feed(page, 1)
    assert sent.replace(TAG.decode().encode("utf-16-le"), b"") == page
    assert len(sent) == len(page) + 2 * len(TAG)


def test_byte_order_mark_of_utf8_wins_over_the_header() -> None:
    assert feed(b"\xef\xbb\xbf<html><head>x", charset="utf-16")[1] == b"\xef\xbb\xbf<html><head>" + TAG + b"x"


def test_json_in_utf16_is_declined() -> None:
    insertion, _ = feed(b"\xff\xfe" + '{"a":1}'.encode("utf-16-le"), sniff=Sniff.MARKUP)
    assert insertion.declined


@pytest.mark.parametrize("step", [0, 1])
def test_escaped_japanese_is_not_scanned_behind_its_escape(step: int) -> None:
    page = b"<!doctype html><!-- \x1b$B-->\x1b(B --><html><head><title>"
    assert feed(page, step, charset="iso-2022-jp")[1] == page.replace(b"html><!--", b"html>" + TAG + b"<!--", 1)
    plain = b"<!doctype html><html><head><title>\x1b$B-->\x1b(B"
    assert feed(plain, step, charset="iso-2022-jp")[1] == plain.replace(b"<head>", b"<head>" + TAG)


META = b'<meta http-equiv="Content-Type" content="text/html; charset=Windows-1251">'


@pytest.mark.parametrize(
    ("meta", "charset"),
    [
        (META, "windows-1251"),
        (b"<META CHARSET=koi8-r>", "koi8-r"),
        (b"<meta name=x charset='utf-16'>", "utf-8"),
        (b"<!-- <meta charset=koi8-r> -->", None),
        (b"<meta name=charset content=koi8-r>", None),
        (b"<meta charset='bad charset\"'>", None),
    ],
)
def test_charset_that_the_tag_pushes_out_of_sight_goes_into_the_header(meta: bytes, charset: str | None) -> None:
    head = b"<html><head>"
    page = head + b"<!--" + b"x" * (1024 - len(head) - len(meta) - 7) + b"-->" + meta + b"<title>"
    assert feed(page)[0].charset == charset
    assert feed(page, charset="utf-8")[0].charset is None
    assert feed(b"\xef\xbb\xbf" + page)[0].charset is None
    assert feed(head + meta + b" " * 2000)[0].charset is None
    assert feed(head + b" " * 1100 + meta)[0].charset is None


def test_header_names_the_pushed_out_charset() -> None:
    page = b"<html><head><!--" + b"x" * 930 + b"-->" + META
    response = Site(answering(page, content_type="text/html")).get()
    assert response.headers["Content-Type"] == "text/html; charset=windows-1251"


XML = [
    b"<html><head>|<title/></head></html>",
    b"<?xml version='1.0'?>\n<!-- <head> -->\n<!DOCTYPE html PUBLIC \"a>b\" 'c'>\n<html xmlns='x>y'>\n<head>|",
    b'<!DOCTYPE html [<!ENTITY a "]>"> <!-- ]> \' --> <?p ]> ?>]><html><head profile="x>">|',
    b"\xef\xbb\xbf<h:html xmlns:h='http://www.w3.org/1999/xhtml'><h:head>|",
]
NOT_XML = [
    b"<HTML><HEAD>",
    b"<html><head/>",
    b"<html/>",
    b"<html><body>",
    b"<svg>",
    b"<html><head a=b>",
    b"<h:html><head>",
    b"<!-- -- --><html><head>",
    b"",
]


@pytest.mark.parametrize("marked", XML)
def test_xhtml_page_gets_the_tag_behind_its_head(marked: bytes) -> None:
    before, _, after = marked.partition(b"|")
    assert place_xml(before + after) == len(before)
    insertion, sent = feed(before + after, 1, xml=True)
    assert sent == before + TAG + after


@pytest.mark.parametrize("page", NOT_XML)
def test_xhtml_that_cannot_be_read_is_declined(page: bytes) -> None:
    assert place_xml(page) is None
    insertion, _ = feed(page, xml=True)
    assert insertion.declined or not page
    assert insertion.held() == page


def test_xhtml_tag_is_well_formed_and_in_the_right_namespace() -> None:
    page = b"<html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head></html>"
    site = Site(answering(page, content_type="application/xhtml+xml"))
    response = site.get()
    assert response.data == page.replace(b"<head>", b"<head>" + as_xml(tag_of(site)))
    assert b'<script xmlns="http://www.w3.org/1999/xhtml" src=' in response.data
    assert response.headers["Content-Type"] == "application/xhtml+xml"


def test_unreadable_xhtml_passes_untouched_and_is_reported() -> None:
    site = Site(answering(b"<html><body/></html>", content_type="application/xhtml+xml"))
    assert site.get().data == b"<html><body/></html>"
    assert [(r.reason, r.detail) for r in site.observer.refusals] == [("fault", "XHTML without a readable <head>")]


def test_hostile_xml_prolog_is_scanned_in_linear_time() -> None:
    rnd = random.Random(3)  # noqa: S311
    units = [b"<!--", b"-", b"<?", b"?", b"<!DOCTYPE [", b'"', b"'", b"<html a='", b" a=''", b"]", b" "]
    for unit in units:
        place_xml(b"<!DOCTYPE html [" + unit * (500_000 // len(unit)))
        place_xml(b"<html " + unit * (500_000 // len(unit)))
    for _ in range(50):
        place_xml(b"".join(rnd.choices(units, k=20_000)))
