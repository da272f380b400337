"""Rows of the edge-case table (test_edge_table.py) that no other file proves, each through the whole middleware."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import html5lib
import pytest

from flask_proview.errors import ConfigError
from flask_proview.middleware.csp import Site as CspSite
from flask_proview.middleware.csp import admit_in_csp

from .site import PAGE, Site, answering, config, tag_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CSP = "Content-Security-Policy"


@pytest.mark.parametrize(
    "content_type",
    ["TEXT/HTML", "text/html;charset=utf-8", "text/html ; Charset=UTF-8", "\ttext/html\t", "text/html;", "text/html,"],
)
def test_content_type_is_read_as_browsers_read_it(content_type: str) -> None:
    site = Site(answering(content_type=content_type), lint=False)
    assert tag_of(site) in site.get().data


def test_xhtml_is_served_well_formed_with_the_tag_first_in_head() -> None:
    page = (
        b'<?xml version="1.0"?>\n<!-- <head> --><!DOCTYPE html [<!ENTITY a "<head>">]>'
        b'<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>a &amp; b</h:title></h:head><h:body/></h:html>'
    )
    response = Site(answering(page, content_type="application/xhtml+xml")).get()
    assert int(response.headers["Content-Length"]) == len(response.data)
    head = ElementTree.fromstring(response.data)[0]  # noqa: S314
    assert head[0].tag == "{http://www.w3.org/1999/xhtml}script"
    assert head[0].get("src") == "/proview/init.js"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_utf16_page_is_served_in_utf16(codec: str, step: int) -> None:
    text = "\ufeff<!doctype html><html><head><title>Prüfung</title></head><body>ß</body></html>"
    body = text.encode(codec)
    site = Site(answering([body[i : i + step] for i in range(0, len(body), step)], content_type="text/html"))
    response = site.get()
    assert response.data.decode(codec) == text.replace("<head>", "<head>" + tag_of(site).decode())
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_other_encodings_are_untouched_and_still_offered_elsewhere() -> None:
    offered: list[str] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        offered.append(environ["HTTP_ACCEPT_ENCODING"])
        return answering(b"\x8b\x01", ("Content-Encoding", "br"))(environ, start_response)

    site = Site(app)
    elsewhere = site.get("/style.css", Accept_Encoding="br, zstd, deflate")
    assert (elsewhere.data, elsewhere.headers["Content-Encoding"]) == (b"\x8b\x01", "br")
    site.get(Accept_Encoding="br, zstd, deflate, gzip")
    assert offered == ["br, zstd, deflate", "gzip"]


def conditional(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """An application that knows one entity tag and one date."""
    asked = environ.get("HTTP_IF_NONE_MATCH", "")
    if asked == "*" or '"v1"' in asked or "HTTP_IF_MODIFIED_SINCE" in environ:
        start_response("304 Not Modified", [("ETag", 'W/"v1"')])
        return []
    return answering(PAGE, ("ETag", 'W/"v1"'), ("Last-Modified", "Mon, 23 Nov 2026 02:00:00 GMT"))(
        environ, start_response
    )


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("{ours}", 304),
        ('"other", {ours}', 304),
        ('W/"other",{ours} , "third"', 304),
        ("*", 200),
        ('"v1"', 200),
        ('W/"v1", "v1"', 200),
        ("garbage", 200),
        ("", 200),
    ],
)
def test_only_copies_with_our_tag_are_revalidated(asked: str, status: int) -> None:
    site = Site(conditional)
    ours = site.get().headers["ETag"]
    assert ours.startswith("W/")
    response = site.get(
        If_None_Match=asked.format(ours=ours), If_Modified_Since="Mon, 23 Nov 2026 02:00:00 GMT", Range="bytes=0-3"
    )
    assert response.status_code == status
    assert (tag_of(site) in response.data) is (status == 200)


@pytest.mark.parametrize("status", ["204 No Content", "205 Reset Content", "304 Not Modified"])
def test_answers_without_a_body_keep_none(status: str) -> None:
    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [("X-Kept", "1")])
        return []

    response = Site(app, lint=False).get()
    assert (response.data, response.headers["X-Kept"]) == (b"", "1")
    assert "X-Proview-Injected" not in response.headers


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 T", "308 P", "300 M"])
def test_redirect_with_a_body_passes(status: str) -> None:
    response = Site(answering(PAGE, ("Location", "https://exam.example.com/x"), status=status)).get()
    assert response.data == PAGE


@pytest.mark.parametrize(
    "status", ["201 Created", "400 Bad Request", "403 Forbidden", "410 Gone", "422 Unprocessable", "503 Down"]
)
def test_page_that_tells_of_an_error_is_tagged(status: str) -> None:
    site = Site(answering(status=status))
    assert tag_of(site) in site.get().data


def head_of(tree: ElementTree.Element) -> ElementTree.Element:
    head = tree.find("head")
    assert head is not None
    return head


@pytest.mark.parametrize("opening", ["<textarea>", "<template>", "<noscript>", "<title>", "<a title='", "<script>'"])
def test_head_inside_other_things_is_not_the_head(opening: str) -> None:
    """The page's own tree stays as it was; the tag is the first thing in the one real head."""
    for before in ("", "<!doctype html><html>", "<!doctype html>" + opening + "<head></head>--></title>"):
        page = f"{before}{opening}<head><p>x</head>".encode()
        site = Site(answering(page), lint=False)
        served = site.get().data
        tree = html5lib.parse(served, namespaceHTMLElements=False)
        head = head_of(tree)
        script = head[0]
        assert (script.tag, script.get("src")) == ("script", "/proview/init.js")
        head.remove(script)
        before_us = html5lib.parse(page, namespaceHTMLElements=False)
        assert html5lib.serialize(tree) == html5lib.serialize(before_us)


