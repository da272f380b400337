"""Every code of the catalogue: one page that gets it, one like it that does not."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from flask_proview.doctor.catalogue import CODES
from flask_proview.doctor.pages import Note, Page

from .site import DOCTYPE, NOT_FOUND, Answer, codes, config_for, crawl, page, pages_of, redirect, running

EXAM = "/exam/7/q"
CSP = "Content-Security-Policy"


@dataclass
class Case:
    """``yes`` and ``no`` are answers of /exam/7/q; ``route`` are settings of its route."""

    yes: Answer
    no: Answer
    weight: str = "info"
    route: dict[str, Any] = field(default_factory=dict)
    also: dict[str, Answer] = field(default_factory=dict)
    public: str | None = "https://exam.example.edu"


FRAME = {"mode": "frame"}
SHORT = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n<!doctype html><title>x</title>"
CASES: dict[str, Case] = {
    "refused_domain": Case(page(), page(), "error", public=None),
    "refused_identity": Case(page(), page("", "X-Id: 4"), "error", {"session": ["cookie:sid", "response-header:X-Id"]}),
    "refused_fault": Case(page("", "Content-Encoding: br"), page(), "error"),
    "identity_unseen": Case(page(), page("", "X-Id: 4"), "info", {"session": ["response-header:X-Id", "environ:REMOTE_USER"]}),
    "profile_missing": Case(page(), page("", "X-Who: a"), "warning", {"profile": ["cookie:uid", "response-header:X-Who"]}),
    "no_page": Case(page(b"{}", kind="application/json"), page()),
    "already_injected": Case(page("", "X-Proview-Injected: exam"), page()),
    "no_transform": Case(page("", "Cache-Control: no-transform"), page("", "Cache-Control: no-cache")),
    "policy_changed": Case(page("", f"{CSP}: script-src 'none'"), page("", f"{CSP}: img-src 'none'")),
    "cache_changed": Case(page("", "Cache-Control: public, max-age=60"), page("", "Cache-Control: private"), "warning"),
    "meta_csp": Case(page(f'<meta http-equiv={CSP} content="img-src *">'), page()),
    "meta_csp_blocks": Case(
        page(f"<meta http-equiv={CSP} content=\"connect-src 'none'\">"), page(f'<meta http-equiv={CSP} content="img-src *">'), "error"
    ),
    "trusted_types": Case(page("", f"{CSP}: require-trusted-types-for 'script'"), page("", f"{CSP}: img-src *")),
    "frame_forbidden": Case(page("", "X-Frame-Options: DENY"), page("", "X-Frame-Options: SAMEORIGIN"), "info", FRAME),
    "http_auth": Case(
        page("", "WWW-Authenticate: NTLM", status="401 Unauthorized"), page("", status="401 Unauthorized"), "warning"
    ),
    "iis_case": Case(page("", "Server: Microsoft-IIS/10.0"), page("", "Server: Apache"), "warning"),
    "frame_busting": Case(page("<script>if (top != self) top.location = self.location</script>"), page(), "warning", FRAME),
    "frame_check": Case(page("<script>if (top != self) x()</script>"), page(), "info", FRAME),
    "popup": Case(page("<a onclick=\"window.open('/x')\">"), page("<a onclick=\"dialog.open('/x')\">"), "warning"),
    "own_websocket": Case(page("<script>new WebSocket('wss://a')</script>"), page()),
    "own_event_source": Case(page("<script>new EventSource('/a')</script>"), page()),
    "service_worker": Case(page("<script>navigator.serviceWorker.register('/sw.js')</script>"), page(), "warning"),
    "own_media": Case(page("<script>navigator.mediaDevices.getUserMedia({})</script>"), page(), "warning"),
    "before_unload": Case(page('<body onload="onbeforeunload=f">'), page('<body onload="f()">')),
    "document_write": Case(page("<script>document.write('x')</script>"), page()),
    "document_domain": Case(page("<script>document.domain='example.edu'</script>"), page(), "warning", FRAME),
    "own_snippet": Case(page("<script>tv('init','x',{})</script>"), page("<script>go('init')</script>"), "warning"),
    "meta_refresh": Case(page("<meta http-equiv=refresh content=5>"), page()),
    "new_window": Case(page("<a href=/x target=_blank>x</a>"), page("<a href=/x target=_self>x</a>"), "warning"),
    "target_top": Case(page("<form target=_TOP></form>"), page("<form target=_self></form>")),
    "frameset": Case(page("<frameset><frame src=/x></frameset>"), page()),
    "iframe": Case(page("<iframe src=/x></iframe>"), page("<iframe></iframe>")),
    "iframe_foreign": Case(page("<iframe src=https://video.example/></iframe>"), page("<iframe src=/x></iframe>"), "warning"),
    "form_foreign": Case(page("<form action=https://pay.example/></form>"), page("<form action=/x></form>"), "warning"),
    "form_unprotected": Case(page("<form method=post action=/save></form>"), page("<form method=post></form>"), "warning"),
    "mixed_content": Case(page("<script src=http://a.example/x.js></script>"), page("<script src=//a.example/x.js></script>"), "warning"),
    "absolute_links": Case(page("<a href={url}/x>x</a>"), page("<a href=/x>x</a>")),
    "charset_conflict": Case(page("<meta charset=windows-1251>"), page("<meta charset=utf-8>")),
    "charset_missing": Case(page(b"<!doctype html>caf\xe9", kind="text/html"), page(b"<!doctype html>cafe", kind="text/html"), "warning"),
    "charset_unknown": Case(page(kind="text/html; charset=klingon"), page(), "warning"),
    "charset_undecodable": Case(page(b"<!doctype html>caf\xe9"), page("café"), "warning"),
    "charset_utf16": Case(page(DOCTYPE.encode("utf-16"), kind="text/html"), page()),
    "quirks": Case(page(b"<html><title>x</title>"), page()),
    "title_missing": Case(page(b"<!doctype html>x"), page()),
    "lang_missing": Case(page(b"<!doctype html>x"), page()),
    "compressed": Case(page(gzip.compress(DOCTYPE.encode()), "Content-Encoding: gzip"), page()),
    "encoding_unread": Case(page("", "Content-Encoding: br"), page(), "warning"),
    "cut_off": Case(SHORT, page(), "warning"),
    "too_long": Case(page("x" * 3_000_000), page()),
    "many_links": Case(page("<a href=/x>x</a>" * 6000), page("<a href=/x>x</a>")),
    "redirect_elsewhere": Case(redirect("https://sso.example/login"), redirect("/x")),
}  # fmt: skip
# Tested by themselves below: they need more than one page or another configuration.
ELSEWHERE = {"refused_account", "snippet_unprotected"}


def examine(case: Case, answer: Answer, public: str | None) -> Page:
    with running({**case.also, EXAM: answer}) as site:
        if isinstance(answer, bytes) and b"{url}" in answer:
            old = len(answer.partition(b"\r\n\r\n")[2])
            body = answer.partition(b"\r\n\r\n")[2].replace(b"{url}", site.url.encode())
            head = answer.partition(b"\r\n\r\n")[0].replace(
                f"Content-Length: {old}".encode(), f"Content-Length: {len(body)}".encode()
            )
            site.answers[EXAM] = head + b"\r\n\r\n" + body
        report = crawl(site, EXAM, config=config_for(**case.route), public=public)
        return pages_of(report)[EXAM]


def found(page: Page, code: str) -> list[Note]:
    return [note for note in page.notes if note.code == code]


def test_every_code_has_a_case() -> None:
    assert set(CASES) | ELSEWHERE == set(CODES)


@pytest.mark.parametrize("code", CASES)
def test_a_page_that_has_it_gets_the_note(code: str) -> None:
    case = CASES[code]
    notes = found(examine(case, case.yes, case.public), code)
    assert notes, code
    assert notes[0].weight.value == case.weight


@pytest.mark.parametrize("code", CASES)
def test_a_page_that_does_not_have_it_gets_no_note(code: str) -> None:
    case = CASES[code]
    assert not found(examine(case, case.no, "https://exam.example.edu"), code)


def test_pages_that_no_route_protects_have_notes_of_little_weight() -> None:
    with running({"/help": page("<script>top.location='/'; navigator.serviceWorker.register('/s')</script>")}) as site:
        help_page = pages_of(crawl(site, "/help"))["/help"]
    assert {"frame_busting", "service_worker"} <= codes(help_page)
    assert {note.weight.value for note in help_page.notes} == {"info"}


def test_a_snippet_on_an_unprotected_page_asks_for_a_route() -> None:
    with running({"/quiz": page("<script>tv('init','x',{})</script>"), EXAM: page()}) as site:
        assert found(pages_of(crawl(site, "/quiz"))["/quiz"], "snippet_unprotected")[0].weight.value == "warning"
        assert not found(pages_of(crawl(site, EXAM))[EXAM], "snippet_unprotected")


def test_a_snippet_is_right_where_the_route_says_that_the_page_starts() -> None:
    with running({EXAM: page("<script>tv('init','x',{})</script>")}) as site:
        report = crawl(site, EXAM, config=config_for(site.url, start="page"))
        assert not found(pages_of(report)[EXAM], "own_snippet")


def test_a_meta_policy_that_stops_an_inline_page_does_not_stop_a_framed_one() -> None:
    answer = CASES["meta_csp_blocks"].yes
    assert found(examine(Case(answer, None, route=FRAME), answer, "https://exam.example.edu"), "meta_csp")


@pytest.mark.parametrize(
    ("policy", "forbids"),
    [("'none'", True), ("https://lms.example", True), ("'self'", False), ("https://exam.example.edu", False)],
)
def test_frame_ancestors_forbid_or_not(policy: str, forbids: bool) -> None:
    case = Case(page("", f"{CSP}: frame-ancestors {policy}"), None, route=FRAME)
    assert bool(found(examine(case, case.yes, "https://exam.example.edu"), "frame_forbidden")) is forbids


def test_a_route_without_account_is_named() -> None:
    # load_config refuses such a file; a Config made in Python can be so.
    config = replace(config_for(), accounts=())
    with running({EXAM: page()}) as site:
        assert found(pages_of(crawl(site, EXAM, config=config))[EXAM], "refused_account")


def test_scripts_of_the_same_origin_are_read_once_and_named() -> None:
    script = page(b"// lib\ntop.location = '/';", kind="text/javascript")
    answers = {
        EXAM: page("<script src=/js/a.js></script><a href=/exam/7/r>n</a>"),
        "/exam/7/r": page("<script src='../../js/a.js'></script>"),
        "/js/a.js": script,
    }
    with running(answers) as site:
        found_pages = pages_of(crawl(site, EXAM, config=config_for(site.url, mode="frame")))
        assert site.targets().count("/js/a.js") == 1
    for target in (EXAM, "/exam/7/r"):
        note = found(found_pages[target], "frame_busting")[0]
        assert (note.line, note.seen) == (2, "/js/a.js: top.location = '/';")


def test_scripts_of_other_origins_are_not_asked_for() -> None:
    with running({"*": NOT_FOUND}) as other, running({EXAM: page(f"<script src={other.url}/x.js></script>")}) as site:
        crawl(site, EXAM)
        assert other.asked == []
