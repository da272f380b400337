"""The crawl of the demo's exam sites, logged in through their own form, with the demo's own configuration."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from flask_proview.config import Config, load_config
from flask_proview.doctor.addresses import read_address
from flask_proview.doctor.crawl import Limits
from flask_proview.doctor.crawl_report import CrawlReport
from flask_proview.doctor.crawl_run import CrawlOptions, run_crawl
from flask_proview.doctor.login import LoginError
from tests.e2e.installation import ROOT, legacy_site

from .site import KEY, pages_of

FORM = (("name", "Alice"), ("password", "maple-41"))


@pytest.fixture(scope="module", params=[pytest.param("php", marks=pytest.mark.system), "wsgi"])
def exam(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with legacy_site(request.param, tmp_path_factory.mktemp("demo")) as url:
        yield url


def demo_config(upstream: str) -> Config:
    raw: dict[str, Any] = tomllib.loads((ROOT / "demo_app" / "proview.toml").read_text("utf-8"))
    raw["secrets"] = {"keys": [KEY]}
    raw["server"] = {**raw["server"], "upstream": upstream}
    return load_config(raw, environ={})


def crawl(url: str, start: str, **options: Any) -> CrawlReport:
    return run_crawl(demo_config(url), CrawlOptions(url + start, limits=Limits(delay_s=0), **options))


def begin_attempt(url: str) -> tuple[str, str]:
    """(path of the attempt, cookies): the exam begins with a POST, which a crawl never sends."""
    with requests.Session() as visitor:
        csrf = re.search(r'name="csrf" value="(\w+)"', visitor.get(f"{url}/login", timeout=10).text)
        assert csrf
        home = visitor.post(f"{url}/login", data={"csrf": csrf[1], **dict(FORM)}, timeout=10).text
        form = re.search(r'<form method="post" action="([^"]+)".*?</form>', home, re.S)
        assert form
        answer = visitor.post(
            url + form[1], data=dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0])), timeout=10
        )
        place = read_address(answer.url)
        assert place is not None
        return place.target, "; ".join(f"{c.name}={c.value}" for c in visitor.cookies)


def test_logged_in_the_exams_are_seen_and_nobody_is_logged_out(exam: str) -> None:
    report = crawl(exam, "/exams", login="/login", form=FORM)
    assert report.logged_in_at == "/exams"
    assert {"/exams", "/handbook"} <= set(pages_of(report))
    assert report.crawl.left.named["destructive"] == ["/logout"]


def test_a_wrong_password_is_told(exam: str) -> None:
    with pytest.raises(LoginError, match="wrong name or password"):
        crawl(exam, "/", login="/login", form=(("name", "Alice"), ("password", "wrong")))


def test_the_exams_pages_would_be_proctored(exam: str) -> None:
    start, cookies = begin_attempt(exam)
    report = crawl(exam, start, cookies=[cookies])
    page = pages_of(report)[start]
    assert report.ok
    assert (page.verdict.outcome, page.verdict.route, page.verdict.mode, page.verdict.shell) == (
        "injected",
        "exam",
        "frame",
        True,
    )
    assert page.verdict.session is not None
    assert page.verdict.session.source == "path:attempt"
    assert page.verdict.session.value in start
    assert page.verdict.profile is not None
    assert page.verdict.profile.source == "cookie:uid"
    assert any(note.code == "popup" and note.seen.startswith("/static/exam.js") for note in page.notes)


def test_an_id_source_that_is_never_there_is_found(exam: str) -> None:
    start, cookies = begin_attempt(exam)
    raw = demo_config(exam)
    config = replace(raw, routes=tuple(replace(route, session=("cookie:attempt",)) for route in raw.routes))
    report = run_crawl(config, CrawlOptions(exam + start, cookies=[cookies], limits=Limits(pages=1, delay_s=0)))
    assert not report.ok
    assert report.crawl.pages[0].verdict.detail == "no session id in cookie:attempt"
