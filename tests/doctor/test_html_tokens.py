from __future__ import annotations

import random

import html5lib
import pytest
from html5lib.treewalkers import getTreeWalker

from flask_proview.doctor.html_tokens import Declaration, End, Tag, Text, tokens

HOSTILE = [
    "<a " * 300_000, "<!--" * 300_000, "<a b='" * 200_000, "<![CDATA[" * 100_000, "</a " * 300_000, "<a" + " b" * 400_000,
    "<a" + " ==" * 400_000, "<script></" * 100_000, "<script></scriptx>" * 60_000, "<" * 500_000, "<title>" * 150_000,
    "<a" + " " * 1_000_000, "<a b" + " " * 1_000_000, "<a x=\"'>" * 100_000, "<!-->" * 150_000, "<div>" * 200_000,
]  # fmt: skip


def tags(page: str) -> list[Tag]:
    return [token for token in tokens(page) if isinstance(token, Tag)]


def test_a_page_in_tokens() -> None:
    found = list(tokens("<!DOCTYPE html><p Class=a b='c' d>x<br/></p>"))
    assert found == [
        Declaration("!DOCTYPE html"),
        Tag("p", {"class": "a", "b": "c", "d": ""}, 1, "", 0),
        Text("x"),
        Tag("br", {}, 1, "", 0),
        End("p"),
    ]


def test_text_of_scripts_and_titles_is_not_markup() -> None:
    found = tags("<title><b>x</b></title>\n<script>if (a<b) '<p>'\n</script ><p>")
    assert [(t.name, t.text, t.line) for t in found] == [
        ("title", "<b>x</b>", 1),
        ("script", "if (a<b) '<p>'\n", 2),
        ("p", "", 3),
    ]


def test_comments_are_skipped() -> None:
    assert [t.name for t in tags("<!-- <a> --><b><!--><c><!---><d><!-- x --!><e><!-- never closed <f>")] == [
        "b",
        "c",
        "d",
        "e",
    ]


def test_the_first_of_two_attributes_counts_and_references_are_decoded() -> None:
    assert tags('<a href="?a=1&amp;b=2" HREF=x>')[0].attributes == {"href": "?a=1&b=2"}


def test_lines_are_counted() -> None:
    assert [(t.name, t.line, t.text_line) for t in tags("<a>\n\n<b\n><script\n>\nx</script><i>")] == [
        ("a", 1, 0), ("b", 3, 0), ("script", 4, 5), ("i", 6, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("page", HOSTILE, ids=lambda page: page[:8])
def test_hostile_pages_cost_no_more_than_their_length(page: str) -> None:
    """The standard library's parser takes minutes for the first of these: the suite's time limit is the assertion."""
    for token in tokens(page):
        assert token


def test_tags_agree_with_a_full_parser_on_made_pages() -> None:
    rng = random.Random(7)  # noqa: S311
    names = ["p", "b", "div", "span", "em"]
    values = ["", "=x", "='y z'", '="&lt;q"', " = w"]
    for _ in range(300):
        body = "".join(
            rng.choice(
                ["text ", "<!-- <i> -->", "a &amp; b", f"<{rng.choice(names)} {rng.choice('ghk')}{rng.choice(values)}>"]
            )
            for _ in range(rng.randrange(1, 15))
        )
        page = f"<!doctype html><html><head></head><body>{body}"
        walker = getTreeWalker("etree")(html5lib.parse(page))
        oracle = sorted(
            (t["name"], sorted((k[1], v) for k, v in t["data"].items()))
            for t in walker
            if t["type"] == "StartTag" and t["name"] in names
        )
        # A parser opens formatting elements again and again; each tag of ours must be among its.
        for tag in tags(page):
            if tag.name in names:
                assert (tag.name, sorted(tag.attributes.items())) in oracle, page
