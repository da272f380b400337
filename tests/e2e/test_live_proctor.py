"""A candidate and a proctor, each in a Chromium of their own: photos, a rejection, being let in, and what is on record afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.stacks.harness import only_session, wait_finalised

from .browser import Candidate, chromium, log_in_to_console, picture_changes
from .installation import PASSWORD, Installation, installation, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.system]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, site="wsgi", route={"session_type": "live_proctor"}) as running:
        yield running


def photograph(page: Page, what: str) -> None:
    page.get_by_role("heading", name=f"Take a photo of your {what}").wait_for()
    page.get_by_role("button", name="Take photo").click()
    page.get_by_role("button", name="Use this photo").click()


def pictures_loaded(page: Page, count: int) -> None:
    page.wait_for_function(
        "count => { const all = [...document.querySelectorAll('[data-photos] img')];"
        " return all.length === count && all.every((one) => one.complete && one.naturalWidth >= 320) }",
        arg=count,
    )


def test_a_proctor_sees_who_it_is_rejects_and_lets_in(playwright: Playwright, running: Installation, tmp_path: Path) -> None:  # fmt: skip
    with (
        chromium(playwright, tmp_path / "candidate") as browser,
        chromium(playwright, tmp_path / "proctor") as second,
    ):
        candidate = Candidate(browser.new_page(), running.url)
        candidate.log_in()
        candidate.start_exam()
        page = candidate.page
        page.get_by_role("button", name="Agree and continue").click()
        page.get_by_role("button", name="Continue", exact=True).click()
        photograph(page, "ID")
        photograph(page, "face")
        page.get_by_role("button", name="Share screen and start").click()
        page.get_by_text("No proctor is here at the moment").wait_for()

        console = second.new_page()
        log_in_to_console(console, running.console, PASSWORD)
        row = console.locator("tbody tr").first
        expect(row.get_by_text("Waiting for approval")).to_be_visible()
        console.wait_for_function(
            "() => [...document.querySelectorAll('.thumbs img')].filter((one) => one.naturalWidth > 0).length === 2"
        )
        row.get_by_role("link").click()
        pictures_loaded(console, 2)
        console.wait_for_function("() => [...document.querySelectorAll('video')].some((one) => one.videoWidth > 0)")
        assert picture_changes(console, "video")
        page.get_by_text("You are in the queue").wait_for()
        console.get_by_role("button", name="Reject…").click()
        console.get_by_label("Why?").fill("Please hold the ID closer to the camera.")
        console.get_by_role("button", name="Reject", exact=True).click()
        page.get_by_text("Please hold the ID closer to the camera.").wait_for()
        expect(console.get_by_role("button", name="Let them begin")).to_be_hidden()

        page.get_by_role("button", name="Try again").click()
        photograph(page, "ID")
        photograph(page, "face")
        page.get_by_text("You are in the queue").wait_for()
        pictures_loaded(console, 4)  # the page of the proctor follows by itself, retakes beside what was there
        assert [frame.url for frame in page.frames if "/exam/" in frame.url] == [page.url], "only the shell is there"
        assert page.evaluate("window.ProctorClient3.state") == "starting"
        console.get_by_role("button", name="Let them begin").click()
        candidate.wait_running()
        candidate.begin()

        uuid = only_session(running)
        wait_until(lambda: running.details(uuid)["status"] == "running", what="the recording")
        candidate.hand_in()
        details = wait_finalised(running, uuid)
    assert details["approval"]["state"] == "approved"
    said = [(word["approval"], word["by"]) for word in reversed(details["approval"]["history"])]
    assert said == [("waiting", ""), ("rejected", "admin"), ("waiting", ""), ("approved", "admin")]
    assert [(one["kind"], one["version"]) for one in details["photos"]] == [("id", 2), ("id", 1), ("face", 2), ("face", 1)]  # fmt: skip
    names = [event["name"] for event in details["events"]]
    assert names.count("Photo ID capture") == names.count("Face capture") == 2
    assert names.index("Audio Test Passed") < names.index("Photo ID capture") < names.index("Candidate Rejected")
    assert {one["track"] for one in details["recordings"]} == {"camera", "screen"}
    approved = next(event for event in details["events"] if event["name"] == "Candidate Approved")
    began = min(one["offset_ms"] for one in details["recordings"])
    assert began < approved["at"] and approved["data"] == {"by": "admin"}
    assert "Traceback" not in running.log()
