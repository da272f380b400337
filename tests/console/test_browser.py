"""The console's pages in a real browser: list, session, hostile text, narrow screens, keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from flask_proview.sessions.models import State

from .conftest import Watched
from .test_pages import HOSTILE
from .world import Person, World

pytestmark = pytest.mark.browser


def test_a_new_session_appears_by_itself_and_its_state_changes(watched: Watched, world: World) -> None:
    watched.log_in()
    page = watched.page
    expect(page.get_by_text("No sessions yet")).to_be_visible()
    row = world.add_session(state="running", profile_id="Anna Weber", ago_ms=0)
    expect(page.get_by_role("link", name="Anna Weber")).to_be_visible()
    expect(page.locator("tr .badge")).to_have_text("Running")
    expect(page.locator("[data-open-count]")).to_have_text("1")
    world.runtime.sessions.end(row.uuid, State.STOPPED, "page")
    expect(page.locator("tr .badge")).to_have_text("Completed")
    expect(page.locator("tr")).to_contain_text(["Duration", "Preparing recording"])
    page.get_by_role("link", name="Anna Weber").click()
    page.wait_for_url(f"**/sessions/{row.uuid}")


def test_events_of_a_running_session_appear_and_termination_asks_first(watched: Watched, world: World) -> None:
    row = world.add_session(state="running", profile_id="Anna Weber", ago_ms=0)
    watched.log_in("pat")
    watched.open(f"/sessions/{row.uuid}")
    page = watched.page
    expect(page.get_by_text("Events appear here as they happen")).to_be_visible()
    world.add_event(row, 4000, 5, target="<b>other tab</b>")
    expect(page.locator(".event")).to_contain_text("Window Focus-Out")
    expect(page.locator(".event-detail")).to_have_text("target: <b>other tab</b>")
    page.get_by_role("button", name="Terminate session").click()
    page.get_by_role("button", name="Keep running").click()
    assert world.refresh(row).state == State.RUNNING
    page.get_by_role("button", name="Terminate session").click()
    page.get_by_role("button", name="Terminate", exact=True).click()
    expect(page.locator("[data-state-badge]")).to_have_text("Terminated")
    assert world.refresh(row).state == State.TERMINATED


def test_the_page_of_a_running_session_follows_its_end(watched: Watched, world: World) -> None:
    row = world.add_session(state="running", ago_ms=0)
    watched.log_in("rita")
    watched.open(f"/sessions/{row.uuid}")
    expect(watched.page.get_by_text("The session is running")).to_be_visible()
    world.runtime.sessions.end(row.uuid, State.STOPPED, "page")
    expect(watched.page.get_by_text("is being prepared")).to_be_visible()


def test_hostile_text_runs_nowhere(watched: Watched, world: World) -> None:
    made = []
    for number, text in enumerate(HOSTILE):
        state = "running" if number % 2 else "stopped"
        row = world.add_session(
            state=state, external_id=text, profile_id=text, title=text, user_agent=text, origin=text, ago_ms=0
        )
        for at in range(3):
            world.add_event(row, at * 100, 999_999, text[:80], **{text[:40]: text, "note": text})
        if state == "stopped":
            world.finalise(row)
        made.append(row)
    route, account, reason, host, *_ = HOSTILE
    world.runtime.refusals.count(route, account, reason, host, path=HOSTILE[0], detail=HOSTILE[1])
    watched.log_in()
    page = watched.page
    expect(page.locator("tbody tr")).to_have_count(len(made))
    with page.expect_response("**/sessions.json*"):
        pass
    for row in made:
        watched.open(f"/sessions/{row.uuid}")
        expect(page.locator(".event").first).to_be_visible()
    watched.open("/problems")
    assert page.evaluate("() => document.querySelectorAll('img, svg:not(.mark), script:not([src])').length") == 0
    # Watched asserts at the end: no dialog, no error, no CSP violation.


def test_the_list_says_when_the_login_has_ended(watched: Watched, world: World) -> None:
    world.add_session()
    watched.log_in()
    world.runtime.users.set_disabled("admin", True)
    expect(watched.page.get_by_text("You have been logged out")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_no_page_scrolls_sideways(watched: Watched, world: World, width: int) -> None:
    row = world.add_session(external_id="x" * 120, profile_id="A" * 90, title="word " * 40)
    world.add_event(row, 1000, 5, text="y" * 200)
    world.finalise(row)
    world.runtime.refusals.count("exam", "main", "domain", "http://" + "h" * 120, "/p" * 100, "d" * 300)
    watched.page.set_viewport_size({"width": width, "height": 700})
    watched.log_in()
    for path in ["/", f"/sessions/{row.uuid}", "/problems", "/callbacks", "/sessions/none"]:
        watched.open(path)
        if path.endswith(row.uuid):
            watched.page.wait_for_selector(".player")
        assert sideways(watched.page) <= 0, path


def sideways(page: Page) -> int:
    found: int = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    return found


def test_every_control_has_a_name_and_the_page_its_landmarks(watched: Watched, world: World) -> None:
    row = world.recorded_session()
    watched.log_in()
    for path in ["/", f"/sessions/{row.uuid}", "/problems", "/callbacks"]:
        watched.open(path)
        page = watched.page
        if path.endswith(row.uuid):
            page.wait_for_selector(".player")
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea, [role=slider]')]
                .filter(e => !e.closest('[aria-hidden=true]') && !(e.ariaLabel || e.labels?.length || e.textContent.trim()))
                .map(e => e.outerHTML)"""
        )
        assert nameless == []
        assert page.locator("main").count() == 1 and page.locator("h1").count() == 1
        assert page.get_by_role("navigation", name="Console").count() == 1


def test_the_keyboard_reaches_a_session_from_the_login(watched: Watched, world: World) -> None:
    row = world.add_session()
    page = watched.page
    page.goto(f"{watched.url}/proview/console/")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type("correct-horse-battery")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('.c-who a')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/sessions/{row.uuid}")


def test_a_rating_is_given_in_the_page(watched: Watched, world: World) -> None:
    row = world.add_session()
    world.finalise(row)
    watched.log_in("rita")
    watched.open(f"/sessions/{row.uuid}")
    page = watched.page
    page.get_by_text("Should be talked about").click()
    page.get_by_label("Note").fill("<b>phone</b> at 0:10")
    page.get_by_role("button", name="Save rating").click()
    expect(page.locator(".review .history")).to_contain_text("<b>phone</b> at 0:10")
    assert world.refresh(row).final_rating == "medium"
    reviewer = Person(world)
    reviewer.enter("rita")
    assert reviewer.get("/sessions.json").get_json()["rows"][0]["rating"] == "medium"
