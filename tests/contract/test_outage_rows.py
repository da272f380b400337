"""reference §1.6 ``stop``, §1.3 ``networkDisconnectionCallback``, §1.15: network and server come and go; everything is answered, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright

from .classic import Service, Site, begin, bootstrap, eventually, running_service, snippet, stop
from .conftest import open_browser

pytestmark = [pytest.mark.browser, pytest.mark.system]

OPTIONS = "session: '%s', skipHardwareTest: true, initCallback: told, networkDisconnectionCallback: function () { network.push([].slice.call(arguments)) }"


def start(site: Site, page: Page, session: str) -> None:
    body = "<script>window.network = []</script>" + snippet(f"{{{OPTIONS % session}}}")
    page.goto(site.page(f"/{session}", body))
    begin(page, check=False)


def recorded(page: Page, ms: int) -> None:
    since = page.evaluate("performance.now()")
    eventually(page, lambda: page.evaluate("performance.now()") > since + ms, f"{ms} ms of recording")


def test_loss_and_return_of_the_network_are_told_and_the_recording_goes_on(
    proview: Service, site: Site, page: Page, context: BrowserContext
) -> None:
    start(site, page, "offline-1")
    recorded(page, 800)
    context.set_offline(True)
    page.wait_for_function("network.length === 1")
    recorded(page, 1500)
    assert page.evaluate("ProctorClient3.state") == "running"
    context.set_offline(False)
    page.wait_for_function("network.length === 2", timeout=20_000)
    now = page.evaluate("Date.now()")
    told = page.evaluate("network")
    assert [one[0]["online"] for one in told] == [False, True]
    assert all(len(one) == 1 and now - 60_000 < one[0]["at"] <= now for one in told)
    stop(page)
    row = proview.row("offline-1")
    assert proview.whole(row.uuid)
    finished = proview.finished(row.uuid)
    gaps = [
        one for one in finished["ledger"] if one["outcome"] == "gap" and one["cause"] not in ("setup", "page", None)
    ]
    assert gaps == [], "an outage is no gap: what was recorded meanwhile arrived later"


def test_stop_without_a_network_is_answered_at_the_deadline_and_a_later_page_hands_in_the_rest(
    proview: Service, site: Site, page: Page, context: BrowserContext
) -> None:
    start(site, page, "deadline-1")
    recorded(page, 800)
    context.set_offline(True)
    recorded(page, 1200)
    page.evaluate("window.log = []; window.asked = performance.now(); for (const n of [1, 2]) ProctorClient3.stop((...args) => log.push([n, args.length, performance.now() - asked]))")  # fmt: skip
    page.wait_for_function("log.length === 2", timeout=20_000)
    # limits.drain_deadline_s is 2 here; the end itself and the last words take some seconds more.
    assert [(n, count) for n, count, _ in page.evaluate("log")] == [(1, 0), (2, 0)]
    assert all(1900 < ms < 14_000 for *_, ms in page.evaluate("log"))
    row = proview.row("deadline-1")
    assert not proview.whole(row.uuid)
    context.set_offline(False)
    # Another page of the site, which carries the loader and starts nothing.
    page.goto(site.page("/thanks", f"<script>{bootstrap()}</script>"))
    eventually(page, lambda: proview.whole(row.uuid), "the rest of the recording", 25)
    assert page.evaluate("ProctorClient3.state") == "idle"


def test_stop_is_answered_when_the_server_is_gone_and_nothing_is_lost_when_it_is_back(
    playwright: Playwright, tmp_path: Path, site: Site, certificate: tuple[Path, Path]
) -> None:
    with running_service(tmp_path, certificate, heartbeat_timeout_s=600) as service:
        browser = open_browser(playwright, service.port, site)
        page = browser.new_context(permissions=["camera", "microphone"]).new_page()
        start(site, page, "killed-1")
        recorded(page, 800)
        service.die()
        page.wait_for_function("network.length === 1", timeout=20_000)
        site.page("/after", "<p>Thank you</p>")
        page.evaluate("ProctorClient3.stop(() => { location.href = '/after' })")
        page.wait_for_url("**/after", timeout=20_000)
    with running_service(tmp_path, certificate, port=service.port, heartbeat_timeout_s=600) as again:
        row = again.row("killed-1")
        assert not again.whole(row.uuid)
        # Any page of the site with the loader.
        page.goto(site.page("/later", f"<script>{bootstrap()}</script>"))
        eventually(page, lambda: again.whole(row.uuid), "the rest of the recording", 25)
        browser.close()
