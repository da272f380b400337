"""The middleware as a whole: which answers are changed, and that everything else is the application's own."""

from __future__ import annotations

import gzip
import random
import urllib.parse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import EnvironBuilder

from flask_proview.middleware import InjectMiddleware, Refusal
from flask_proview.tokens import Kind

from .site import DOCUMENT, PAGE, SIGNER, Recorder, Site, answering, config, tag_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEAD = b"<!doctype html><html><head>"


def changed(site: Site, body: bytes = PAGE) -> bytes:
    return body.replace(HEAD, HEAD + tag_of(site))


def test_page_gets_the_tag_and_everything_else_stays() -> None:
    site = Site(answering(PAGE, ("X-Own", "1"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")))
    response = site.get()
    assert response.data == changed(site)
    assert response.headers["Content-Length"] == str(len(response.data))
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["X-Own"] == "1"
    assert response.headers.getlist("Set-Cookie")[:2] == ["a=b", "c=d"]
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Vary"] == "Sec-Fetch-Dest"
    assert site.observer.refusals == []


def test_tag_is_one_script_with_its_facts_in_attributes() -> None:
    site = Site(
        answering(), config({"path": "/exam/<a>/take", "session": "path:a", "name": "mid-term", "cover": False})
    )
    assert tag_of(site, name="mid-term") == (
        b'<script src="/proview/init.js" data-proview-route="mid-term" data-proview-role="page"'
        b' data-proview-start="auto" data-proview-cover="0"></script>'
    )


def test_launch_cookie_tells_the_service_whose_page_it_is() -> None:
    site = Site(
        answering(),
        config({"path": "/exam/<a>/take", "session": "path:a", "profile": ["cookie:uid", "literal:anonymous"]}),
    )
    cookie = site.get(Cookie="x=1; uid=alice").headers["Set-Cookie"]
    name_value, *attributes = cookie.split("; ")
    name, _, token = name_value.partition("=")
    assert name == "proview_launch_r0"
    assert set(attributes) == {"Path=/proview", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=38880"}
    claims = SIGNER.read(Kind.LAUNCH, token)
    assert {k: claims[k] for k in ("account", "route", "session", "profile", "origin", "session_type", "title")} == {
        "account": "college", "route": "r0", "session": "7", "profile": "alice", "origin": "https://exam.example.com",
        "session_type": "ai_proctor", "title": "Mid-term",
    }  # fmt: skip


def test_cookie_of_a_plain_http_page_is_not_secure() -> None:
    site = Site(answering(), config(domains=["http://localhost:8000"]))
    assert "Secure" not in site.get(base="http://localhost:8000").headers["Set-Cookie"]


UNTOUCHED: dict[str, tuple[WSGIApplication, dict[str, str]]] = {
    "other path": (answering(), {"path": "/home"}),
    "under the mount": (answering(), {"path": "/proview/console"}),
    "json": (answering(b'{"a":1}', content_type="application/json"), {}),
    "plain text": (answering(b"<head>", content_type="text/plain"), {}),
    "html-like type": (answering(content_type="text/html-sandboxed"), {}),
    "attachment": (answering(PAGE, ("Content-Disposition", 'ATTACHMENT; filename="a.html"')), {}),
    "unknown disposition": (answering(PAGE, ("Content-Disposition", "save; filename=a")), {}),
    "206": (answering(PAGE[:20], ("Content-Range", "bytes 0-19/88"), status="206 Partial Content"), {}),
    "redirect": (answering(PAGE, ("Location", "/x"), status="302 Found"), {}),
    "401 handshake": (answering(PAGE, ("WWW-Authenticate", "Negotiate"), status="401 Unauthorized"), {}),
    "407": (answering(status="407 Proxy Authentication Required"), {}),
    "empty": (answering(b""), {}),
    "fetch": (answering(), {"Sec_Fetch_Dest": "empty"}),
    "image": (answering(), {"Sec_Fetch_Dest": "image"}),
    "ajax": (answering(), {"Sec_Fetch_Dest": "-", "X_Requested_With": "XMLHttpRequest", "Accept": "text/html"}),
    "json asked for": (answering(), {"Sec_Fetch_Dest": "-", "Accept": "application/json"}),
    "PUT": (answering(), {"method": "PUT"}),
    "injected by another of us": (answering(PAGE, ("X-Proview-Injected", "r9")), {}),
    "websocket": (answering(), {"Upgrade": "websocket", "Sec_Fetch_Dest": "-"}),
    "file sent by the front server": (answering(PAGE, ("X-Accel-Redirect", "/internal/exam.html")), {}),
    "br": (answering(PAGE, ("Content-Encoding", "br")), {}),
    "two encodings": (answering(PAGE, ("Content-Encoding", "gzip"), ("Content-Encoding", "br")), {}),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_answer_that_is_no_page_is_the_very_same(name: str) -> None:
    app, request = UNTOUCHED[name]
    returned: list[Iterable[bytes]] = []
    heads: list[list[tuple[str, str]]] = []

    def keeping(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        returned.append(app(environ, start_response))
        return returned[0]

    site = Site(keeping, lint=False)

    def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        heads.append(headers)
        return lambda data: None

    environ = environ_of(**request)
    assert site.middleware(environ, started) is returned[0]
    plain: list[list[tuple[str, str]]] = []
    app(environ, lambda status, headers, exc_info=None: plain.append(headers) or (lambda data: None))  # type: ignore[func-returns-value]
    assert heads == plain


def environ_of(path: str = "/exam/7/take", method: str = "GET", **headers: str) -> WSGIEnvironment:
    sent = {**DOCUMENT, **{name.replace("_", "-"): value for name, value in headers.items()}}
    kept = [(k, v) for k, v in sent.items() if v != "-"]
    builder = EnvironBuilder(path, method=method, base_url="https://exam.example.com", headers=kept)
    try:
        return builder.get_environ()
    finally:
        builder.close()


INJECTED: dict[str, tuple[WSGIApplication, dict[str, str]]] = {
    "upper case type": (answering(content_type="Text/HTML"), {}),
    "space before semicolon": (answering(content_type="text/html ; charset=utf-8"), {}),
    "404": (answering(status="404 Not Found"), {}),
    "500": (answering(status="500 Internal Server Error"), {}),
    "401 login page": (answering(status="401 Unauthorized"), {}),
    "unsized": (answering(sized=False), {}),
    "inline disposition": (answering(PAGE, ("Content-Disposition", "inline; filename=x")), {}),
    "bare filename": (answering(PAGE, ("Content-Disposition", "filename=x")), {}),
    "identity encoding": (answering(PAGE, ("Content-Encoding", "identity")), {}),
    "no type, a document": (answering(content_type=None), {}),
    "iframe": (answering(), {"Sec_Fetch_Dest": "iframe"}),
    "old browser": (answering(), {"Sec_Fetch_Dest": "-", "Accept": "text/html,*/*"}),
    "no accept": (answering(), {"Sec_Fetch_Dest": "-"}),
    "curl": (answering(), {"Sec_Fetch_Dest": "-", "Accept": "*/*"}),
    "prefetch": (answering(), {"Sec_Fetch_Dest": "empty", "Sec_Purpose": "prefetch"}),
    "POST": (answering(), {"method": "POST"}),
    "one-byte pieces": (answering([PAGE[i : i + 1] for i in range(len(PAGE))]), {}),
    "empty pieces": (answering([b"", PAGE[:5], b"", PAGE[5:], b""]), {}),
}


@pytest.mark.parametrize("name", INJECTED)
def test_page_is_recognised(name: str) -> None:
    app, request = INJECTED[name]
    site = Site(app)
    response = site.get(**request)
    assert response.data == changed(site)
    assert "Content-Length" not in response.headers or response.content_length == len(response.data)


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{"ok":true}', {"Sec_Fetch_Dest": "document"}, True),
        (b'{"ok":true}', {"Sec_Fetch_Dest": "iframe"}, False),
        (b"\n \xef", {"Sec_Fetch_Dest": "iframe"}, False),
        (b" \n<p>part", {"Sec_Fetch_Dest": "iframe"}, True),
        (b"<div>part</div>", {"Sec_Fetch_Dest": "-", "Accept": "*/*"}, False),
        (b"<html><div>", {"Sec_Fetch_Dest": "-", "Accept": "*/*"}, True),
        (b"<div>part</div>", {"Sec_Fetch_Dest": "empty", "Purpose": "prefetch"}, False),
        (b"   ", {"Sec_Fetch_Dest": "iframe"}, False),
    ],
)
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_json_and_fragments_labelled_as_html_stay(
    body: bytes, headers: dict[str, str], expected: bool, coding: str
) -> None:
    sent = gzip.compress(body) if coding else body
    site = Site(answering(sent, *([("Content-Encoding", coding)] if coding else [])))
    response = site.get(Accept_Encoding="gzip", **headers)
    plain = gzip.decompress(response.data) if coding else response.data
    assert (b"/proview/init.js" in plain) is expected
    if not expected:
        assert response.data == sent
        assert "Set-Cookie" not in response.headers


def test_page_is_changed_once_by_two_of_us() -> None:
    inner = Site(answering())
    outer = InjectMiddleware(inner.middleware, config(), signer=SIGNER, observer=Recorder())
    body = b"".join(outer(environ_of(), lambda status, headers, exc_info=None: lambda data: None))
    assert body.count(b"/proview/init.js") == 1


REQUEST_HEADERS = [
    ("Range", "bytes=0-9", None),
    ("If-Range", '"x"', None),
    ("If-Modified-Since", "Mon, 23 Nov 2026 02:00:00 GMT", None),
    ("If-None-Match", '"stored-before"', None),
    ("Accept-Encoding", "gzip, deflate, br, zstd", "gzip"),
    ("Accept-Encoding", "br", "identity"),
    ("Accept-Encoding", "gzip;q=0, br", "identity"),
    ("Accept-Encoding", "*", "gzip"),
]


@pytest.mark.parametrize(("name", "value", "expected"), REQUEST_HEADERS)
def test_request_is_narrowed_on_protected_pages_only(name: str, value: str, expected: str | None) -> None:
    seen: list[str | None] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(environ.get("HTTP_" + name.upper().replace("-", "_")))
        return answering()(environ, start_response)

    site = Site(app)
    site.get(**{name: value})
    site.get("/elsewhere", **{name: value})
    assert seen == [expected, value]


def test_stored_copy_is_revalidated_only_when_it_is_ours() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = [("ETag", '"v1"'), ("Content-Security-Policy", "script-src 'none'")]
        if environ.get("HTTP_IF_NONE_MATCH") == '"v1"':
            start_response("304 Not Modified", headers)
            return []
        return answering(PAGE, *headers, ("Last-Modified", "Mon, 23 Nov 2026 02:00:00 GMT"))(environ, start_response)

    site = Site(app)
    first = site.get()
    assert first.headers["ETag"].startswith('W/"v1;px=')
    assert "Last-Modified" not in first.headers
    assert site.get(If_None_Match='"v1"').status_code == 200
    again = site.get(If_None_Match=first.headers["ETag"])
    assert again.status_code == 304
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "proview_launch_r0=" in again.headers["Set-Cookie"]
    # The stored policy names the stored page's nonce; the application's would shut the tag out.
    assert "Content-Security-Policy" not in again.headers


def test_head_has_no_length_and_no_body() -> None:
    site = Site(answering(PAGE, ("ETag", '"x"')), lint=False)
    response = site.get(method="HEAD")
    assert "Content-Length" not in response.headers
    assert response.headers["ETag"].startswith("W/")
    assert b"init.js" not in response.data


def test_page_of_a_domain_that_is_not_listed_passes_untouched_and_is_reported() -> None:
    site = Site(answering())
    response = site.get(base="https://evilexample.com", Range="bytes=0-5")
    assert response.data == PAGE
    assert "Set-Cookie" not in response.headers
    assert site.observer.refusals == [
        Refusal(
            "r0",
            "college",
            "domain",
            "evilexample.com",
            "/exam/7/take",
            "https://evilexample.com is not among the account's domains",
        )
    ]


def test_page_without_a_session_id_passes_untouched_and_is_reported() -> None:
    site = Site(answering(), config({"path": "/exam", "session": ["query:attempt", "cookie:attempt"]}))
    assert site.get("/exam?attempt=%00").data == PAGE
    assert [r.reason for r in site.observer.refusals] == ["identity"]
    assert b"init.js" in site.get("/exam?attempt=7").data


def test_session_id_may_come_from_the_answer() -> None:
    route = {"path": "/exam", "session": ["response-header:X-Attempt", "environ:app.attempt"]}

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["app.attempt"] = 12
        return answering(PAGE, *([("X-Attempt", "11")] if environ["QUERY_STRING"] else []))(environ, start_response)

    site = Site(app, config(route))
    for target, expected in (("/exam?x", "11"), ("/exam", "12")):
        token = site.get(target).headers["Set-Cookie"].partition("=")[2].partition(";")[0]
        assert SIGNER.read(Kind.LAUNCH, token)["session"] == expected


def test_answer_without_the_promised_id_passes_untouched_and_is_reported() -> None:
    site = Site(answering(), config({"path": "/exam", "session": "response-header:X-Attempt"}))
    assert site.get("/exam").data == PAGE
    assert [r.reason for r in site.observer.refusals] == ["identity"]


def test_ids_too_long_for_a_cookie_are_reported() -> None:
    site = Site(answering(), config({"path": "/exam", "session": "query:s", "profile": "query:p"}))
    rnd = random.Random(1)  # noqa: S311
    text = ["".join(chr(rnd.randrange(0x4E00, 0x9FA5)) for _ in range(256)) for _ in "sp"]
    response = site.get("/exam?s=" + urllib.parse.quote(text[0]) + "&p=" + urllib.parse.quote(text[1]))
    assert response.data == PAGE or len(response.headers["Set-Cookie"]) <= 4096


def test_page_that_starts_itself_needs_no_session_id() -> None:
    site = Site(answering(), config({"path": "/exam", "start": "page"}))
    response = site.get("/exam")
    assert b'data-proview-start="page" data-proview-cover="0"' in response.data


def test_stop_path_gets_its_own_role_and_is_told_once() -> None:
    route = {"path": "/exam/<a>/<page>", "session": "path:a", "profile": "cookie:uid", "stop_paths": ["/exam/<a>/done"]}
    site = Site(answering(), config(route))
    response = site.get("/exam/7/done", Cookie="uid=alice")
    assert b'data-proview-role="stop"' in response.data
    assert [(s.session, s.profile, s.path) for s in site.observer.stops] == [("7", "alice", "/exam/7/done")]


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        ("302 Found", {"method": "POST"}, True),
        ("403 Forbidden", {}, False),
        ("200 OK", {"Sec_Purpose": "prefetch"}, False),
        ("200 OK", {"Sec_Fetch_Dest": "image", "Sec_Fetch_Site": "cross-site"}, False),
        ("200 OK", {"Sec_Fetch_Dest": "empty", "Sec_Fetch_Site": "same-origin", "method": "PUT"}, True),
    ],
)
def test_stop_counts_only_when_the_application_agreed(status: str, headers: dict[str, str], told: bool) -> None:
    site = Site(answering(status=status), config({"path": "/x", "session": "path:a", "stop_paths": ["/exam/<a>/done"]}))
    site.get("/exam/7/done", **headers)
    assert bool(site.observer.stops) is told


def test_fault_of_ours_passes_the_page_untouched_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(answering())

    def broken(*args: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(site.middleware._judge, "_judge", broken)
    for _ in range(3):
        assert site.get().data == PAGE
    assert [r.reason for r in site.observer.refusals] == ["fault"] * 3
    assert len(caplog.records) == 1


def test_fault_before_the_application_is_asked_leaves_the_request_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(answering())
    monkeypatch.setattr(site.middleware._addresses, "of", lambda *args: 1 / 0)
    assert site.get().data == PAGE
    assert site.observer.refusals[0].reason == "fault"


def test_failing_observer_does_not_reach_the_page() -> None:
    class Broken(Recorder):
        def refused(self, refusal: Refusal) -> None:
            raise OSError("full")

    site = Site(answering())
    site.middleware._reports._observer = Broken()
    assert site.get(base="https://other.example").data == PAGE


def test_application_mounted_below_a_path_is_tagged_with_it() -> None:
    site = Site(answering(), lint=False)
    environ = environ_of()
    environ["SCRIPT_NAME"] = "/port al"
    heads: list[Any] = []

    def start_response(
        _status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        heads.append(headers)
        return heads.append

    body = b"".join(site.middleware(environ, start_response))
    assert b'src="/port%20al/proview/init.js"' in body
    assert any("Path=/port%20al/proview;" in value for name, value in heads[0])


def test_no_transform_is_overridden_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(answering(PAGE, ("Cache-Control", "public, no-transform, no-store, max-age=60")))
    assert site.get().headers["Cache-Control"] == "private, no-cache, no-store"
    site.get()
    assert len(caplog.records) == 1
