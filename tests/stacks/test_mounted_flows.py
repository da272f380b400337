"""The exam in Chromium with the middleware mounted in six servers, in both modes; and a proctor where there is no socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import Candidate, log_in_to_console, picture_changes, somebodys
from tests.e2e.installation import PASSWORD, wait_until

from .harness import MODES, pieces, session_of, take_exam, wait_finalised
from .mounted import DEMO_SITE, SERVERS, Mounted, mounted, open_folder

pytestmark = [pytest.mark.browser, pytest.mark.system]
WITHOUT_SOCKETS = [name for name, server in SERVERS.items() if not server.websockets]


@pytest.fixture(scope="module", params=list(SERVERS))
def running(request: pytest.FixtureRequest) -> Iterator[Mounted]:
    server = SERVERS[request.param]
    reason = server.why_not()
    if reason is not None:
        pytest.skip(f"{reason}: run `make system`")
    with open_folder() as folder, mounted(server, folder, site=DEMO_SITE, route={"mode": MODES[0]}) as one:
        yield one
        assert "Traceback" not in one.log()


@pytest.mark.parametrize("mode", MODES)
def test_the_exam_is_proctored_from_login_to_the_done_page(
    shared_chromium: Browser, running: Mounted, mode: str
) -> None:
    """Started by the tag and stopped by the stop path; signaling goes the way that the server can carry, by itself."""
    take_exam(shared_chromium, running, mode)


@pytest.mark.parametrize("running", WITHOUT_SOCKETS, indirect=True, scope="module")
def test_a_proctor_watches_live_and_ends_an_exam_that_has_no_socket(shared_chromium: Browser, running: Mounted) -> None:
    with somebodys(shared_chromium) as mine, somebodys(shared_chromium) as proctor:
        candidate = Candidate.seated(mine, running.url)
        uuid = session_of(running, candidate)

        page = proctor.new_page()
        log_in_to_console(page, running.console, PASSWORD)
        page.goto(f"{running.console}sessions/{uuid}")
        page.wait_for_function("() => [...document.querySelectorAll('video')].some(v => v.videoWidth > 0 && !v.paused)")
        assert picture_changes(page, "video")

        candidate.answer(1)
        wait_until(lambda: len(pieces(running, uuid)) >= 3, what="some seconds of recording")
        page.get_by_role("button", name="Terminate session").click()
        page.get_by_role("button", name="Terminate", exact=True).click()
        candidate.page.get_by_text("was ended (terminated)").wait_for()
        assert wait_finalised(running, uuid)["status"] == "terminated"
        assert candidate.sockets == []
