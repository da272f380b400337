"""Contract 2.1: how pages get at ``window.Proview``, and what that does to other pages."""

from __future__ import annotations

import http.client

import pytest

from tests.service.server import Server

from . import newer_site
from .newer_site import DSN, Candidate, Site

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_the_loader_may_be_read_by_any_origin(newer_server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", newer_server.port, timeout=10)
    connection.request("GET", "/proview/init.js", headers={"Origin": "https://anything.example"})
    assert connection.getresponse().getheader("Access-Control-Allow-Origin") == "*"
    connection.close()


def test_a_page_that_waits_is_told_once_by_its_own_function(visit: Candidate, newer_exam: Site) -> None:
    newer_exam.pages["/waits"] = newer_site.html(
        before="window.told = []; window.proviewOnLoad = () => told.push(typeof Proview.init)"
    )
    visit.page.goto(newer_exam.url + "/waits")
    visit.page.wait_for_function("() => told.length")
    assert visit.js("() => told") == ["function"]
    # Single-page sites insert the script again, and wait again.
    visit.js(
        "(src) => { const one = document.createElement('script'); one.src = src; document.body.append(one); }",
        newer_exam.loader,
    )
    visit.page.wait_for_function("() => told.length === 2")
    assert visit.faults == []


def test_a_function_of_the_page_that_fails_breaks_nothing(visit: Candidate, newer_exam: Site) -> None:
    newer_exam.pages["/fails"] = newer_site.html(before="window.proviewOnLoad = () => { throw new Error('theirs'); }")
    visit.open(newer_exam.url + "/fails")
    assert visit.init() == {"ok": True}


def test_a_page_that_looks_every_300_ms_finds_it_within_five_seconds(visit: Candidate, newer_exam: Site) -> None:
    polls = """window.rounds = 0; const timer = setInterval(() => { rounds += 1;
        if (window.Proview || rounds > 16) { clearInterval(timer); window.found = Boolean(window.Proview); } }, 300);"""
    newer_exam.pages["/polls"] = newer_site.html(before=polls)
    visit.page.goto(newer_exam.url + "/polls")
    visit.page.wait_for_function("() => 'found' in window")
    assert visit.js("() => found")


def test_what_the_page_calls_proview_itself_stays(visit: Candidate, newer_exam: Site) -> None:
    newer_exam.pages["/own"] = newer_site.html(
        before="window.Proview = { theirs: true }; window.proviewOnLoad = () => { window.told = true; }"
    )
    visit.page.goto(newer_exam.url + "/own")
    visit.page.wait_for_function("() => window.__proview")
    assert visit.js("() => [Proview.theirs, window.told ?? false]") == [True, False]


def test_an_element_of_that_name_is_not_taken_for_it(visit: Candidate, newer_exam: Site) -> None:
    newer_exam.pages["/named"] = newer_site.html('<div id="Proview">Exam</div>')
    visit.page.goto(newer_exam.url + "/named")
    visit.page.wait_for_function("() => typeof Proview.init === 'function'")


def test_it_has_the_documented_members(seated: Candidate) -> None:
    assert {"init", "onError", "getLanguages", "setLanguage", "setAttendee", "setWorkflow", "session"} <= set(
        seated.js("() => Object.keys(Proview)")
    )
    assert {"register", "start", "stop", "complete", "pause", "resume", "constant"} <= set(
        seated.js("() => Object.keys(Proview.session)")
    )


def test_loading_and_init_neither_cover_the_page_nor_make_a_session(seated: Candidate) -> None:
    before = len(seated.rows())
    assert seated.init() == {"ok": True}
    assert seated.js("() => document.querySelector('#proview_root')") is None
    assert len(seated.rows()) == before


def test_a_page_with_a_content_security_policy_needs_our_origin_only(visit: Candidate, newer_exam: Site) -> None:
    origin = newer_exam.loader.removesuffix("/proview/init.js")
    policy = (
        f"default-src 'none'; script-src {origin}; connect-src {origin} {origin.replace('http', 'ws')}; media-src blob:"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    newer_exam.pages["/policy"] = newer_site.html().replace("<title>", meta + "<title>")
    page = visit.page
    page.goto(newer_exam.url + "/policy")
    page.wait_for_function("() => window.Proview")
    answer = page.evaluate(
        "(dsn) => Proview.init({dsn, attendee_identifier: 'policy', workflow_identifier: 'w'}).then((ok) => { window.started = Proview.session.start(); return ok; })",
        DSN,
    )
    visit.agree()
    assert answer is True and page.evaluate("() => started.then(({state}) => state)") == "running"
