"""Header values in and out."""

from __future__ import annotations

import pytest

from flask_proview.middleware.headers import (
    HeaderNames,
    accepts_gzip,
    content_type_with,
    frame_headers,
    private_cache_control,
    read_content_type,
    read_head,
    varied,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html", ("text/html", "")),
        (' Text/HTML ; Charset = "UTF-8" ; x=y', ("text/html", "utf-8")),
        ("text/html;charset=iso-8859-1", ("text/html", "iso-8859-1")),
        ("text/html;charset='utf-8'", ("text/html", "utf-8")),
        ("text/html;xcharset=a", ("text/html", "")),
        ("text/html, text/plain", ("text/html", "")),
        ("text/html-sandboxed", ("text/html-sandboxed", "")),
        ("", ("", "")),
        (";charset=x", ("", "x")),
    ],
)
def test_content_type(value: str, expected: tuple[str, str]) -> None:
    assert read_content_type(value) == expected


def test_charset_is_added_to_a_content_type() -> None:
    assert content_type_with("text/html; ", "koi8-r") == "text/html; charset=koi8-r"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "private, no-cache"),
        ("public, max-age=3600, s-maxage=1, immutable, no-transform", "private, no-cache"),
        ("No-Store", "private, no-cache, no-store"),
        ("no-store, must-revalidate, no-store", "private, no-cache, no-store, must-revalidate"),
        ('private="set-cookie", max-age=5', "private, no-cache"),
    ],
)
def test_cache_control_of_one_candidates_page(value: str | None, expected: str) -> None:
    assert private_cache_control(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "Sec-Fetch-Dest"),
        ("", "Sec-Fetch-Dest"),
        ("Cookie", "Cookie, Sec-Fetch-Dest"),
        ("*", "*"),
        ("a, sec-fetch-dest", "a, sec-fetch-dest"),
    ],
)
def test_vary(value: str | None, expected: str) -> None:
    assert varied(value) == expected


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
        ("", False),
        ("gzippy", False),
    ],
)
def test_gzip_is_accepted(value: str, accepted: bool) -> None:
    assert accepts_gzip(value) is accepted


def test_repeated_headers_are_read_as_one() -> None:
    head = read_head(
        [
            ("VARY", "a"),
            ("vary", "b"),
            ("Cache-Control", "public"),
            ("cache-control", "no-store"),
            ("Content-Encoding", "GZIP"),
            ("content-encoding", "br"),
        ],
        HeaderNames(),
    )
    assert (head.vary, head.cache_control, head.encoding, head.kept) == ("a, b", "public, no-store", "gzip,br", [])


@pytest.mark.parametrize(
    "name",
    [
        "Last-Modified", "accept-ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest", "Surrogate-Control", "CDN-Cache-Control", "X-Accel-Expires",
    ],
)  # fmt: skip
def test_header_about_the_original_bytes_or_for_shared_caches_is_dropped(name: str) -> None:
    assert read_head([(name, "x"), ("Server", "y")], HeaderNames()).kept == [("Server", "y")]


@pytest.mark.parametrize(
    ("value", "attachment"),
    [
        ("inline", False),
        ("", False),
        ("attachment", True),
        (" Attachment;x", True),
        ("form-data", True),
        ("filename=x", False),
        ("INLINE; filename=x", False),
    ],
)
def test_disposition(value: str, attachment: bool) -> None:
    assert read_head([("Content-Disposition", value)], HeaderNames()).attachment is attachment


def test_frame_options_stay_outside_our_frame() -> None:
    assert frame_headers(["DENY", "DENY"], framed=False) == [("X-Frame-Options", "DENY")] * 2
    assert frame_headers(["DENY", "DENY"], framed=True) == [("X-Frame-Options", "SAMEORIGIN")]


def test_spellings_of_header_names_are_remembered_up_to_a_bound() -> None:
    names = HeaderNames()
    for number in range(10_000):
        assert names[f"X-{number}"] == 0
    assert len(names) == 4096
    assert names["CONTENT-type"] == names["content-type"] != 0
