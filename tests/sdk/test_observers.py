"""Events of the page reach the service once each, and the page's own handlers."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import TAG, eventually, is_running, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser


def test_events_are_delivered_once_through_outage_and_reload(service: FakeService, page: Page) -> None:
    service.page("/exam", "<input id=answer value=secret>", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)
    page.locator("#answer").select_text()
    page.keyboard.press("Control+C")
    service.go_down()
    page.keyboard.press("Control+X")
    page.keyboard.press("Control+V")
    page.wait_for_timeout(1500)
    page.evaluate("document.documentElement.requestFullscreen().then(() => document.exitFullscreen())")
    service.down = False
    page.reload()
    eventually(
        lambda: {"Text Copied", "Text Cut", "Text Pasted"} <= set(service.session.event_names()),
        "clipboard events",
        page=page,
    )
    is_running(page)
    stop(page)
    names = service.session.event_names()
    for name in ("Text Copied", "Text Cut", "Text Pasted"):
        assert names.count(name) == 1
    assert "secret" not in str(service.session.events)
    ids = [event["event_type_id"] for event in service.session.events.values()]
    assert {3, 9, 13, 113} <= set(ids)


def test_handlers_by_number_text_and_star_and_dom_events(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    page.evaluate(
        """() => { window.seen = []; const h = (label) => (e) => seen.push(label + ':' + e.event_type_id);
        ProctorClient3.on(10010, h('number')); ProctorClient3.on('10010', h('text')); ProctorClient3.on('*', (e) => e.event_type_id === 10010 && seen.push('star'));
        ProctorClient3.on(10010, () => { throw new Error('page bug') });
        const gone = h('gone'); ProctorClient3.on(10010, gone); ProctorClient3.off(10010, gone);
        addEventListener('proview:session-paused', (e) => seen.push('dom:' + e.detail.name + ':' + typeof e.detail.at)); }"""
    )
    page.evaluate("new Promise((resolve) => ProctorClient3.pause(resolve))")
    assert sorted(page.evaluate("seen")) == ["dom:Session Paused:number", "number:10010", "star", "text:10010"]


def test_leaving_the_window_is_reported_with_the_documented_ids(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    page.context.new_cdp_session(page).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    other = page.context.new_page()
    other.context.new_cdp_session(other).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    other.bring_to_front()
    eventually(
        lambda: 5 in [event["event_type_id"] for event in service.session.events.values()], "focus out", page=other
    )
    page.bring_to_front()
    eventually(
        lambda: 4 in [event["event_type_id"] for event in service.session.events.values()], "focus in", page=page
    )


def test_going_to_the_next_page_does_not_count_as_hiding_the_page(service: FakeService, page: Page) -> None:
    service.page("/exam", "<a href=/next>Next</a>", tag=TAG)
    service.page("/next", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    page.get_by_text("Next").click()
    page.wait_for_url("**/next")
    eventually(lambda: service.session.event_names().count("Session Joined") == 2, "the next page", page=page)
    # Events go in the order of their numbers: one of the first page would be there by now.
    assert "Page Hidden" not in service.session.event_names()


def test_idle_candidate_is_reported_and_so_is_the_return(service: FakeService, page: Page) -> None:
    service.policy["idle_ms"] = 1000
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    eventually(lambda: "User Idle" in service.session.event_names(), "idle", page=page)
    page.mouse.move(50, 60)
    eventually(lambda: "User Active" in service.session.event_names(), "active", page=page)


def test_live_offer_names_its_tracks_in_order_when_the_service_wants_it(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 1)
    service.say(service.session, {"type": "live", "wanted": True, "ice_servers": []})
    eventually(lambda: service.session.offers, "offer", page=page)
    offer = service.session.offers[0]
    assert list(offer["tracks"].values()) == ["camera", "microphone"]
    assert "a=candidate" in offer["sdp"] and offer["sdp"].count("a=sendonly") == 2
