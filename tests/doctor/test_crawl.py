"""Where a crawl goes and where it does not, on sites that are friendly, hostile or broken."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from flask_proview.doctor.client import Bounds, Client
from flask_proview.doctor.cookies import CookieJar
from flask_proview.doctor.crawl import Choice, Crawl, Limits
from flask_proview.doctor.crawl_run import CrawlOptions, run_crawl
from flask_proview.errors import ConfigError
from flask_proview.origins import Origin

from .site import Asked, config_for, crawl, page, pages_of, redirect, running

QUICK = Limits(delay_s=0)


def links(*targets: str) -> bytes:
    return page("".join(f"<a href='{target}'>x</a>" for target in targets))


def bounded(url: str, bounds: Bounds, limits: Limits = QUICK) -> Crawl:
    """A crawl with other bounds than an operator can choose."""
    host, _, port = url.removeprefix("http://").partition(":")
    origin = Origin("http", host, int(port))
    return Crawl(config_for(url), Client(origin, bounds), origin, jar=CookieJar(), limits=limits)


def test_pages_are_walked_breadth_first_each_once() -> None:
    answers = {"/": links("/a", "/b", "/"), "/a": links("/c", "/b#x"), "/b": links("/a?"), "/c": links("/")}
    with running(answers) as site:
        report = crawl(site)
        assert site.targets() == ["/", "/a", "/b", "/c"]
    assert [(p.target, p.depth, p.found_on) for p in report.crawl.pages] == [
        ("/", 0, None), ("/a", 1, "/"), ("/b", 1, "/"), ("/c", 2, "/a"),
    ]  # fmt: skip


def test_nothing_but_get_is_sent_and_it_looks_like_a_browser() -> None:
    with running({"/": page("<form method=post action=/save></form><form action=/find><input name=q></form>")}) as site:
        crawl(site)
        assert [(asked.method, asked.target) for asked in site.asked] == [("GET", "/")]
        headers = site.asked[0].headers
        assert headers["accept"].startswith("text/html")
        assert headers["accept-encoding"] == "gzip"
        assert "sec-fetch-dest" not in headers


def test_get_forms_are_sent_when_asked_for() -> None:
    with running(
        {"/": page("<form action='/find?old=1'><input name=q value='a b'><input type=submit name=go></form>")}
    ) as site:
        crawl(site, choice=Choice(forms=True))
        assert site.targets() == ["/", "/find?q=a+b&go="]


def test_the_origin_is_never_left() -> None:
    with running({"*": page()}) as other:
        answers = {
            "/": links(
                f"{other.url}/a", other.url.replace("http:", "") + "/b", "/go", "/\\" + other.url[7:] + "/c", "/frame"
            ),
            "/go": redirect(f"{other.url}/d"),
            "/frame": page(
                f"<base href='{other.url}/'><iframe src=e></iframe><meta http-equiv=refresh content='0;url=f'><script src=g.js></script>"
            ),
        }
        with running(answers) as site:
            report = crawl(site)
        assert other.asked == []
    assert report.crawl.left.counts["elsewhere"] >= 5


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "gopher://h/",
        "http://169.254.169.254/latest",
        "//evil.example",
        "http://[::1",
        "javascript:x()",
        "http://localhost:1/",
    ],
)
def test_redirects_to_elsewhere_are_told_and_not_followed(location: str) -> None:
    with running({"/": redirect(location)}) as site:
        report = crawl(site)
        assert site.targets() == ["/"]
    assert [note.seen for note in report.crawl.pages[0].notes if note.code == "redirect_elsewhere"] == [location]


def test_redirects_are_followed_page_by_page_and_loops_end() -> None:
    with running({"/": redirect("/a"), "/a": redirect("/b", status="303 See Other"), "/b": redirect("/")}) as site:
        report = crawl(site)
        assert site.targets() == ["/", "/a", "/b"]
    assert [p.status for p in report.crawl.pages] == [302, 303, 302]


def test_endless_redirects_end() -> None:
    def away(asked: Asked) -> bytes:
        return redirect(asked.path + "x")

    with running({"*": away}) as site:
        report = crawl(site)
        assert len(site.asked) == 11
    assert report.crawl.left.counts["redirects"] == 1


def test_links_that_change_something_are_left_alone() -> None:
    answers = {
        "/": page("<a href=/logout>x</a><a href='/q?action=delete'>x</a><a href=/bye>Log out</a><a href=/go>y</a>"),
        "/go": redirect("/logout"),
    }
    with running(answers) as site:
        report = crawl(site)
        assert site.targets() == ["/", "/go"]
        crawl(site, choice=Choice(destructive=True))
        assert {"/logout", "/q?action=delete", "/bye"} <= set(site.targets())
    assert report.crawl.left.counts["destructive"] == 3


def test_nofollow_links_are_followed_because_candidates_follow_them() -> None:
    with running({"/": page("<a rel=nofollow href=/a>x</a>")}) as site:
        crawl(site)
        assert "/a" in site.targets()


def test_include_and_exclude() -> None:
    with running({"/": links("/exam/1", "/exam/secret", "/blog")}) as site:
        crawl(site, choice=Choice(include=("/exam/*",), exclude=("*secret*",)))
        assert site.targets() == ["/", "/exam/1"]


def test_depth_and_number_of_pages_are_bounded() -> None:
    def deeper(asked: Asked) -> bytes:
        return links(asked.path + "a/", asked.path + "b/")

    with running({"*": deeper}) as site:
        assert len(crawl(site, limits=Limits(depth=2, delay_s=0)).crawl.pages) == 7
        report = crawl(site, limits=Limits(pages=4, delay_s=0))
    assert len(report.crawl.pages) == 4
    assert report.crawl.stopped_by == "pages"
    assert report.crawl.left.counts["limit"] > 0


def test_calendars_and_queries_do_not_explode() -> None:
    numbers = itertools.count()

    def calendar(_asked: Asked) -> bytes:
        return links(*(f"/cal/{next(numbers)}?d={next(numbers)}" for _ in range(50)))

    with running({"*": calendar}) as site:
        report = crawl(site)
    assert len(report.crawl.pages) == 6
    assert report.crawl.left.counts["variants"] > 100


def test_time_is_bounded() -> None:
    with running({"*": lambda asked: links(asked.path + "a/")}) as site:
        report = crawl(site, limits=Limits(seconds=0, delay_s=0))
    assert report.crawl.stopped_by == "seconds"


def test_cookies_of_the_site_are_kept_and_sent_where_they_belong() -> None:
    answers = {
        "/": page("<a href=/a>a</a><a href=/b/c>b</a>", "Set-Cookie: s=1; HttpOnly", "Set-Cookie: b=2; Path=/b"),
        "/a": page(),
        "/b/c": page(),
    }
    with running(answers) as site:
        crawl(site, cookies=["mine=3"])
        assert [asked.headers.get("cookie") for asked in site.asked] == ["mine=3", "mine=3; s=1", "b=2; mine=3; s=1"]


def test_headers_of_the_operator_are_sent() -> None:
    with running({"/": page()}) as site:
        crawl(site, headers=["User-Agent: me", "Authorization: Basic eDp5"])
        assert site.asked[0].headers["user-agent"] == "me"
        assert site.asked[0].headers["authorization"] == "Basic eDp5"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "exam.example.edu"}, "--crawl"),
        ({"url": "https://u:p@exam.example.edu/"}, "--crawl"),
        ({"url": "http://h/", "cookies": ["x"]}, "NAME=VALUE"),
        ({"url": "http://h/", "cookies": ["x=a\r\nY: z"]}, "--cookie"),
        ({"url": "http://h/", "headers": ["X: a\r\nY: z"]}, "--header"),
        ({"url": "http://h/", "headers": ["Host: x"]}, "written by the crawl"),
        ({"url": "http://h/", "headers": ["Cookie: a=b"]}, "--cookie"),
        ({"url": "http://h/", "login": "http://other/"}, "stays on http://h"),
        ({"url": "http://h/", "form": [("a", "b")]}, "--login"),
        ({"url": "http://h/", "public": "nonsense"}, "--as"),
    ],
)
def test_options_that_make_no_sense_name_the_way_out(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("=", "=")):
        run_crawl(config_for(), CrawlOptions(**options))  # type: ignore[arg-type]


# --- hostile and broken servers


def drip(_asked: Asked) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    yield from itertools.repeat(b"a", 100_000_000)


def endless_page(_asked: Asked) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><a href=/b>x</a>"
    yield from itertools.repeat(b"<p>and on" * 1000)


def test_an_endless_page_is_read_up_to_the_bound() -> None:
    with running({"/": endless_page, "/b": page()}) as site:
        report = crawl(site)
    first = report.crawl.pages[0]
    assert (first.ended, first.size) == ("bound", Bounds().body_bytes)
    assert "/b" in pages_of(report)


def test_endless_headers_are_an_error_and_not_a_memory_problem() -> None:
    with running({"/": drip}) as site:
        report = crawl(site)
    assert "not valid HTTP" in report.crawl.pages[0].problem


def test_a_dripping_answer_ends_with_its_deadline() -> None:
    stop = threading.Event()

    def slow(_asked: Asked) -> Iterator[bytes]:
        while not stop.wait(0.05):
            yield b"HTTP/1.1 200 OK\r\n" if not stop.is_set() else b""

    with running({"/": slow}) as site:
        crawled = bounded(site.url, Bounds(total_s=0.5))
        crawled.run("/")
        stop.set()
    assert crawled.pages[0].problem == "no answer within 0.5 s"


def test_a_page_that_drips_is_kept_as_far_as_it_came() -> None:
    stop = threading.Event()

    def slow(_asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><title>slow</title>"
        while not stop.wait(0.05):
            yield b"."

    with running({"/": slow}) as site:
        crawled = bounded(site.url, Bounds(total_s=0.5))
        crawled.run("/")
        stop.set()
    facts = crawled.pages[0].facts
    assert facts is not None
    assert (crawled.pages[0].ended, facts.title) == ("cut", "slow")


def test_a_gzip_bomb_is_read_up_to_the_bound() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(b"<!doctype html><title>x</title>")
    for _ in range(200):
        bomb += packer.compress(bytes(1_000_000))
    bomb += packer.flush()
    assert len(bomb) < 300_000
    with running({"/exam/7/q": page(bomb, "Content-Encoding: gzip")}) as site:
        found = crawl(site, "/exam/7/q").crawl.pages[0]
    assert found.facts is not None
    assert found.facts.title == "x"
    assert found.verdict.outcome == "injected"


@pytest.mark.parametrize("ending", [b"", b"garbage", None])
def test_broken_gzip_is_no_crash(ending: bytes | None) -> None:
    whole = gzip.compress(b"<!doctype html><title>x</title>" + bytes(range(256)) * 200)
    body = whole if ending is None else whole[: len(whole) // 2] + ending
    with running({"/exam/7/q": page(body, "Content-Encoding: gzip")}) as site:
        found = crawl(site, "/exam/7/q").crawl.pages[0]
    assert found.verdict.outcome == "injected"


def test_a_long_gzip_page_read_only_in_part_is_still_judged() -> None:
    body = gzip.compress(
        b"<!doctype html><title>x</title>" + b"".join(b"%d " % (n * 7919 % 100_003) for n in range(900_000))
    )
    assert len(body) > Bounds().body_bytes
    with running({"/exam/7/q": page(body, "Content-Encoding: gzip")}) as site:
        found = crawl(site, "/exam/7/q").crawl.pages[0]
    assert (found.ended, found.verdict.outcome) == ("bound", "injected")


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\r\n\r\n", b"hello", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
)  # fmt: skip
def test_nonsense_is_a_clear_error_or_a_page(answer: bytes) -> None:
    with running({"/": links("/bad"), "/bad": answer}) as site:
        report = crawl(site)
    bad = pages_of(report)["/bad"]
    assert bad.problem or bad.status


def test_early_hints_are_skipped() -> None:
    with running({"/": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + page("<title>y</title>")}) as site:
        assert crawl(site).crawl.pages[0].status == 200


def test_bodies_of_other_types_are_not_parsed() -> None:
    with running({"/": links("/x.pdf"), "/x.pdf": page(b"<a href=/hidden>x</a>", kind="application/pdf")}) as site:
        crawl(site)
        assert "/hidden" not in site.targets()


def test_a_server_that_is_not_there_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    report = run_crawl(config_for(), CrawlOptions(url, limits=QUICK))
    assert "cannot be reached" in report.start_problem
    assert not report.ok


def test_tls_with_a_plain_server_is_one_clear_line() -> None:
    with running({"*": page()}) as site:
        report = run_crawl(config_for(), CrawlOptions(site.url.replace("http:", "https:"), limits=QUICK))
    assert report.start_problem.startswith("TLS with 127.0.0.1")


def test_hundreds_of_thousands_of_links_stay_within_the_bounds() -> None:
    body = "".join(f"<a href=/p{chr(97 + n % 26)}{n}>x</a>" for n in range(100_000))
    with running({"/": page(body), "*": page()}) as site:
        report = crawl(site, limits=replace(QUICK, pages=20))
    assert len(report.crawl.pages) == 20


# --- under which origin


def test_the_upstream_is_judged_under_the_address_of_proview() -> None:
    with running({"/exam/7/q": page()}) as site:
        config = config_for("http://127.0.0.1:8000", server={"upstream": site.url, "listen": "127.0.0.1:8000"})
        report = crawl(site, "/exam/7/q", config=config)
    assert str(report.crawl.public) == "http://127.0.0.1:8000"
    assert report.crawl.pages[0].verdict.outcome == "injected"


def test_public_url_is_the_origin_of_pages_and_as_overrides_it() -> None:
    with running({"/exam/7/q": page()}) as site:
        config = config_for(server={"public_url": "https://exam.example.edu"})
        assert crawl(site, "/exam/7/q", config=config).ok
        report = crawl(site, "/exam/7/q", config=config, public="https://other.example")
    assert report.crawl.pages[0].verdict.reason == "domain"
    assert not report.ok
