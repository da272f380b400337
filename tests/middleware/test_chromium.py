"""What the changed pages do in Chromium: the tag runs first, may import, fetch, open a connection for live pictures and use the camera.

Expected outcomes of every policy here are the rules of csp.py and permissions.py; a stand-in for the loader reports.
"""

from __future__ import annotations

import gzip
import shutil
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright

from flask_proview.middleware import InjectMiddleware
from tests.waitress_server import waitress_server

from .site import SIGNER, Recorder, config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]

LOADER = b"""
(function () {
  var report = { runs: (window.report ? window.report.runs : 0) + 1, first: document.head.firstElementChild === document.currentScript };
  window.report = report;
  function done(name) { return [function (v) { report[name] = v === undefined ? true : v; }, function (e) { report[name] = String(e); }]; }
  var imported = done('imported'), fetched = done('fetched'), camera = done('camera');
  import('/proview/outer.js').then(function (m) { imported[0](m.value); }, imported[1]);
  fetch('/proview/ping').then(function (r) { fetched[0](r.ok); }, fetched[1]);
  navigator.mediaDevices.getUserMedia({ video: true, audio: true }).then(function (s) { s.getTracks().forEach(function (t) { t.stop(); }); camera[0](true); }, camera[1]);
  try { new RTCPeerConnection().close(); report.live = true; } catch (e) { report.live = String(e); }
})();
"""
OURS = {
    "/proview/init.js": LOADER,
    "/proview/outer.js": b"import { value } from './inner.js'; export { value };",
    "/proview/inner.js": b"export const value = true;",
    "/proview/ping": b"ok",
}
PAGE = (
    b"<!doctype html><html lang=fr><!-- <head> --><head><title>t</title></head><body class=k><p>x</p>"
    b"<script nonce=own>window.own = true</script></body></html>"
)
CSP = "Content-Security-Policy"
CASES: dict[str, list[tuple[str, str]]] = {
    "no policy": [],
    "self": [(CSP, "script-src 'self'")],
    "nonce": [(CSP, "script-src 'nonce-own'")],
    "nonce and strict-dynamic": [(CSP, "script-src 'nonce-own' 'strict-dynamic'; object-src 'none'; base-uri 'none'")],
    "strict-dynamic with self": [
        (
            CSP,
            "default-src 'self'; script-src 'self' 'strict-dynamic' 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='",
        )
    ],
    "hash only": [(CSP, "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='")],
    "default-src none": [(CSP, "default-src 'none'")],
    "script-src none": [(CSP, "script-src 'none'")],
    "two policies in one header": [(CSP, "script-src 'nonce-own', script-src 'none'")],
    "two headers": [
        (CSP, "default-src 'none'"),
        (CSP, "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='; connect-src 'none'"),
    ],
    "script-src-elem none": [(CSP, "script-src 'self'; script-src-elem 'none'")],
    "unsafe-inline without self": [(CSP, "script-src 'unsafe-inline' https://cdn.example")],
    "default unsafe-inline": [(CSP, "default-src 'unsafe-inline' https://cdn.example")],
    "sandbox": [(CSP, "sandbox allow-forms")],
    "trusted types": [(CSP, "require-trusted-types-for 'script'; trusted-types 'none'")],
    "connect-src none": [(CSP, "connect-src 'none'")],
    "webrtc block": [(CSP, "webrtc 'block'")],
    "report-only": [("Content-Security-Policy-Report-Only", "script-src 'none'")],
    "embedder policy": [
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
    "permissions": [("Permissions-Policy", "camera=(), microphone=(), geolocation=()")],
    "permissions twice": [("Permissions-Policy", "camera=(self)"), ("Permissions-Policy", "camera=()")],
    "feature policy": [("Feature-Policy", "camera 'none'; microphone 'none'")],
}
# Whose own inline script ran before and must go on running.
INLINE_RUNS = {
    "no policy",
    "nonce",
    "nonce and strict-dynamic",
    "unsafe-inline without self",
    "default unsafe-inline",
    "connect-src none",
    "webrtc block",
}


def application() -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in OURS:
            start_response(
                "200 OK",
                [
                    ("Content-Type", "text/javascript"),
                    ("Content-Length", str(len(OURS[path]))),
                    ("Cross-Origin-Embedder-Policy", "require-corp"),
                ],
            )
            return [OURS[path]]
        coding, _, name = path.removeprefix("/exam/").partition("/")
        headers = CASES.get(name, [])
        body = gzip.compress(PAGE) if coding == "gzip" else PAGE
        encoded = [("Content-Encoding", "gzip")] if coding == "gzip" else []
        start_response(
            "200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body))), *encoded, *headers]
        )
        return [body]

    return app


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    late: list[WSGIApplication] = []
    with waitress_server(lambda environ, start_response: late[0](environ, start_response)) as port:
        url = f"http://127.0.0.1:{port}"
        settings = config({"path": "/exam/<coding>/<path:name>", "session": "path:name"}, domains=[url])
        late.append(InjectMiddleware(application(), settings, signer=SIGNER, observer=Recorder()))
        yield url


@pytest.fixture(scope="module")
def context(playwright: Playwright, base_url: str) -> Iterator[BrowserContext]:
    # Permissions are granted instead of a faked prompt: that would hide what Permissions-Policy forbids.
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    context = browser.new_context()
    context.grant_permissions(["camera", "microphone"], origin=base_url)
    try:
        yield context
    finally:
        context.close()
        browser.close()


def wait_until(page: Page, claim: str) -> None:
    """``wait_for_function`` evaluates inside the page, which strict policies forbid."""
    deadline = time.monotonic() + 20
    while not page.evaluate(f"!!({claim})"):
        assert time.monotonic() < deadline, page.evaluate("window.report")
        page.wait_for_timeout(20)


def report_of(context: BrowserContext, url: str) -> dict[str, Any]:
    page = context.new_page()
    try:
        page.goto(url)
        wait_until(page, "window.report && ['imported', 'fetched', 'camera', 'live'].every((n) => n in window.report)")
        return page.evaluate(  # type: ignore[no-any-return]
            "({ ...window.report, own: !!window.own, mode: document.compatMode, lang: document.documentElement.lang, title: document.title, body: document.body.className })"
        )
    finally:
        page.close()


@pytest.mark.parametrize("coding", ["plain", "gzip"])
@pytest.mark.parametrize("case", CASES)
def test_tag_runs_and_may_do_its_work(context: BrowserContext, base_url: str, case: str, coding: str) -> None:
    report = report_of(context, f"{base_url}/exam/{coding}/{case}")
    own = report.pop("own")
    assert report == {
        "runs": 1, "first": True, "imported": True, "fetched": True, "camera": True, "live": True,
        "mode": "CSS1Compat", "lang": "fr", "title": "t", "body": "k",
    }  # fmt: skip
    if case in INLINE_RUNS:
        assert own


def test_second_visit_is_tagged_too(context: BrowserContext, base_url: str) -> None:
    page = context.new_page()
    try:
        for _ in range(2):
            page.goto(f"{base_url}/exam/plain/self")
            wait_until(page, "window.report && window.report.runs === 1")
    finally:
        page.close()
