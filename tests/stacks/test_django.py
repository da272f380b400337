"""Django with everything its project template switches on: behind the proxy, and with the middleware in its own process."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from tests.e2e.installation import Deployment, in_front_of

from .django_site import SECRET, DjangoSite
from .harness import started, take_exam
from .mounted import SERVERS, mounted

pytestmark = pytest.mark.system
MOUNTED_SITE = f'os.environ["DEMO_SECRET_KEY"] = "{SECRET}"\nfrom demo_app.django_exam import application\n'
TAG = re.compile(rb'<script src="/proview/init.js" data-proview-route="exam"[^>]*></script>')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(DjangoSite(), tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module", params=["proxy", "mounted"])
def protected(
    request: pytest.FixtureRequest, site: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """The site with inline routes, through either door."""
    folder = tmp_path_factory.mktemp("protected")
    if request.param == "proxy":
        with in_front_of(site, folder, route={"mode": "inline"}) as running:
            yield running
    else:
        with mounted(SERVERS["gevent"], folder, site=MOUNTED_SITE, route={"mode": "inline"}) as mounted_site:
            yield mounted_site


class Visitor(requests.Session):
    """Somebody without a browser: sends the forms that Django's pages have."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.headers["Sec-Fetch-Dest"] = "document"

    def post_form(self, path: str, **values: str) -> requests.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(self.url + path, timeout=10).text)
        assert token
        data = {"csrfmiddlewaretoken": token[1], **values}
        # What browsers send with a form; Django compares it with the Host that it sees.
        return self.post(self.url + path, data=data, headers={"Origin": self.url}, timeout=10)

    def begin(self) -> str:
        """Logged in and with an attempt; the attempt's path."""
        self.post_form("/login", name="Alice Weber", password="maple-41")
        path = re.search(r"/exam/[0-9a-f]{32}/", self.post_form("/exams").url)
        assert path
        return path[0]


def test_forms_with_csrf_tokens_are_saved_and_redirect(protected: Deployment) -> None:
    visitor = Visitor(protected.url)
    attempt = visitor.begin()
    saved = visitor.post_form(f"{attempt}q/1", answer="b")
    assert saved.url.endswith(f"{attempt}q/2")
    assert [answer.status_code for answer in saved.history] == [302]
    assert visitor.get(f"{protected.url}{attempt}answers.json", timeout=10).json()["answers"] == {"1": "b"}


def test_a_form_without_its_token_is_refused_by_django_as_ever(protected: Deployment) -> None:
    visitor = Visitor(protected.url)
    attempt = visitor.begin()
    refused = visitor.post(f"{protected.url}{attempt}q/1", data={"answer": "b"}, timeout=10)
    assert refused.status_code == 403
    assert "CSRF" in refused.text


def test_pages_compressed_while_they_are_made_get_the_tag(protected: Deployment) -> None:
    visitor = Visitor(protected.url)
    attempt = visitor.begin()
    with visitor.get(f"{protected.url}{attempt}progress", stream=True, timeout=10) as answer:
        raw = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    page = gzip.decompress(raw)
    assert len(TAG.findall(page)) == 1
    assert page.startswith(b"<!doctype html><"), "no quirks mode"
    assert page.endswith(b"</ol></body></html>")


def test_a_page_that_did_not_change_is_not_sent_again(protected: Deployment) -> None:
    visitor = Visitor(protected.url)
    attempt = visitor.begin()
    visitor.post_form(f"{attempt}q/1", answer="b")
    url = f"{protected.url}{attempt}done"
    first = visitor.get(url, timeout=10)
    etag = first.headers["ETag"]
    again = visitor.get(url, headers={"If-None-Match": etag}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")


def test_a_copy_cached_before_proctoring_is_not_revalidated(site: str, protected: Deployment) -> None:
    """The ETag that Django gave the page without the tag must not bring a 304 for the page with it."""
    visitor = Visitor(site)
    attempt = visitor.begin()
    old = visitor.get(f"{site}{attempt}done", timeout=10).headers["ETag"]
    candidate = Visitor(protected.url)
    mine = candidate.begin()
    answer = candidate.get(f"{protected.url}{mine}done", headers={"If-None-Match": old}, timeout=10)
    assert answer.status_code == 200
    assert len(TAG.findall(answer.content)) == 1


def test_files_to_keep_are_sent_as_they_are(protected: Deployment) -> None:
    visitor = Visitor(protected.url)
    attempt = visitor.begin()
    answer = visitor.get(f"{protected.url}{attempt}sheet", timeout=10)
    assert "X-Proview-Injected" not in answer.headers
    assert answer.content == (Path(__file__).parents[2] / "demo_app" / "django_exam.py").read_bytes()


def test_headers_that_guard_the_site_stay_on_its_other_pages(protected: Deployment) -> None:
    answer = requests.get(f"{protected.url}/login", timeout=10)
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["inline", "frame"])
def test_the_exam_is_proctored_from_login_to_the_done_page(
    shared_chromium: Browser, protected: Deployment, mode: str
) -> None:
    take_exam(shared_chromium, protected, mode)
