"""Compressed pages: spliced where the parsed page is the same, recoded where it would not be."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from flask_proview.middleware.gzip_insertion import GzipInsertion
from flask_proview.middleware.gzip_splice import TrailerCombiner, header_length
from flask_proview.middleware.insertion import Insertion, PageInsertion, Sniff
from flask_proview.middleware.place import place
from flask_proview.middleware.recode import RecodedInsertion

from . import soup

COMBINER = TrailerCombiner()
TAG = soup.MARK
PAGE = b"<!DOCTYPE html><html lang=en><head><title>x</title></head><body>" + b"<p>text</p>" * 500


def through(insertion: Insertion, parts: list[bytes]) -> bytes | None:
    """What is sent for the parts; None when declined."""
    sent = []
    for part in parts:
        sent.append(insertion.feed(part))
        if insertion.declined:
            return None
    sent.append(insertion.finish())
    return None if insertion.declined else b"".join(part or b"" for part in sent)


def run(packed: bytes, step: int = 0, **options: object) -> tuple[GzipInsertion, bytes | None]:
    insertion = GzipInsertion(TAG, COMBINER, **options)  # type: ignore[arg-type]
    parts = [packed[i : i + step] for i in range(0, len(packed), step)] if step else [packed]
    return insertion, through(insertion, parts)


@pytest.mark.parametrize("step", [0, 1, 3, 17, 1000])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_page_is_spliced_behind_a_copy_of_its_doctype(step: int, level: int) -> None:
    packed = gzip.compress(PAGE, level)
    insertion, sent = run(packed, step)
    assert sent is not None
    assert gzip.decompress(sent) == b"<!DOCTYPE html>" + TAG + PAGE
    assert insertion.growth == len(sent) - len(packed)
    assert packed[10:-8] in sent


def test_trailer_is_right_for_any_length() -> None:
    rnd = random.Random(5)  # noqa: S311
    for _ in range(300):
        prefix, rest = rnd.randbytes(rnd.randrange(200)), rnd.randbytes(rnd.randrange(70_000))
        whole = gzip.compress(prefix + rest)
        assert COMBINER.combine(prefix, gzip.compress(rest)[-8:]) == whole[-8:]


def test_header_with_every_field_is_skipped() -> None:
    header = b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03" + b"\x03\0abc" + b"page.html\0" + b"a comment\0" + b"\x12\x34"
    for cut in range(len(header)):
        assert header_length(header[:cut]) == 0
    assert header_length(header) == len(header)
    assert header_length(b"<html>") is None
    assert header_length(b"\x1f\x8b\x08\xff" + b"\0" * 20) is None
    packed = header + gzip.compress(PAGE)[10:]
    _, sent = run(packed, 2)
    assert sent is not None
    assert gzip.decompress(sent) == b"<!DOCTYPE html>" + TAG + PAGE


RECODED = {
    "byte order mark": b"\xef\xbb\xbf" + PAGE,
    "head attributes": b"<html><head profile=x><title>",
    "place beyond the peek": b"<!--" + b"c" * 3000 + b"--><html><head><title>",
}


@pytest.mark.parametrize("name", RECODED)
@pytest.mark.parametrize("step", [0, 1, 50])
def test_page_that_would_parse_differently_is_recoded(name: str, step: int) -> None:
    page = RECODED[name]
    insertion, sent = run(gzip.compress(page), step)
    assert sent is not None
    offset = place(page, final=True).offset
    assert gzip.decompress(sent) == page[:offset] + TAG + page[offset:]
    assert insertion.growth is None


def test_first_of_two_members_shows_the_tag_as_browsers_read_no_further() -> None:
    _, sent = run(gzip.compress(PAGE) + gzip.compress(b"<p>more"))
    assert sent is not None
    assert zlib.decompressobj(-15).decompress(sent[10:]) == b"<!DOCTYPE html>" + TAG + PAGE


def test_two_members_that_must_be_recoded_become_one() -> None:
    page = b"\xef\xbb\xbf" + PAGE
    _, sent = run(gzip.compress(page) + gzip.compress(b"<p>more"))
    assert sent is not None
    inflate = zlib.decompressobj(31)
    assert inflate.decompress(sent).endswith(b"<p>more")
    assert inflate.eof and not inflate.unused_data


BROKEN = {
    "not gzip": PAGE,
    "broken blocks": gzip.compress(PAGE)[:10] + b"\xff" * 50,
    "cut in the header": gzip.compress(PAGE)[:7],
    "cut before the place": gzip.compress(b"<!--" + random.Random(1).randbytes(1500).hex().encode())[:300],  # noqa: S311
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("step", [0, 1])
def test_broken_page_is_declined_and_kept_as_it_was(name: str, step: int) -> None:
    insertion, sent = run(BROKEN[name], step)
    assert sent is None
    assert insertion.declined
    assert BROKEN[name].startswith(insertion.held())
    assert step or insertion.held() == BROKEN[name]


def test_page_cut_off_behind_the_tag_stays_visibly_cut_off() -> None:
    _, sent = run(gzip.compress(PAGE)[:-20])
    assert sent is not None
    with pytest.raises((zlib.error, EOFError)):
        gzip.decompress(sent)


def test_recoded_page_that_breaks_later_is_cut_off() -> None:
    packed = gzip.compress(b"\xef\xbb\xbf" + PAGE + random.Random(2).randbytes(100_000))  # noqa: S311
    insertion = GzipInsertion(TAG, COMBINER)
    assert insertion.feed(packed[:50_000])
    with pytest.raises(EOFError):
        insertion.finish()


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("step", [0, 1])
def test_deflate_is_recoded_wrapped_or_bare(wrapped: bool, step: int) -> None:
    packed = zlib.compress(PAGE) if wrapped else zlib.compress(PAGE)[2:-4]
    insertion = RecodedInsertion(PageInsertion(TAG), "deflate")
    sent = through(
        insertion, [packed[i : i + (step or len(packed))] for i in range(0, len(packed), step or len(packed))]
    )
    assert sent is not None
    assert zlib.decompress(sent) == PAGE.replace(b"<head>", b"<head>" + TAG)


def test_bomb_is_recoded_in_bounded_memory() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = (
        compressor.compress(b"\xef\xbb\xbf<html>")
        + b"".join(compressor.compress(bytes(1 << 20)) for _ in range(200))
        + compressor.flush()
    )
    insertion = GzipInsertion(TAG, COMBINER)
    longest = 0
    for at in range(0, len(packed), 4096):
        longest = max(longest, len(insertion.feed(packed[at : at + 4096]) or b""))
    insertion.finish()
    assert longest < 200_000


def test_streamed_page_is_not_held_back() -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
    insertion = GzipInsertion(TAG, COMBINER)
    first = compressor.compress(b"<!doctype html><html><head><title>x</title>" + b"y" * 200) + compressor.flush(
        zlib.Z_SYNC_FLUSH
    )
    sent = insertion.feed(first)
    assert sent is not None
    assert zlib.decompressobj(31).decompress(sent).startswith(b"<!doctype html>" + TAG)


def test_generated_pages_parse_the_same_spliced_as_inserted() -> None:
    spliced = 0
    for seed in range(1500):
        rnd = random.Random(seed)  # noqa: S311
        page = soup.page(rnd)
        insertion, sent = run(gzip.compress(page), rnd.choice((0, 1, 7)))
        assert sent is not None, page
        plain = gzip.decompress(sent)
        offset = place(page, final=True).offset
        if insertion.growth is None:
            assert plain == page[:offset] + TAG + page[offset:], page
            continue
        spliced += 1
        rest, scripts = soup.without_mark(soup.tree(plain))
        assert scripts == [["#document", "html", "head", "first"]], page
        # A doctype that never ends is lost to any tag.
        doctype = place(page).found
        assert soup.bare(rest, doctype=doctype) == soup.bare(soup.tree(page), doctype=doctype), page
    assert spliced > 500


@pytest.mark.parametrize(("body", "sniff"), [(b'{"a":1}', Sniff.MARKUP), (b"<p>part", Sniff.DOCUMENT)])
def test_compressed_fragment_is_declined(body: bytes, sniff: Sniff) -> None:
    _, sent = run(gzip.compress(body), sniff=sniff)
    assert sent is None
