"""Where session and profile ids come from, and what is no id."""

from __future__ import annotations

import pytest
from werkzeug.test import create_environ

from flask_proview.middleware.identity import PENDING, Exchange, IdentityReader, checked_id


def session(
    *sources: str,
    path: str = "/x",
    response: list[tuple[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    environ: dict[str, object] | None = None,
) -> object:
    request = {**create_environ(path, headers=headers), **(environ or {})}
    return IdentityReader(sources, ()).session(Exchange(request, {"attempt": "7", "empty": ""}, response))


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        ("path:attempt", "/x", "7"),
        ("path:other", "/x", None),
        ("path:empty", "/x", None),
        ("query:a", "/x?a=1", "1"),
        ("query:a", "/x?a=1&a=2", "2"),
        ("query:a", "/x?a=J%C3%BCrg+x", "Jürg x"),
        ("query:a", "/x?b=1", None),
        ("query:a", "/x?a=", None),
        ("query:a", "/x?a=%0d%0aSet-Cookie", None),
        ("query:a", "/x?a=%E2%80%AEevil", None),
        ("query:a", "/x?" + "&".join(["a=1"] * 2000), None),
        ("literal:fixed id", "/x", "fixed id"),
    ],
)
def test_request_line_sources(source: str, path: str, expected: str | None) -> None:
    assert session(source, path=path) == expected


@pytest.mark.parametrize(
    ("source", "headers", "expected"),
    [
        ("cookie:uid", {"Cookie": "a=b; uid=alice; uid=bob"}, "alice"),
        ("cookie:uid", {"Cookie": 'uid="alice"'}, "alice"),
        ("cookie:uid", {"Cookie": "xuid=alice; uid"}, None),
        ("cookie:uid", {"Cookie": ";;;=;uid=a=b"}, "a=b"),
        ("header:X-Remote-User", {"X-Remote-User": "alice"}, "alice"),
        ("header:X-Remote-User", {"X-Remote-User": "Jürg".encode().decode("latin-1")}, "Jürg"),
        ("header:Content-Type", {"Content-Type": "a/b"}, "a/b"),
        ("header:X-Remote-User", {"X-Remote-User": "x" * 257}, None),
    ],
)
def test_header_sources(source: str, headers: dict[str, str], expected: str | None) -> None:
    assert session(source, headers=headers) == expected


def test_sources_are_tried_in_order() -> None:
    assert session("query:a", "cookie:a", "path:attempt") == "7"
    assert session("query:a", "path:attempt", path="/x?a=%00") == "7"


def test_answers_sources_wait_for_the_answer() -> None:
    assert session("response-header:X-Attempt", "path:attempt") is PENDING
    assert session("response-header:X-Attempt", "path:attempt", response=[("x-attempt", "9")]) == "9"
    assert session("response-header:X-Attempt", "path:attempt", response=[]) == "7"
    assert session("path:attempt", "response-header:X-Attempt") == "7"


def test_environ_may_be_set_before_or_by_the_application() -> None:
    assert session("environ:REMOTE_USER", environ={"REMOTE_USER": "alice"}) == "alice"
    assert session("environ:app.id", environ={"app.id": 12}) == "12"
    assert session("environ:app.id") is PENDING
    assert session("environ:app.id", response=[]) is None
    assert session("environ:app.id", response=[], environ={"app.id": object()}) is None


@pytest.mark.parametrize(
    "value", [None, "", "  ", "\0", "a\nb", "a\tb", "a\x7fb", "\u200b", "a\u202eb", "x" * 257, "\ud800"]
)
def test_what_is_no_id(value: str | None) -> None:
    assert checked_id(value) is None


@pytest.mark.parametrize("value", ["7", "x" * 256, "a b", "Jürg", "0b1c2d3e-4f50", "'; drop table--", "<b>"])
def test_what_is_an_id(value: str) -> None:
    assert checked_id(value) == value


def test_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a source"):
        IdentityReader(["body:x"], ())
