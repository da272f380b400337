"""Every policy in Chromium, with everything real: the SDK runs, captures and hands in pieces and events over the socket, and over
HTTP where there is no socket, under what the application (header) or its page (meta) demands.

One tab works through all cases of a mode: consent is asked once, each further page resumes the session with a run of its own.
Pages come plain in inline mode, gzipped over HTTP and in frame mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, WebSocket

from flask_proview.service.bundle import bundled
from flask_proview.service.loader import STATIC
from tests.chromium import AUTOPLAY, CHROMIUM, FAKE_DEVICES, FLAGS

from .policy_site import PolicySite, eventually, policy_site

pytestmark = [pytest.mark.browser, pytest.mark.system]

CSP, REPORT = "Content-Security-Policy", "Content-Security-Policy-Report-Only"
HASH = "'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"
TRUSTED = "require-trusted-types-for 'script'"


def meta(policy: str) -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def headers(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"headers": pairs}


CASES: dict[str, dict[str, Any]] = {
    "no policy": {},
    "script-src self": headers((CSP, "script-src 'self'")),
    "script-src nonce": headers((CSP, "script-src 'nonce-own'")),
    "script-src nonce strict-dynamic": headers(
        (CSP, "script-src 'nonce-own' 'strict-dynamic'; object-src 'none'; base-uri 'none'")
    ),
    "script-src hash": headers((CSP, f"script-src {HASH}")),
    "script-src hash strict-dynamic": headers((CSP, f"script-src 'strict-dynamic' {HASH}")),
    "script-src none": headers((CSP, "script-src 'none'")),
    "script-src-elem none": headers((CSP, "script-src 'self'; script-src-elem 'none'")),
    "script-src unsafe-inline without self": headers((CSP, "script-src 'unsafe-inline' https://cdn.example")),
    "default-src none": headers((CSP, "default-src 'none'")),
    "default-src self": headers((CSP, "default-src 'self'")),
    "connect-src none": headers((CSP, "connect-src 'none'")),
    "connect-src self": headers((CSP, "connect-src 'self'")),
    "connect-src https": headers((CSP, "connect-src https://api.example")),
    "worker-src none": headers((CSP, "worker-src 'none'; child-src 'none'")),
    "media-src none": headers((CSP, "media-src 'none'")),
    "img-src font-src none": headers((CSP, "img-src 'none'; font-src 'none'; manifest-src 'none'; object-src 'none'")),
    "style-src none": headers((CSP, "style-src 'none'")),
    "style-src self": headers((CSP, "style-src 'self'; style-src-attr 'none'")),
    "frame-src none": headers((CSP, "frame-src 'none'; child-src 'none'; form-action 'none'; base-uri 'none'")),
    "two policies in one header": headers((CSP, "script-src 'nonce-own', default-src 'none'; script-src 'none'")),
    "two headers": headers((CSP, "default-src 'none'"), (CSP, f"script-src {HASH}; connect-src 'none'")),
    "odd spelling": headers((CSP, "  DEFAULT-SRC\t'NONE' ;; Script-Src 'Self' ; script-src 'none';")),
    "sandbox": headers((CSP, "sandbox")),
    "sandbox allow-forms": headers((CSP, "sandbox allow-forms")),
    "sandbox allow-scripts": headers((CSP, "sandbox allow-scripts")),
    "frame-ancestors none": headers((CSP, "frame-ancestors 'none'"), ("X-Frame-Options", "DENY")),
    "upgrade-insecure-requests": headers((CSP, "upgrade-insecure-requests; block-all-mixed-content")),
    "trusted types": headers((CSP, TRUSTED)),
    "trusted types, names": headers((CSP, f"{TRUSTED}; trusted-types own dompurify")),
    "trusted types, none": headers((CSP, f"{TRUSTED}; trusted-types 'none'")),
    "report-only": headers(
        (REPORT, f"default-src 'none'; {TRUSTED}; trusted-types 'none'; report-uri /report; report-to here"),
        ("Reporting-Endpoints", 'here="/report"'),
    ),
    "embedder require-corp": headers(
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ),
    "embedder credentialless": headers(
        ("Cross-Origin-Embedder-Policy", "credentialless"), ("Cross-Origin-Opener-Policy", "same-origin")
    ),
    "origin-agent-cluster": headers(("Origin-Agent-Cluster", "?1"), ("X-Content-Type-Options", "nosniff")),
    "document-policy": headers(("Document-Policy", "force-load-at-top, document-write=?0, js-profiling")),
    "integrity-policy": headers(("Integrity-Policy", "blocked-destinations=(script)")),
    "referrer-policy no-referrer": headers(("Referrer-Policy", "no-referrer")),
    "permissions-policy": headers(
        ("Permissions-Policy", "camera=(), microphone=(), display-capture=(), fullscreen=(), geolocation=()")
    ),
    "permissions-policy twice": headers(
        ("Permissions-Policy", "camera=(self)"), ("Permissions-Policy", "camera=(), microphone=()")
    ),
    "permissions-policy malformed": headers(("Permissions-Policy", "camera=(, microphone 'none'")),
    "permissions-policy boolean": headers(("Permissions-Policy", "camera, microphone=?0")),
    "permissions-policy others": headers(
        ("Permissions-Policy", "screen-wake-lock=(), autoplay=(), ch-ua=(), encrypted-media=()")
    ),
    "permissions-policy report-only": headers(
        ("Permissions-Policy-Report-Only", "camera=();report-to=here, microphone=();report-to=here"),
        ("Reporting-Endpoints", 'here="/report"'),
    ),
    "feature-policy": headers(("Feature-Policy", "camera 'none'; microphone 'none'; fullscreen 'none'")),
    "meta script-src none": {"head": meta("script-src 'none'")},
    "meta nonce strict-dynamic": {"head": meta("script-src 'nonce-own' 'strict-dynamic'; object-src 'none'")},
    "meta default-src self": {"head": meta("default-src 'self'")},
    "meta trusted types": {"head": meta(f"{TRUSTED}; trusted-types 'none'")},
    "meta all but connect": {"head": meta("default-src 'none'; connect-src 'self'")},
    "meta referrer": {"head": '<meta name="referrer" content="no-referrer"><base href="https://elsewhere.example/">'},
    "all at once": headers(
        (CSP, f"default-src 'none'; sandbox; frame-ancestors 'none'; {TRUSTED}; trusted-types 'none'"),
        ("Permissions-Policy", "camera=(), microphone=()"),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Referrer-Policy", "no-referrer"),
        ("Integrity-Policy", "blocked-destinations=(script)"),
    ),
}
# A meta element stands in the body, which is never looked at: in inline mode it forbids the page to report, docs/policies.md.
ONLY_FRAMED: dict[str, dict[str, Any]] = {
    "meta connect-src none": {"head": meta("connect-src 'none'")},
    "meta default-src none": {"head": meta("default-src 'none'")},
}
# What decides about requests; the rest would only repeat the other two passes.
ABOUT_REQUESTS = [
    name for name in CASES if re.search("no policy|connect|default|two|odd|sandbox|upgrade|embedder|referrer|all", name)
]
NO_SOCKET = (
    "window.WebSocket = class extends EventTarget { constructor() { super(); throw new Error('no sockets'); } };"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicySite]:
    with policy_site(tmp_path_factory.mktemp("policies"), CASES | ONLY_FRAMED) as running:
        yield running


@pytest.fixture(autouse=True)
def _one_file(request: pytest.FixtureRequest) -> None:
    """A meta policy governs what is asked for after it was read: all but the first file of unbundled code."""
    case = getattr(request.node, "callspec", None)
    if case is not None and case.params["case"].startswith("meta") and not bundled(STATIC):
        pytest.skip("static/bundle was made from other sources: run make sdk")


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    # Permissions are granted instead of a faked prompt: that would hide what Permissions-Policy forbids.
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, AUTOPLAY, FAKE_DEVICES])
    try:
        yield browser
    finally:
        browser.close()


def candidate(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(permissions=["camera", "microphone"])
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture(scope="module")
def with_socket(browser: Browser) -> Iterator[Page]:
    yield from candidate(browser)


@pytest.fixture(scope="module")
def without_socket(browser: Browser) -> Iterator[Page]:
    for page in candidate(browser):
        page.context.add_init_script(NO_SOCKET)
        yield page


class Visit:
    """One page opened in a tab, and what the tab said meanwhile."""

    def __init__(self, site: PolicySite, page: Page) -> None:
        self.site = site
        self.page = page
        self.violations: list[str] = []
        self.reports: list[str] = []
        self.acknowledged_by_socket = 0
        self.puts = 0

    def __enter__(self) -> Visit:
        self.page.on("console", self._said)
        self.page.on("request", self._requested)
        self.page.on("websocket", self._socket)
        return self

    def __exit__(self, *_: object) -> None:
        self.page.remove_listener("console", self._said)
        self.page.remove_listener("request", self._requested)
        self.page.remove_listener("websocket", self._socket)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium asks for an icon by itself; a page that forbids images is told.
        if re.search(r"violates|violation|refused to|blocked", message.text, re.I) and "favicon" not in message.text:
            self.violations.append(message.text)

    def _requested(self, request: Request) -> None:
        self.puts += request.method == "PUT"
        if request.url.endswith("/report"):
            self.reports.append(request.post_data or "")

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._received)

    def _received(self, frame: str | bytes) -> None:
        self.acknowledged_by_socket += isinstance(frame, str) and '"ack"' in frame

    def pause(self) -> None:
        self.page.wait_for_timeout(100)

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)
        eventually(self._is_running, f"recording of {path}: {self.violations}", pause=self.pause)

    def _is_running(self) -> bool:
        # Evaluated by the debugger, which no policy of the page forbids.
        if self.page.evaluate("window.ProctorClient3 ? ProctorClient3.state : ''") == "running":
            return True
        for label in ("Agree and continue", "Start"):
            button = self.page.get_by_role("button", name=label, exact=True).and_(
                self.page.locator(":not([aria-disabled=true])")
            )
            if button.count():
                button.click()
        return False


@pytest.mark.parametrize("case", CASES)
def test_page_is_recorded_over_the_socket(site: PolicySite, with_socket: Page, case: str) -> None:
    _is_recorded(site, with_socket, f"/inline/socket/plain/{case}")


@pytest.mark.parametrize("case", ABOUT_REQUESTS)
def test_gzipped_page_is_recorded_over_http(site: PolicySite, without_socket: Page, case: str) -> None:
    _is_recorded(site, without_socket, f"/inline/http/gzip/{case}", socket=False)


@pytest.mark.parametrize("case", CASES | ONLY_FRAMED)
def test_framed_page_is_recorded_by_its_shell(site: PolicySite, with_socket: Page, case: str) -> None:
    visit = _is_recorded(site, with_socket, f"/frame/framed/gzip/{case}")
    frame = visit.page.frame("proview-frame")
    assert frame is not None
    eventually(lambda: frame.title() == case, "the page is shown in the frame", pause=visit.pause)
    # The framed page's own half: its client is the shell's.
    eventually(
        lambda: frame.evaluate("window.ProctorClient3 ? ProctorClient3.state : ''") == "running",
        "our code runs inside the frame",
        pause=visit.pause,
    )


def _is_recorded(site: PolicySite, page: Page, path: str, *, socket: bool = True) -> Visit:
    earlier, last_event = set(site.runs()), site.last_event()
    with Visit(site, page) as visit:
        visit.open(path)
        eventually(
            lambda: site.runs().keys() - earlier,
            "a piece of a new run is stored",
            pause=visit.pause,
        )
        eventually(
            lambda: "Recording Started" in site.events_after(last_event), "its events are stored", pause=visit.pause
        )
        if socket:
            eventually(lambda: visit.acknowledged_by_socket, "the socket acknowledged", pause=visit.pause)
        else:
            eventually(lambda: visit.puts, "pieces went by PUT", pause=visit.pause)
        # Constructed style sheets need no permission of style-src.
        look = page.locator("#proview_root .preview").evaluate("(box) => getComputedStyle(box).position")
        assert look == "fixed"
        # A stream is no fetch, so media-src has no say in the preview.
        eventually(
            lambda: page.locator("#proview_root video").evaluate("(video) => video.videoWidth > 0 && !video.paused"),
            "the preview plays",
            pause=visit.pause,
        )
        assert visit.violations == []
        assert visit.reports == []
    return visit