@pytest.mark.parametrize("coding", ["plain", "gzip"])
def test_tag_is_found_before_seventy_kilobytes_of_style(coding: str) -> None:
    page = b"<!doctype html><html><head><style>" + b"a{b:c}" * 12_000 + b"</style></head><body>x</body></html>"
    late = b"<!--" + b" " * 60_000 + b"--><html><head><title>x</title>"
    for body in (page, late):
        packed = gzip.compress(body) if coding == "gzip" else body
        site = Site(answering(packed, *([("Content-Encoding", "gzip")] if coding == "gzip" else [])))
        response = site.get(Accept_Encoding="gzip")
        served = gzip.decompress(response.data) if coding == "gzip" else response.data
        assert served.count(tag_of(site)) == 1
        assert head_of(html5lib.parse(served, namespaceHTMLElements=False))[0].get("src") == "/proview/init.js"


@pytest.mark.parametrize(
    "value",
    ["Attachment", 'attachment;filename="a.html"', " attachment ; filename*=UTF-8''a", "x-download; filename=a"],
)
def test_download_is_not_a_page(value: str) -> None:
    assert Site(answering(PAGE, ("Content-Disposition", value)), lint=False).get().data == PAGE


def test_page_with_a_tag_of_its_own_gets_ours_once() -> None:
    """The loader runs any number of times: tests/sdk/test_sessions_in_the_page.py."""
    page = b'<html><head><script async src="/proview/init.js"></script></head></html>'
    site = Site(answering(page))
    assert site.get().data.count(tag_of(site)) == 1


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/x-mixed-replace; boundary=x", b"--x\r\nContent-Type: text/html\r\n\r\n<html><head>"),
        ("text/event-stream", b"data: <html><head>\n\n"),
        ("multipart/byteranges; boundary=x", b"--x\r\nContent-Type: text/html\r\n\r\n<head>"),
        ("message/rfc822", b"Content-Type: text/html\r\n\r\n<html>"),
    ],
)
def test_streams_that_contain_html_are_not_pages(content_type: str, body: bytes) -> None:
    assert Site(answering(body, content_type=content_type)).get().data == body


