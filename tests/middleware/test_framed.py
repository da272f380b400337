"""Pages of the own origin in the shell's frame: what of their heads is changed, and redirects that leave the origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest

from flask_proview.config import Account
from flask_proview.middleware.identity import Identity
from flask_proview.middleware.mark import IdentityMarks

from .site import PAGE, Site, answering, config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUTE = {"path": "/exam/<path:rest>", "session": "query:a", "mode": "frame"}
FRAMED = {"Sec_Fetch_Dest": "iframe"}


def site(*headers: tuple[str, str], status: str = "200 OK", app: WSGIApplication | None = None) -> Site:
    return Site(
        app or answering(PAGE, *headers, status=status), config(ROUTE, {**ROUTE, "path": "/in/<x>", "mode": "inline"})
    )


@pytest.mark.parametrize("path", ["/login", "/in/1?a=7", "/exam/1?a=7", "/exam/1"])
def test_any_page_of_the_site_may_be_shown_in_our_frame(path: str) -> None:
    served = site(
        ("X-Frame-Options", "DENY"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("Content-Security-Policy", "frame-ancestors https://lms.example"),
    )
    inside = served.get(path, **FRAMED).headers
    assert inside.getlist("X-Frame-Options") == ["SAMEORIGIN"]
    assert "frame-ancestors https://lms.example 'self'" in inside["Content-Security-Policy"]
    assert "Sec-Fetch-Dest" in inside["Vary"]
    for other in ("document", "embed", "empty", "-"):
        outside = served.get("/login", Sec_Fetch_Dest=other).headers
        assert outside.getlist("X-Frame-Options") == ["DENY", "SAMEORIGIN"]
        assert outside["Content-Security-Policy"] == "frame-ancestors https://lms.example"


def test_other_origins_are_never_admitted() -> None:
    served = site(
        ("X-Frame-Options", "DENY"),
        ("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none', script-src 'self'"),
    )
    headers = served.get("/login", **FRAMED).headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'self', script-src 'self'"
    foreign = served.get("/login", base="https://evil.example", **FRAMED).headers
    assert foreign["X-Frame-Options"] == "DENY"


def test_page_without_limits_is_the_very_same() -> None:
    head: list[tuple[str, str]] = [
        ("Content-Type", "text/html"),
        ("Content-Length", "3"),
        ("Content-Security-Policy", "img-src 'self'"),
    ]
    body = [b"abc"]
    seen: list[object] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", head)
        return body

    served = Site(app, config(ROUTE), lint=False).middleware
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/login",
        "HTTP_SEC_FETCH_DEST": "iframe",
        "HTTP_HOST": "exam.example.com",
        "wsgi.url_scheme": "https",
    }
    assert served(environ, lambda status, headers, exc_info=None: seen.append(headers)) is body  # type: ignore[arg-type]
    assert seen[0] is head


def test_nothing_is_there_without_a_route_in_frame_mode() -> None:
    served = Site(answering(PAGE, ("X-Frame-Options", "DENY")), config({**ROUTE, "mode": "inline"}))
    assert served.get("/login", **FRAMED).headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://idp.example/login?a=1&b=2", "https://idp.example/login?a=1&amp;b=2"),
        ("//idp.example/x", "https://idp.example/x"),
        ("\\\\idp.example/x", "https://idp.example/x"),
        ("http://exam.example.com/", "http://exam.example.com/"),
        ("https://exam.example.com:8443/", "https://exam.example.com:8443/"),
        (
            'https://idp.example/"><script>alert(1)</script>',
            "https://idp.example/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/login", "/exam/1?a=7"])
def test_redirect_to_another_origin_sends_the_window_there(path: str, location: str, target: str) -> None:
    head = [("Location", location), ("Set-Cookie", "asked=1"), ("X-Own", "1")]
    served = Site(answering(PAGE, *head, status="302 Found"), config(ROUTE), lint=False)
    answer = served.get(path, **FRAMED)
    assert answer.status == "200 OK"
    assert f'src="/proview/static/sdk/leave.js" data-proview-to="{target}"' in answer.text
    assert answer.headers["Set-Cookie"] == "asked=1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Own" not in answer.headers and "Location" not in answer.headers
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert served.get(path, **{"Sec_Fetch_Dest": "empty"}).status == "302 Found"


@pytest.mark.parametrize(
    "location",
    [
        "/exam/2", "two?x=1", "https://exam.example.com/x", "https://EXAM.example.com:443/x", "?x", "", "mailto:a@b.example", "javascript:alert(1)",
        "https://user@idp.example/", "https://", "https://idp.example/\x7f", "https://idp.example/é", "x" * 20000, "data:text/html,x",
    ],
)  # fmt: skip
def test_other_redirects_are_the_browsers_business(location: str) -> None:
    served = Site(answering(b"", ("Location", location), status="302 Found"), config(ROUTE), lint=False)
    answer = served.get("/login", **FRAMED)
    assert (answer.status, answer.headers["Location"]) == ("302 Found", location)


@pytest.mark.parametrize(("status", "method", "left"), [("307", "GET", True), ("308", "GET", True), ("307", "POST", False), ("303", "POST", True), ("300", "GET", False), ("201", "POST", False)])  # fmt: skip
def test_redirects_that_repeat_a_body_are_left_alone(status: str, method: str, left: bool) -> None:
    served = site(("Location", "https://idp.example/"), status=f"{status} Moved")
    assert (served.get("/login", method=method, **FRAMED).status == "200 OK") is left


def test_body_of_a_lazy_application_is_dropped_and_closed() -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter((b"moved", b"away"))

        def close(self) -> None:
            closed.append(True)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def chunks() -> Iterator[bytes]:
            start_response("302 Found", [("Location", "https://idp.example/"), ("Content-Type", "text/plain")])
            yield b"moved"

        if environ["PATH_INFO"] == "/lazy":
            return chunks()
        start_response("302 Found", [("Location", "https://idp.example/"), ("Content-Type", "text/plain")])(b"written")
        return Body()

    served = site(app=app)
    for path in ("/lazy", "/eager"):
        answer = served.get(path, **FRAMED)
        assert "leave.js" in answer.text and b"moved" not in answer.data and b"written" not in answer.data
        assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert closed == [True]


def marks(*keys: str) -> IdentityMarks:
    return IdentityMarks(config(secrets={"keys": list(keys)}))


def test_mark_tells_persons_and_attempts_apart_and_says_neither() -> None:
    account: Account = config().accounts[0]
    made = marks("k" * 40)
    name, value = made.header(account, Identity("attempt-7", "alice"))
    session, _, profile = value.removeprefix('proview;desc="').rstrip('"').partition(".")
    assert name == "Server-Timing" and len(session) == len(profile) == 16
    assert "alice" not in value and "attempt" not in value
    assert made.header(account, Identity("attempt-7", "alice"))[1] == value
    assert made.header(account, Identity("attempt-7", "bob"))[1].startswith(f'proview;desc="{session}.')
    assert made.header(account, Identity("alice", "attempt-7"))[1] != value
    assert made.header(account, Identity(None, None))[1] == 'proview;desc="."'
    assert marks("z" * 40).header(account, Identity("attempt-7", "alice"))[1] != value, "keyed"


def test_shell_and_page_carry_the_same_mark() -> None:
    served = site()
    shell, page = served.get("/exam/1?a=7"), served.get("/exam/2?a=7", **FRAMED)
    assert b"proview-frame" in shell.data and b"proview-frame" not in page.data
    assert (
        shell.headers["Server-Timing"]
        == page.headers["Server-Timing"]
        != served.get("/exam/2?a=8", **FRAMED).headers["Server-Timing"]
    )
    assert "Server-Timing" not in served.get("/exam/2?a=7", method="POST").headers, "only in frames"


@pytest.mark.parametrize(("cookie", "inline"), [("proview_inline=1", True), ("a=b; proview_inline=1", True), ("xproview_inline=1", False), ("proview_inline=0", False), ("", False)])  # fmt: skip
def test_page_that_no_frame_can_hold_is_answered_itself(cookie: str, inline: bool) -> None:
    answer = site().get("/exam/1?a=7", Cookie=cookie)
    assert (b'data-proview-role="page"' in answer.data) is inline
    assert (b"proview-frame" in answer.data) is not inline
