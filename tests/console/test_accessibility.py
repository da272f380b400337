"""The console's pages and the framed player, looked at by axe: WCAG 2.2 AA, light and dark, wide and at 320 pixels, keys alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from flask_proview.sessions.callbacks import MOST_ATTEMPTS
from flask_proview.tokens import Kind
from tests.a11y.gallery import violations

from .conftest import Watched
from .test_approval_page import waiting
from .test_callbacks_page import add_callback
from .world import PASSWORD, World

pytestmark = [pytest.mark.browser, pytest.mark.media]

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def look(page: Page) -> list[str]:
    """What axe finds in both schemes; motion is off, so that nothing is judged half-way."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        found += [f"{scheme}: {one}" for one in violations(page)]
    return found


def test_axe_finds_nothing_on_any_page(watched: Watched, world: World) -> None:
    page = watched.page
    recorded = world.recorded_session(
        profile_id="Anna Weber", attendee={"identifier": "7", "email": "anna@example.edu"}, workflow={"identifier": "w"}
    )
    running = world.add_session(state="running", profile_id="Ben Okafor", ago_ms=0)
    world.add_event(running, 1000, 5)
    hopeful = waiting(world, "Chiara Rossi")
    add_callback(world, recorded, state="failed", attempts=MOST_ATTEMPTS, last_error="500")
    world.runtime.refusals.count("exam", "main", "domain", "quiz.example.org", "/exam/1", "not listed")
    ticket = world.runtime.signer.issue(Kind.TICKET, {"sid": recorded.uuid, "account": recorded.account}, 600)
    found: dict[str, list[str]] = {}

    page.goto(f"{watched.url}/proview/console/")
    found["login"] = look(page)
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    found["login refused"] = look(page)
    watched.log_in("admin")
    shown = {
        "list": "/",
        "empty list": "/?q=nobody",
        "recorded session": f"/sessions/{recorded.uuid}",
        "running session": f"/sessions/{running.uuid}",
        "waiting session": f"/sessions/{hopeful.uuid}",
        "problems": "/problems",
        "callbacks": "/callbacks",
        "error": "/sessions/none",
    }
    sideways = {}
    for name, path in shown.items():
        page.set_viewport_size({"width": 1280, "height": 860})
        watched.open(path)
        if name == "recorded session":
            page.wait_for_selector(".player")
        found[name] = look(page)
        if name == "waiting session":
            page.get_by_role("button", name="Reject…").click()
            found["rejecting"] = look(page)
            page.get_by_role("button", name="Back").click()
        page.set_viewport_size({"width": 320, "height": 640})
        sideways[name] = page.evaluate(SIDEWAYS)
    page.set_viewport_size({"width": 1280, "height": 860})
    page.goto(f"{watched.url}/proview/embedded/{recorded.uuid}?token={ticket}")
    page.wait_for_selector(".player")
    found["framed player"] = look(page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert {name: more for name, more in sideways.items() if more > 0} == {}


def test_keys_alone_log_in_open_a_session_and_rate_it(watched: Watched, world: World) -> None:
    row = world.recorded_session(profile_id="Anna Weber")
    page = watched.page
    page.goto(f"{watched.url}/proview/console/")
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent.trim()").startswith("Skip"), "past the navigation"
    tab_to(page, "Anna Weber")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/sessions/{row.uuid}")
    page.wait_for_selector(".player")
    tab_to(page, "high", attribute="value")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Save rating")
    page.keyboard.press("Enter")
    expect(page.locator("#review .history")).to_contain_text("medium")


def tab_to(page: Page, wanted: str, attribute: str = "textContent") -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        text = page.evaluate("(name) => String(document.activeElement?.[name] ?? '').trim()", attribute)
        if text.split("\n")[0].strip() == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by Tab")
