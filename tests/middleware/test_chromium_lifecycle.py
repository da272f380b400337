"""Pages that are prepared before anybody looks at them, and pages that come back: nothing is started or recorded for nobody."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, Playwright
from websockets.sync.client import connect

from tests.chromium import AUTOPLAY, CHROMIUM, FAKE_DEVICES, FLAGS

from .policy_site import PolicySite, eventually, policy_site
from .test_chromium_policies import Visit

pytestmark = [pytest.mark.browser, pytest.mark.system]


def rules(kind: str, path: str) -> str:
    return f'<script type="speculationrules">{{"{kind}": [{{"urls": ["{path}"], "eagerness": "immediate"}}]}}</script>'


CASES = {
    "exam": {
        "body": '<p>Question</p><a href="next">next</a><script>setTimeout(() => fetch("/elsewhere/late"), 1000)</script>'
    },
    "next": {},
    "prerenders": {"head": rules("prerender", "/inline/p/plain/exam"), "body": '<a href="/inline/p/plain/exam">on</a>'},
    "prefetches": {"head": rules("prefetch", "/inline/f/plain/exam"), "body": '<a href="/inline/f/plain/exam">on</a>'},
    "framed link": {
        "head": '<link rel="prefetch" href="/frame/l/plain/exam">',
        "body": '<a href="/frame/l/plain/exam">on</a>',
    },
    "framed prefetches": {
        "head": rules("prefetch", "/frame/f/plain/exam"),
        "body": '<a href="/frame/f/plain/exam">on</a>',
    },
    "link": {
        "head": '<link rel="prefetch" href="/inline/l/plain/exam">',
        "body": '<a href="/inline/l/plain/exam">on</a>',
    },
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicySite]:
    with policy_site(tmp_path_factory.mktemp("lifecycle"), CASES) as running:
        yield running


@pytest.fixture
def page(playwright: Playwright) -> Iterator[Page]:
    # Playwright switches the back-forward cache off.
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*FLAGS, AUTOPLAY, FAKE_DEVICES, "--enable-features=BackForwardCache"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    context = browser.new_context(permissions=["camera", "microphone"])
    try:
        yield context.new_page()
    finally:
        context.close()
        browser.close()


class Tab:
    """One tab over the bare protocol. A debugger stops the hidden tab in which a page is prerendered, so none is there until
    something is to be evaluated."""

    def __init__(self, address: str) -> None:
        self._address = address

    def evaluate(self, expression: str) -> Any:
        params = {"expression": expression, "returnByValue": True}
        with connect(self._address, max_size=None) as connection:
            connection.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": params}))
            while (answer := json.loads(connection.recv(timeout=20))).get("id") != 1:
                continue
        return answer["result"]["result"].get("value")


@contextlib.contextmanager
def tab(profile: Path, url: str) -> Iterator[Tab]:
    """A browser of its own that has opened ``url``."""
    own = [
        "--headless=new",
        "--use-fake-ui-for-media-stream",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
    ]
    browser = subprocess.Popen(
        [CHROMIUM, *FLAGS, AUTOPLAY, FAKE_DEVICES, *own, "about:blank"],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        chosen = profile / "DevToolsActivePort"
        port = eventually(lambda: chosen.exists() and chosen.read_text().partition("\n")[0], "the browser runs")
        with requests.put(f"http://127.0.0.1:{port}/json/new?{url}", timeout=20) as made:
            yield Tab(made.json()["webSocketDebuggerUrl"])
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


def test_prerendered_page_starts_nothing_until_it_is_shown(site: PolicySite, tmp_path: Path) -> None:
    with tab(tmp_path / "profile", site.url + "/elsewhere/p/plain/prerenders") as opened:
        # The page asks for this a second after it was prepared; our code has had its time.
        eventually(lambda: "GET /elsewhere/late" in site.log(), "prepared and run")
        assert "GET /proview/init.js" in site.log()
        assert "/proview/static/sdk" not in site.log() and "/v1/sessions" not in site.log()
        opened.evaluate("document.querySelector('a').click()")
        eventually(lambda: "POST /proview/v1/sessions" in site.log(), "started when it was shown")
        assert opened.evaluate("performance.getEntriesByType('navigation')[0].activationStart") > 0


@pytest.mark.parametrize("way", ["prefetches", "link", "framed prefetches", "framed link"])
def test_prefetched_page_is_recorded_when_it_is_opened(site: PolicySite, page: Page, way: str) -> None:
    earlier = set(site.runs())
    page.goto(f"{site.url}/elsewhere/p/plain/{way}")
    mode, attempt = "frame" if "framed" in way else "inline", "l" if "link" in way else "f"
    eventually(
        lambda: f"GET /{mode}/{attempt}/plain/exam" in site.log(),
        "fetched ahead",
        pause=lambda: page.wait_for_timeout(30),
    )
    page.get_by_role("link", name="on").click()
    page.wait_for_url("**/exam")
    with Visit(site, page) as visit:
        eventually(visit._is_running, "recording", pause=visit.pause)
    eventually(lambda: set(site.runs()) - earlier, "pieces are stored", pause=visit.pause)
    # What a link fetched ahead was no navigation; Vary: Sec-Fetch-Dest makes the browser ask for the shell all the same.
    assert (page.frame("proview-frame") is not None) is ("framed" in way)


def test_page_that_comes_back_goes_on_being_recorded(site: PolicySite, page: Page) -> None:
    with Visit(site, page) as visit:
        visit.open("/inline/back/plain/exam")
        eventually(site.runs, "pieces are stored", pause=visit.pause)
        page.get_by_role("link", name="next").click()
        page.wait_for_url("**/next")
        eventually(visit._is_running, "recording on the second page", pause=visit.pause)
        before = sum(site.runs().values())
        page.go_back()
        page.wait_for_url("**/exam")
        eventually(visit._is_running, "recording again", pause=visit.pause)
        eventually(lambda: sum(site.runs().values()) >= before + 4, "new pieces are stored", pause=visit.pause)
