from __future__ import annotations

import pytest

from flask_proview.doctor.cookies import MAX_COOKIES, CookieJar


def jar(*lines: str, target: str = "/a/b") -> CookieJar:
    found = CookieJar()
    for line in lines:
        found.read(line, target)
    return found


@pytest.mark.parametrize(
    ("line", "target", "sent"),
    [
        ("a=1", "/a/c", "a=1"),
        ("a=1", "/other", ""),
        ("a=1; Path=/", "/other", "a=1"),
        ("a=1; Path=/exam", "/example", ""),
        ("a=1; Path=/exam", "/exam/x?y", "a=1"),
        ("a=1; Path=/; Secure; HttpOnly; SameSite=Strict; Domain=.x", "/", "a=1"),
        ("a=1=2; Path=/", "/", "a=1=2"),
        ("a; Path=/", "/", ""),
        ("=1; Path=/", "/", ""),
        ("a=1\x00; Path=/", "/", ""),
        ("a=1; Path=/; Max-Age=0", "/", ""),
        ("a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/", ""),
        ("a=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/", "a=1"),
        ("a=1; Path=/; Expires=nonsense; Max-Age=nonsense", "/", "a=1"),
    ],
)
def test_a_cookie_is_sent_where_it_belongs(line: str, target: str, sent: str) -> None:
    assert jar(line).header(target) == sent


def test_a_later_cookie_replaces_or_removes_an_earlier_one() -> None:
    assert jar("a=1; Path=/", "a=2; Path=/").header("/") == "a=2"
    assert jar("a=1; Path=/", "a=; Path=/; Max-Age=0").header("/") == ""


def test_the_most_specific_path_comes_first() -> None:
    assert jar("a=1; Path=/", "a=2; Path=/x").header("/x") == "a=2; a=1"


def test_a_hostile_site_cannot_fill_the_jar() -> None:
    found = jar(*(f"c{n}=1; Path=/" for n in range(1000)), "big=" + "x" * 5000 + "; Path=/")
    assert found.header("/").count("=") == MAX_COOKIES
