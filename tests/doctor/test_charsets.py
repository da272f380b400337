from __future__ import annotations

import pytest

from flask_proview.doctor.charsets import read_text


def odd(body: bytes, header: str, whole: bool = True) -> set[str]:
    return {code for code, _ in read_text(body, header, whole=whole).oddities}


@pytest.mark.parametrize(
    ("body", "header", "text"),
    [
        ("ä".encode(), "utf-8", "ä"),
        ("ä".encode("latin-1"), "iso-8859-1", "ä"),
        (b"\x93", "us-ascii", "“"),
        ("\ufeffä".encode(), "", "ä"),
        ("\ufeffä".encode("utf-16-le"), "utf-8", "ä"),
        ("ä".encode("utf-16-be"), "utf-16be", "ä"),
        (b'<meta charset="utf-8">' + "ä".encode(), "", '<meta charset="utf-8">ä'),
        ("я".encode("koi8-r"), "koi8-r", "я"),
        ("日".encode("shift_jis"), "shift_jis", "日"),
    ],
)
def test_pages_are_read_as_browsers_read_them(body: bytes, header: str, text: str) -> None:
    assert read_text(body, header, whole=True).text == text


def test_header_and_meta_that_differ_are_a_conflict() -> None:
    assert odd(b'<meta charset="windows-1251">', "utf-8") == {"charset_conflict"}
    assert odd(b'<meta charset="utf-8">', "UTF-8".lower()) == set()
    assert odd(b'<meta charset="latin1">', "windows-1252") == set()


def test_mark_and_header_that_differ_are_a_conflict() -> None:
    assert odd(b"\xef\xbb\xbfx", "iso-8859-1") == {"charset_conflict"}
    assert odd(b"\xef\xbb\xbfx", "utf-8") == set()


def test_a_page_without_any_charset_is_told_only_when_it_matters() -> None:
    assert odd(b"caf\xe9", "") == {"charset_missing"}
    assert odd(b"cafe", "") == set()


def test_bytes_that_do_not_decode_are_named_with_their_place() -> None:
    reading = read_text(b"ab\xffc", "utf-8", whole=True)
    assert reading.oddities == (("charset_undecodable", "byte 0xff at offset 2 is not utf-8"),)
    assert reading.text == "ab\ufffdc"


def test_a_cut_page_may_end_in_half_a_character() -> None:
    assert odd("aä".encode()[:-1], "utf-8", whole=False) == set()
    assert odd("aä".encode()[:-1], "utf-8", whole=True) == {"charset_undecodable"}


@pytest.mark.parametrize(
    "name", ["base64", "rot13", "idna", "punycode", "unicode_escape", "x\x00y", "no-such", "mbcs", "undefined", "zlib"]
)
def test_names_that_are_no_charset_of_pages_are_unknown(name: str) -> None:
    assert odd(b"abc", name) == {"charset_unknown"}


def test_utf16_is_told() -> None:
    assert odd("\ufeffx".encode("utf-16-le"), "") == {"charset_utf16"}
    assert odd(b"x", "utf-8") == set()
