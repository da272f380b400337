"""The events of a session as reviewers see them: what they mean, what is a guess, what counts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from flask_proview.catalogue import EVENTS
from tests.service.build import ACCOUNT_TOKEN

from .conftest import Watched
from .test_player import open_player
from .world import Person, World


def test_the_index_names_all_that_counted_and_marks_guesses(world: World) -> None:
    row = world.add_session()
    for at, kind in ((1000, 5), (2000, 5), (3000, 10058), (4000, 10007), (5000, 13)):
        world.add_event(row, at, kind)
    reviewer = Person(world)
    reviewer.enter("rita")
    card = reviewer.get(f"/sessions/{row.uuid}").text.split('class="index"', 1)[1].split("</ul>", 1)[0]
    lines = [" ".join(re.sub(r"<[^>]+>", " ", li).split()) for li in re.findall(r"<li.*?</li>", card)]
    assert "92 of 100" in card
    assert lines == ["Window Focus-Out × 2 −6", "Developer Tools Suspected heuristic −2"]
    assert EVENTS[5].meaning in card


def test_what_an_account_weighs_is_what_its_recordings_are_judged_by(tmp_path: Path, template: Path) -> None:
    account = {"name": "main", "token": ACCOUNT_TOKEN, "domains": ["exam.example.edu"], "stake": "high"}
    world = World(tmp_path, template, accounts=[{**account, "event_weights": {"Text Pasted": 0, 10063: 4}}])
    try:
        row = world.add_session()
        for at, kind in ((1000, 5), (2000, 10006), (3000, 10063), (4000, 6)):
            world.add_event(row, at, kind)
        world.finalise(row)
        reviewer = Person(world)
        reviewer.enter("rita")
        assert world.refresh(row).proview_score == 100 - 2 * 3 - 4 - 2 * 1
        assert "88 of 100" in reviewer.get(f"/sessions/{row.uuid}").text
    finally:
        world.close()


@pytest.mark.browser
@pytest.mark.media
def test_guesses_are_marked_and_filtered_and_every_event_says_what_it_means(watched: Watched, world: World) -> None:
    row = world.add_session()
    world.add_run(row, "camera", 0, 4)
    world.add_event(row, 500, 10058, pixels=480)
    world.add_event(row, 1000, 10007)
    world.add_event(row, 1500, 5)
    world.add_event(row, 2000, 424_242, "fake\u202eevent\u200b", file="gnp\u202eexe")
    world.finalise(row)
    page = open_player(watched, row)
    events = page.locator(".event-list .event")
    expect(events).to_have_count(4)
    expect(events.nth(0)).to_contain_text("heuristic")
    expect(events.nth(0)).to_have_attribute("title", re.compile("a reason to look and not a finding"))
    expect(events.nth(1)).to_have_attribute("title", re.compile("never counts against the candidate"))
    expect(events.nth(2).locator(".guess")).to_have_count(0)
    expect(events.nth(3)).to_contain_text("fake\ufffdevent\ufffd")
    expect(events.nth(3)).to_contain_text("gnp\ufffdexe")
    expect(page.get_by_text("Technical events never count against the candidate")).to_be_visible()
    expect(events.nth(0).locator(".event-meaning")).to_be_hidden()
    events.nth(0).click()
    expect(events.nth(0).locator(".event-meaning")).to_be_visible()
    chip = page.get_by_role("button", name="Heuristic 1")
    chip.click()
    expect(events).to_have_count(3)
    page.get_by_role("button", name="Technical 1").click()
    expect(events).to_have_count(2)
    chip.click()
    expect(events).to_have_count(3)


@pytest.mark.browser
@pytest.mark.media
def test_the_recording_of_a_running_session_says_what_events_mean(watched: Watched, world: World) -> None:
    row = world.add_session(state="running", ago_ms=0, length_ms=4000)
    world.add_run(row, "camera", 0, 4)
    world.add_event(row, 500, 10058)
    watched.log_in("rita")
    watched.open(f"/sessions/{row.uuid}")
    shown = watched.page.locator("[data-from-start] .event").first
    expect(shown).to_have_attribute("title", re.compile("a reason to look and not a finding"))
