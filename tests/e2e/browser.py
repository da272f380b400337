"""Real Chromium with a fake camera, microphone and screen; and a candidate who uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Frame, Page, Playwright, ViewportSize, expect

from tests.chromium import AUTOPLAY, CHROMIUM, FAKE_CONSENT, FAKE_DEVICES, FLAGS

GRANTED = [f"{FAKE_DEVICES}=display-media-type=monitor", FAKE_CONSENT]
REFUSED = [FAKE_DEVICES, f"{FAKE_CONSENT}=deny"]
WAIT_MS = 20_000
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}


@contextmanager
def chromium(
    playwright: Playwright, profile: Path, *flags: str, program: str | Path = CHROMIUM
) -> Iterator[BrowserContext]:
    """A browser with a profile on disk: what it stored is there again when it is opened on the same folder.

    :param program: what is started in its place, and starts it.
    """
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=program,
        headless=True,
        args=[*FLAGS, AUTOPLAY, *(flags or GRANTED)],
        viewport=VIEWPORT,
    )
    context.set_default_timeout(WAIT_MS)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def somebodys(browser: Browser) -> Iterator[BrowserContext]:
    """What one person has open in a browser that is shared: cookies and storage of their own, gone afterwards."""
    context = browser.new_context(viewport=VIEWPORT)
    context.set_default_timeout(WAIT_MS)
    try:
        yield context
    finally:
        context.close()


class Candidate:
    """Somebody who sits the demo's exam."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.attempt = ""
        self.sockets: list[str] = []
        page.on("websocket", lambda socket: self.sockets.append(socket.url))

    @classmethod
    def seated(cls, browser: BrowserContext, url: str, *, screen: bool = False) -> Candidate:
        """Somebody whose exam has begun: the first question is on the screen, and it is recorded."""
        candidate = cls(browser.new_page(), url)
        candidate.log_in()
        candidate.start_exam()
        candidate.pass_checks(screen=screen)
        candidate.begin()
        return candidate

    def log_in(self) -> None:
        self.page.goto(f"{self.url}/login")
        self.page.get_by_label("Name", exact=True).fill("Alice Weber")
        self.page.get_by_label("Password").fill("maple-41")
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(re.compile(r"/exams(;|$)"))

    def start_exam(self) -> None:
        """From the list of exams into the protected pages."""
        self.page.get_by_role("button", name="Start exam").first.click()
        self.page.wait_for_url(re.compile(r"/exam/[^/]+/instructions"))
        match = re.search(r"/exam/([^/]+)/", self.page.url)
        assert match
        self.attempt = match[1]

    def pass_checks(self, *, screen: bool = False) -> None:
        """Consent and device check, then the screen when it is asked for; returns when recording runs."""
        self.page.get_by_role("button", name="Agree and continue").click()
        self.page.get_by_role("button", name="Continue" if screen else "Start", exact=True).click()
        if screen:
            self.page.get_by_role("button", name="Share screen and start").click()
        self.wait_running()

    def wait_running(self) -> None:
        self.page.wait_for_function(
            "() => window.ProctorClient3 && window.ProctorClient3.state === 'running'", timeout=WAIT_MS
        )

    @property
    def exam(self) -> Frame | Page:
        """Where the exam's own page is: the shell's frame, or the page itself."""
        return self.page.frame("proview-frame") or self.page

    def wait_exam(self, path: str) -> None:
        """Until the exam shows ``path`` (a regular expression below the attempt)."""
        expected = re.compile(rf"/exam/{self.attempt}/{path}")
        self.page.wait_for_function(
            "source => { const f = document.getElementById('proview-frame');"
            " const w = f ? f.contentWindow : window; return new RegExp(source).test(w.location.pathname + w.location.search)"
            " && w.document.readyState === 'complete' }",
            arg=expected.pattern,
        )

    def begin(self) -> None:
        self.wait_exam("instructions")
        self.exam.get_by_role("button", name="Begin").click()
        self.wait_exam("q/1")

    def answer(self, number: int) -> None:
        """Answers question ``number`` and goes to the next page."""
        self.wait_exam(f"q/{number}")
        frame = self.exam
        if number == 1:
            frame.get_by_label("The median").check()
        elif number == 2:
            frame.get_by_label("Time until the next bus arrives").check()
        else:
            frame.locator("[name=answer]").fill("1.5" if number == 5 else f"answer {number}")
        frame.get_by_role("button", name="Next").click()
        self.wait_exam(f"q/{number + 1}" if number < 5 else "upload")

    def finish(self) -> None:
        """From the upload page over the review to the end."""
        self.wait_exam("upload")
        self.hand_in()

    def hand_in(self) -> None:
        """To the review, whatever page is shown, and to the end; unanswered questions stay so."""
        self.exam.evaluate("path => location.href = path", self.address("review"))
        self.wait_exam("review")
        self.exam.get_by_role("button", name=re.compile("finish", re.I)).click()
        self.wait_exam("done")

    def address(self, name: str) -> str:
        """Where the site has a page of this attempt."""
        return f"/exam/{self.attempt}/{name}"

    def stop(self) -> None:
        """As a page does it: ProctorClient3.stop(callback), and waits for the callback."""
        self.page.evaluate("() => new Promise(resolve => window.ProctorClient3.stop(() => resolve(true)))")


def log_in_to_console(page: Page, console: str, password: str, name: str = "admin") -> None:
    page.goto(console)
    page.get_by_label(re.compile("user ?name|name", re.I)).first.fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name=re.compile("(log|sign) in", re.I)).click()
    expect(page).to_have_url(re.compile("/console/"))


def picture_changes(page: Page, selector: str) -> bool:
    """Whether a video shows other pixels after a while: read from the element, not from what it says of itself."""
    script = """async selector => {
        const shot = (video) => { const c = document.createElement('canvas'); c.width = 64; c.height = 48;
            const g = c.getContext('2d'); g.drawImage(video, 0, 0, 64, 48); return g.getImageData(0, 0, 64, 48).data.join() };
        let first;
        for (let i = 0; i < 100; i++) {
            const video = document.querySelector(selector), now = video?.videoWidth ? shot(video) : undefined;
            if (first && now && now !== first) return true;
            first ??= now;
            await new Promise(r => setTimeout(r, 100)) }
        return false }"""
    changed: Any = page.evaluate(script, selector)
    return bool(changed)
