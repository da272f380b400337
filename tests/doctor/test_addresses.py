from __future__ import annotations

import pytest

from flask_proview.doctor.addresses import Place, follow, is_destructive, read_address, same_page, shape
from flask_proview.origins import Origin

BASE = "https://exam.example.edu/a/b?x=1"
HERE = Origin("https", "exam.example.edu", 443)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("c", "/a/c"),
        ("/c?d=e#f", "/c?d=e"),
        ("?y=2", "/a/b?y=2"),
        ("../../../c", "/c"),
        ("\\c\\d", "/c/d"),
        ("//exam.example.edu:443/c", "/c"),
        ("HTTPS://EXAM.example.edu/c", "/c"),
        (" /c\n/d ", "/c/d"),
        ("/ä ö", "/%C3%A4%20%C3%B6"),
        ("/c?q=\x00ü", "/c?q=%00%C3%BC"),
    ],
)
def test_links_lead_where_browsers_go(link: str, target: str) -> None:
    assert follow(BASE, link) == Place(HERE, target)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "#top",
        "javascript:x()",
        "mailto:a@b",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://h/",
        "https://u:p@exam.example.edu/",
        "http://[::1",
        "http://h:99999/",
        "/" + "a" * 3000,
    ],
)
def test_what_is_no_page_is_not_followed(link: str) -> None:
    assert follow(BASE, link) is None


@pytest.mark.parametrize(
    "link",
    [
        "/\\evil.example/x",
        "//evil.example",
        "\\\\evil.example\\x",
        "http://exam.example.edu/",
        "https://exam.example.edu:8443/",
        "https://exam.example.edu.evil.net/",
    ],
)
def test_another_origin_is_seen_as_one(link: str) -> None:
    place = follow(BASE, link)
    assert place is None or place.origin != HERE


@pytest.mark.parametrize("text", ["exam.example.edu", "https://", "file:///x", "https://a@b/", "https://exa mple/"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert read_address(text) is None


def test_an_address_without_path_means_its_root() -> None:
    assert read_address("https://exam.example.edu") == Place(HERE, "/")


def test_session_ids_in_addresses_do_not_make_another_page() -> None:
    assert same_page("/a.jsp;jsessionid=F00?x=1&PHPSESSID=2&b=3") == same_page("/a.jsp?b=3&x=1")
    assert same_page("/a?x=1") != same_page("/a?x=2")


def test_pages_that_differ_in_numbers_and_ids_have_one_shape() -> None:
    assert shape("/exam/7/q/12?page=3") == shape("/exam/8/q/1?page=9")
    assert shape("/a/0a3797f4bebc8d146112ffaae8d4af52") == shape("/a/99b7b7f4bebc8d146112ffaae8d4af53")
    assert shape("/exam/7") != shape("/exams/7")
    assert shape("/a?x=1") != shape("/a?y=1")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/logout", ""),
        ("/user/log-out", ""),
        ("/x?action=delete", ""),
        ("/deleteUser.jsp", ""),
        ("/x", "Sign out"),
        ("/exam/7/finish", ""),
        ("/x", "Abmelden"),
        ("/RemoveItem", ""),
    ],
)
def test_links_that_change_something_are_recognised(target: str, text: str) -> None:
    assert is_destructive(target, text)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/login", "Log in"),
        ("/exam/7/done", ""),
        ("/dropdown-help", "Help"),
        ("/blog/outline", ""),
        ("/presets", "Undeleted"),
    ],
)
def test_harmless_links_are_not(target: str, text: str) -> None:
    assert not is_destructive(target, text)
