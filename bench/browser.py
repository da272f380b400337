"""``python -m bench.browser``: what the classic client costs the page that carries it, in Chromium, against the real service.

- gzipped size of what is sent;
- from the click on "Start" (permissions granted) to the recording running: in the page's clock, over several sessions;
- the longest task of the page's main thread from the loader's arrival through the checks and ten seconds of recording, by CPU
  time (what it would take alone on the machine) and by the clock; and for how long scripts of ours ran in frames that were late.

The page itself does nothing, so that every task is ours or the browser's. Fake camera and microphone.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from flask_proview.service.bundle import bundled
from flask_proview.service.loader import STATIC, read_static
from tests.contract.classic import (
    Service,
    Site,
    agree,
    eventually,
    make_certificate,
    running_service,
    snippet,
    state_is,
)
from tests.contract.conftest import open_browser

RECORD_S = 10
# Clicks reach the document from the shadow root, too; the recording's own event says that it runs.
CLOCK = """document.addEventListener('click', () => { window.clicked = performance.now() }, true);
addEventListener('proview:recording-started', () => { window.ran = performance.now() });
window.late = [];
new PerformanceObserver((list) => { for (const frame of list.getEntries()) for (const script of frame.scripts)
  late.push([script.sourceURL.split('/').slice(3).join('/'), Math.round(script.duration)]) }).observe({ type: 'long-animation-frame', buffered: true });"""


def sizes() -> dict[str, int]:
    """gzipped bytes of what browsers get: the loader, the SDK in one file, what frames of the shell get."""
    files = dict(read_static(STATIC))
    names = ["init.js", *(name for name in bundled(STATIC) if name.endswith(".js") and name != "init.js")]
    return {name: len(gzip.compress(files[name].body, 9)) for name in names}


def open_page(browser: Browser, site: Site, session: str) -> Page:
    """A page whose snippet has brought the first card."""
    page = browser.new_context(permissions=["camera", "microphone"]).new_page()
    page.add_init_script(CLOCK)
    page.goto(site.page(f"/{session}", snippet(f"{{session: '{session}', initCallback: told}}")))
    page.get_by_role("button", name="Agree and continue").wait_for()
    return page


def start(page: Page) -> float:
    """Through the checks; ms from the click on "Start" to the recording running."""
    agree(page)
    page.get_by_role("button", name="Start", exact=True).click()
    state_is(page, "running")
    took: float = page.evaluate("ran - clicked")
    return took


def main_thread_tasks(trace: dict[str, Any]) -> list[tuple[float, float]]:
    """(CPU ms, clock ms) of each task of the page's main thread."""
    events = trace["traceEvents"]
    # The page's own process is the one whose main thread ran our page's scripts.
    pages = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "EvaluateScript"
        and "init.js" in str(event.get("args", {}).get("data", {}).get("url", ""))
    }
    return [
        (event.get("tdur", 0) / 1000, event["dur"] / 1000)
        for event in events
        if event.get("name") == "RunTask" and (event["pid"], event["tid"]) in pages and "dur" in event
    ]


def measure(service: Service, site: Site, browser: Browser, sessions: int) -> None:
    starts = []
    for number in range(sessions):
        page = open_page(browser, site, f"start-{number}")
        starts.append(start(page))
        page.context.close()
    line = {
        "name": "browser: click to recording, ms",
        "median": statistics.median(starts),
        "worst": max(starts),
        "sessions": sessions,
        "limit": 1500,
    }
    print(json.dumps(line))

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        browser.start_tracing(
            path=file.name, categories=["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"]
        )
        page = open_page(browser, site, "tasks")
        start(page)
        since = page.evaluate("performance.now()")
        eventually(
            page, lambda: page.evaluate("performance.now()") > since + RECORD_S * 1000, "recording", RECORD_S + 20
        )
        late = page.evaluate("late")
        browser.stop_tracing()
        trace = json.loads(Path(file.name).read_text("utf-8"))
    tasks = main_thread_tasks(trace)
    ours = [ms for url, ms in late if "init.js" in url or "/sdk/" in url]
    line = {
        "name": "browser: longest task, ms", "cpu": max(cpu for cpu, _ in tasks), "clock": max(clock for _, clock in tasks), "tasks": len(tasks),
        "over 50 by cpu": sum(cpu > 50 for cpu, _ in tasks), "our scripts in late frames": max(ours, default=0), "limit": 50,
    }  # fmt: skip
    print(json.dumps(line))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=7)
    options = parser.parse_args()
    sent = sizes()
    page = sent["init.js"] + sent["sdk/index.js"]
    print(json.dumps({"name": "browser: gzipped bytes", "page": page, "limit": 45 * 1024, **sent}))
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        folder = Path(directory)
        certificate = make_certificate(folder)
        with Site(certificate) as site, running_service(folder, certificate) as service:
            browser = open_browser(playwright, service.port, site)
            measure(service, site, browser, options.sessions)
            browser.close()


if __name__ == "__main__":
    main()
