"""Whose page it is: hosts in every hostile spelling, and forwarded headers only from trusted peers."""

from __future__ import annotations

from typing import Any

import pytest

from flask_proview.middleware.page_origin import PageOrigins
from flask_proview.origins import Origin

from .site import PAGE, Site, answering, config

EXAM = Origin("https", "exam.example.com", 443)

HOSTS = [
    "exam.example.com:80", "exam.example.com:", "exam.example.com:99999", "exam.example.com:80 80", "exam.example.com.", "evilexample.com",
    "exam.example.com.evil.net", "exam.example.com@evil.net", "evil.net\\@exam.example.com", "evil.net#.exam.example.com", "evil.net?exam.example.com",
    "evil.net/exam.example.com", "exam%2eexample.com", "exam.exam\tple.com", "exam.example.com\n", "\u0435xam.example.com", "xn--xam-hdd.example.com",
    "exam\uff0eexample.com", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1", "null", "", "file://", "exam.example.com,evil.net",
    "exam.example.com, exam.example.com", "*.example.com", "exam_1.example.com", "https://exam.example.com", "//exam.example.com", "example.com", "com",
    "a" * 400, "exam.example.com:443:443", "exam.example.com:+443", "-exam.example.com", "xexam.example.com",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_page_on_a_host_that_is_not_exactly_listed_is_refused(host: str) -> None:
    site = Site(answering(), lint=False)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/exam/7/take", "wsgi.url_scheme": "https", "HTTP_HOST": host, "HTTP_SEC_FETCH_DEST": "document",
    }  # fmt: skip
    heads: list[Any] = []
    body = site.middleware(environ, lambda status, headers, exc_info=None: heads.append(headers) or (lambda data: None))  # type: ignore[func-returns-value]
    assert list(body) == [PAGE]
    assert [r.reason for r in site.observer.refusals] == ["domain"]
    assert len(site.observer.refusals[0].host) <= 300


@pytest.mark.parametrize("host", ["exam.example.com", "exam.example.com:443", "EXAM.Example.COM"])
def test_page_on_a_listed_host_is_tagged(host: str) -> None:
    assert b"init.js" in Site(answering()).get(Host=host).data


def test_http_twin_of_a_listed_host_is_refused() -> None:
    site = Site(answering())
    assert site.get(base="http://exam.example.com").data == PAGE


def of(environ: dict[str, str], **server: object) -> Origin | None:
    base = {"wsgi.url_scheme": "http", "HTTP_HOST": "exam.example.com", "REMOTE_ADDR": "10.1.2.3"}
    return PageOrigins(config(server=server)).of({**base, **environ})[0]


FORWARDED = {
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "exam.example.com",
    "HTTP_HOST": "backend:8080",
}


@pytest.mark.parametrize(
    ("peer", "trusted", "believed"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("10.1.2.3", [], False),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("fe80::1%eth0", ["10.0.0.0/8"], False),
        ("", ["10.0.0.0/8"], False),
        ("unix:", ["10.0.0.0/8"], False),
    ],
)
def test_forwarded_headers_count_only_from_trusted_peers(peer: str, trusted: list[str], believed: bool) -> None:
    assert of({**FORWARDED, "REMOTE_ADDR": peer}, trusted_proxies=trusted) == (
        EXAM if believed else Origin("http", "backend", 8080)
    )


def test_last_forwarded_value_is_the_trusted_peers_own() -> None:
    forged = {"HTTP_X_FORWARDED_PROTO": "http, https", "HTTP_X_FORWARDED_HOST": "evil.net, exam.example.com"}
    assert of(forged, trusted_proxies=["10.0.0.0/8"]) == EXAM


def test_forwarded_scheme_that_is_none_is_no_origin() -> None:
    assert of({"HTTP_X_FORWARDED_PROTO": "javascript"}, trusted_proxies=["10.0.0.0/8"]) is None


def test_public_url_decides_when_its_host_is_asked_for() -> None:
    assert of({}, public_url="https://exam.example.com") == EXAM
    assert of({"HTTP_HOST": "exam.example.com:443"}, public_url="https://exam.example.com") == EXAM
    assert of({"HTTP_HOST": "other.example.com"}, public_url="https://exam.example.com") == Origin(
        "http", "other.example.com", 80
    )


def test_request_without_a_host_has_no_origin() -> None:
    assert PageOrigins(config()).of({"wsgi.url_scheme": "https"}) == (None, "")
