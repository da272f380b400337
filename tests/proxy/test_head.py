"""The head parser against bytes nobody planned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_proview.middleware.proxy.errors import BadAnswer
from flask_proview.middleware.proxy.head import Head, parse_head

FRAGMENTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 304",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b"Content-Length: 3",
        b"content-length:4",
        b"Transfer-Encoding: chunked",
        b"Set-Cookie: a=b",
        b"X\xe4: y",
        b"Connection: close",
    ]
)


@given(st.lists(FRAGMENTS | st.binary(max_size=4), max_size=12))
def test_any_head_is_understood_in_one_way_or_refused(parts: list[bytes]) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + b"".join(parts) + b"\r\n\r\n"
    try:
        head = parse_head(data, "GET")
    except BadAnswer:
        return
    lines = data.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert len(head.fields) == len(lines) - 3
    assert not any(c in value for _, value in head.fields for c in "\r\n\0")
    assert not (head.values("content-length") and head.values("transfer-encoding"))
    assert len(set(head.values("content-length"))) <= 1


@pytest.mark.parametrize(
    ("line", "keep_alive"),
    [
        ("HTTP/1.1 200 OK\r\n", True),
        ("HTTP/1.0 200 OK\r\n", False),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", False),
    ],
)
def test_whether_a_connection_is_kept_follows_version_and_connection(line: str, keep_alive: bool) -> None:
    assert parse_head(line.encode() + b"\r\n", "GET").keep_alive is keep_alive


@pytest.mark.parametrize(("method", "code"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_answers_have_no_body_whatever_their_length_says(method: str, code: int) -> None:
    head: Head = parse_head(f"HTTP/1.1 {code} X\r\nContent-Length: 9\r\n\r\n".encode(), method)
    assert (head.length, head.chunked) == (0, False)
