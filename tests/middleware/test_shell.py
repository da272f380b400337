"""Frame mode: who gets the shell, what is in it, and the page inside it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from flask_proview.middleware.shell import requested_target
from flask_proview.tokens import Kind

from .site import PAGE, SIGNER, Site, answering, config

ROUTE = {
    "path": "/exam/<path:rest>",
    "session": "query:a",
    "mode": "frame",
    "title": 'Physics <"&II">',
    "stop_paths": ["/exam/done"],
}


def site(*headers: tuple[str, str], **changes: object) -> Site:
    return Site(answering(PAGE, *headers), config({**ROUTE, **changes}))


class Elements(HTMLParser):
    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, dict(attrs))


def test_navigation_gets_the_shell_without_asking_the_application() -> None:
    asked: list[str] = []
    served = Site(lambda environ, start_response: asked.append("x") or [], config(ROUTE), lint=False)  # type: ignore[func-returns-value]
    response = served.get("/exam/q/1?a=7&b=%22%3E")
    assert asked == []
    elements = Elements(response.data).found
    assert elements["iframe"]["data-proview-src"] == "/exam/q/1?a=7&b=%22%3E"
    assert elements["iframe"]["title"] == 'Physics <"&II">'
    assert "src" not in elements["iframe"]
    assert "camera" in str(elements["iframe"]["allow"])
    assert elements["script"] == {
        "src": "/proview/init.js", "data-proview-route": "r0", "data-proview-role": "shell", "data-proview-start": "auto", "data-proview-cover": "1",
    }  # fmt: skip
    assert elements["a"]["href"] == "/exam/q/1?a=7&b=%22%3E"


def test_shell_has_strict_headers_and_the_launch_cookie() -> None:
    response = site().get("/exam/q/1?a=7")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Sec-Fetch-Dest"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy and "connect-src 'self' wss://exam.example.com" in policy
    assert "camera=(self)" in response.headers["Permissions-Policy"]
    token = response.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert SIGNER.read(Kind.LAUNCH, token)["session"] == "7"


def test_shell_of_a_page_that_starts_itself_waits_for_it() -> None:
    script = Elements(site(start="page").get("/exam/q/1").data).found["script"]
    assert (script["data-proview-role"], script["data-proview-start"], script["data-proview-cover"]) == (
        "shell",
        "page",
        "0",
    )


INLINE = {
    "in a frame": {"Sec_Fetch_Dest": "iframe"},
    "old browser": {"Sec_Fetch_Dest": "-", "Sec_Fetch_Mode": "-", "Accept": "text/html"},
    "posted": {"method": "POST"},
    "not a navigation": {"Sec_Fetch_Mode": "no-cors"},
}


@pytest.mark.parametrize("name", INLINE)
def test_page_itself_is_answered_and_tagged(name: str) -> None:
    response = site().get("/exam/q/1?a=7", **INLINE[name])
    assert b'data-proview-role="page"' in response.data
    assert b"Question" in response.data


def test_stop_page_is_never_wrapped() -> None:
    assert b'data-proview-role="stop"' in site().get("/exam/done?a=7").data


def test_page_whose_id_only_the_answer_tells_is_tagged_inline() -> None:
    response = site(("X-Attempt", "9"), session="response-header:X-Attempt").get("/exam/q/1")
    assert b'data-proview-role="page"' in response.data


def test_page_without_an_id_gets_no_shell() -> None:
    served = site()
    assert served.get("/exam/q/1").data == PAGE
    assert [r.reason for r in served.observer.refusals] == ["identity"]


def test_page_on_a_foreign_domain_gets_no_shell() -> None:
    assert site().get("/exam/q/1?a=7", base="https://evil.example").data == PAGE


@pytest.mark.parametrize(
    ("options", "framed"),
    [
        ("DENY", ["SAMEORIGIN"]),
        ("sameorigin", ["SAMEORIGIN"]),
        ("ALLOW-FROM https://x.example", []),
        ("nonsense", ["SAMEORIGIN"]),
    ],
)
def test_page_may_be_shown_in_our_frame(options: str, framed: list[str]) -> None:
    served = site(("X-Frame-Options", options), ("Content-Security-Policy", "frame-ancestors 'none'"))
    inside = served.get("/exam/q/1?a=7", Sec_Fetch_Dest="iframe")
    assert inside.headers.getlist("X-Frame-Options") == framed
    assert inside.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    outside = served.get("/exam/q/1?a=7", method="POST")
    assert outside.headers["X-Frame-Options"] == options
    assert outside.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PATH_INFO": "/a b/\xc3\xa9", "QUERY_STRING": "x=1"}, "/a%20b/%C3%A9?x=1"),
        ({"PATH_INFO": "/a/b", "REQUEST_URI": "/a%2Fb"}, "/a%2Fb"),
        ({"PATH_INFO": "/a", "RAW_URI": "/%61?", "QUERY_STRING": ""}, "/%61"),
        ({"PATH_INFO": "/a", "REQUEST_URI": "/other"}, "/a"),
        ({"PATH_INFO": "/a", "REQUEST_URI": "http://evil.net/a"}, "/a"),
        ({"PATH_INFO": "//evil.net/x"}, "/.//evil.net/x"),
        ({"PATH_INFO": "//evil.net/x", "REQUEST_URI": "//evil.net/x"}, "/.//evil.net/x"),
        ({"PATH_INFO": "/\\evil.net", "REQUEST_URI": "/\\evil.net"}, "/%5Cevil.net"),
        ({"PATH_INFO": "/a?b#c"}, "/a%3Fb%23c"),
        ({"PATH_INFO": "/a", "QUERY_STRING": 'x="><script>\x01'}, '/a?x="><script>%01'),
        ({"PATH_INFO": "/a", "SCRIPT_NAME": "/app"}, "/app/a"),
    ],
)
def test_target_stays_on_this_origin(environ: dict[str, str], expected: str) -> None:
    assert requested_target(environ) == expected


def test_target_is_escaped_in_the_page() -> None:
    response = site().get("/exam/q?a=7&x='\"><script>alert(1)</script>")
    assert b"<script>alert" not in response.data
