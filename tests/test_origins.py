from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_proview.origins import DomainSet, Origin, host_names, parse_header

EXACT = DomainSet.parse(["exam.example.com", "http://127.0.0.1:8000", "https://*.example.edu:8443"])

# The forms of which a browser, an attacker or a lax parser makes "nearly the origin".
HOSTILE = [
    "http://exam.example.com",
    "https://exam.example.com:",
    "https://exam.example.com:443",
    "https://exam.example.com:99999",
    "https://exam.example.com:80 80",
    "https://exam.example.com.",
    "HTTPS://EXAM.EXAMPLE.COM",
    "https://evilexample.com",
    "https://exam.example.com.evil.net",
    "https://exam.example.com@evil.net",
    "https://user@exam.example.com",
    "https://evil.net\\@exam.example.com",
    "https://evil.net\\.example.com",
    "https://evil.net#.example.com",
    "https://evil.net?.example.com",
    "https://evil.net/.example.com",
    "https://exam.example.com/",
    "https://exam%2eexample.com",
    "https://exam.exa\tmple.com",
    "https://exam.example.com\n",
    "https://\u0435xam.example.com",
    "https://xn--xam-6cd.example.com",
    "https://exam\uff0eexample\uff0ecom",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "http://127.1:8000",
    "http://2130706433:8000",
    "http://0x7f.1:8000",
    "null",
    "",
    "file://",
    "https://exam.example.com, https://evil.net",
    "chrome-extension://exam.example.com",
    "//exam.example.com",
    "javascript://exam.example.com/%0aalert(1)",
    "https://*.example.com",
    "https://ex_am.example.com",
    "https://example.edu:8443",
    "https://a.b.example.edu:8443",
    "https://a.example.edu",
    "https://exam.example.com" + "a" * 400,
]


@pytest.mark.parametrize("header", HOSTILE)
def test_what_is_not_exactly_a_listed_origin_is_refused(header: str) -> None:
    assert not EXACT.admits(header)


@pytest.mark.parametrize("header", ["https://exam.example.com", "http://127.0.0.1:8000", "https://a.example.edu:8443"])
def test_listed_origins_are_admitted(header: str) -> None:
    assert EXACT.admits(header)


def test_a_missing_origin_is_refused() -> None:
    assert not EXACT.admits(None)


@given(st.text(max_size=80))
def test_random_text_is_never_admitted_unless_it_is_the_exact_spelling(text: str) -> None:
    origin = parse_header(text)
    assert origin is None or str(origin) == text


@pytest.mark.parametrize(
    ("entry", "way_out"),
    [
        ("exam.example.edu:8443", "scheme"),
        ("https://exam.example.edu/path", "domain"),
        ("*.com", "two labels"),
        ("https://*.127.0.0.1", "two labels"),
        ("https://a.*.example.edu", "domain"),
        ("münchen.example", "xn--"),
        ("https://exam.example.edu:70000", "range"),
        (7, "not text"),
    ],
)
def test_bad_whitelist_entries_are_refused_with_a_way_out(entry: object, way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        DomainSet.parse([entry])


def test_host_header_needs_exactly_host_or_host_and_port() -> None:
    assert Origin.from_host_header("http", "Exam.Example.com:8080") == Origin("http", "exam.example.com", 8080)
    for bad in ("exam.example.com:8080, evil", "a@b", "", "exam/..", "exam.example.com:", "[::1", "ex ample"):
        with pytest.raises(ValueError):
            Origin.from_host_header("https", bad)


def test_host_names_are_lower_case_and_plain() -> None:
    assert host_names(["CDN.proview.io"]) == {"cdn.proview.io"}
    with pytest.raises(ValueError, match="host name"):
        host_names(["https://cdn.proview.io"])