@pytest.mark.parametrize("title", ['a"b;<script>alert(1)</script>', "a, b=c", "ü" * 200])
def test_hostile_title_of_a_route_reaches_no_header_and_no_markup(title: str) -> None:
    route = {"path": "/exam/<attempt>/take", "session": "path:attempt", "mode": "frame", "title": title}
    site = Site(answering(), config(route), lint=False)
    shell = site.get()
    for name, value in shell.headers:
        assert value.isprintable() and name.lower() != "x", (name, value)
    assert shell.headers.getlist("Set-Cookie")[0].startswith("proview_launch_")
    assert len(shell.headers.getlist("Set-Cookie")) == 1
    assert b"<script>alert" not in shell.data


@pytest.mark.parametrize("key", ["title", "name", "preview_style"])
@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "\x00"])
def test_line_breaks_in_a_routes_settings_are_refused_at_the_start(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=key):
        config({"path": "/exam/<attempt>/take", "session": "path:attempt", key: value})


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "name",
    ["Content-Type", "Cache-Control", "Vary", "ETag", "Content-Disposition", "X-Anything", CSP, "Permissions-Policy"],
)
def test_header_of_ten_megabytes_neither_breaks_nor_stalls(name: str) -> None:
    value = {"Content-Type": "text/html; a=", "Content-Disposition": "inline; a="}.get(name, "") + "a ,;" * 2_500_000
    site = Site(
        answering(PAGE, (name, value), content_type=None if name == "Content-Type" else "text/html"), lint=False
    )
    response = site.get()
    assert response.status_code == 200
    assert tag_of(site) in response.data


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "policy",
    [
        "script-src 'none';" * 3_500,
        ";" * 65_000 + "script-src 'none'",
        ", ".join(["script-src 'none'"] * 3_400),
        "script-src " + "'nonce-a' " * 6_500,
        "script-src " + " ".join(f"https://h{n}.example" for n in range(2_500)),
        "; ".join(f"x{n} y" for n in range(6_000)) + "; default-src 'none'",
        "a," * 32_700,
    ],
    ids=[
        "one directive often",
        "nothing",
        "many policies",
        "many nonces",
        "many hosts",
        "unknown directives",
        "commas",
    ],
)
def test_thousands_of_directives_are_read_and_longer_headers_left_alone(policy: str) -> None:
    assert len(policy) < 65_536
    site = CspSite("https://exam.example.com", "/proview")
    for repeated in (1, 200):
        headers = [(CSP, policy)] * repeated
        changed, nonce = admit_in_csp(headers, site, lambda: "NEW")
        if repeated > 1:
            assert (changed, nonce) == (headers, None)
        else:
            assert len(changed[0][1]) < 4 * len(policy)
            assert nonce == ("a" if "nonce-a" in policy else "NEW" if "-src" in policy else None)


@pytest.mark.parametrize(
    "name", ["Clear-Site-Data", "Strict-Transport-Security", "Service-Worker-Allowed", "Set-Cookie"]
)
def test_headers_that_are_the_applications_business_stay(name: str) -> None:
    value = {"Set-Cookie": "a=1; Domain=.example.com"}.get(name, '"cache"')
    assert value in Site(answering(PAGE, (name, value))).get().headers.getlist(name)


def test_launch_cookie_is_set_behind_the_applications_own() -> None:
    cookies = Site(answering(PAGE, ("Set-Cookie", "sid=1"), ("Set-Cookie", "b=2"))).get().headers.getlist("Set-Cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["sid", "b", "proview_launch_r0"]


def test_cookies_of_any_size_reach_the_application() -> None:
    seen: list[str] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(environ["HTTP_COOKIE"])
        return answering()(environ, start_response)

    site = Site(app)
    cookie = "; ".join(f"c{n}={'v' * 100}" for n in range(200))
    assert tag_of(site) in site.get(Cookie=cookie).data
    assert seen == [cookie]
