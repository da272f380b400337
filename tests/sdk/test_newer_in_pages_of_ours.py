"""``window.Proview`` in pages that this server injected: the session of the tag is the one that the page joins."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import TAG, TAG_PAGE, agree, is_running, stop
from .fake_service import FakeService
from .test_shell import frame, open_shell, question

pytestmark = pytest.mark.browser

# As a page that was written for the newer SDK does it; no identifiers, since the server knows them.
USES = """<script>
    window.proviewOnLoad = async () => {
        try {
            const ready = await Proview.init({ dsn: 'account-token@exams.example.edu/1' });
            const { uuid, state } = await Proview.session.start();
            window.outcome = { ready, uuid, state };
        } catch (error) { window.outcome = { code: error.code }; }
    };
</script>"""


def test_a_page_in_the_shell_joins_its_session_and_every_page_again(service: FakeService, page: Page) -> None:
    question(service, 1, USES + '<a href="/q/2">next</a>')
    question(service, 2, USES)
    open_shell(service, page)
    expected = {"ready": True, "uuid": service.session.uuid, "state": "running"}
    assert outcome(page) == expected
    frame(page).get_by_role("link", name="next").click()
    frame(page).get_by_role("heading", name="Question 2").wait_for()
    assert outcome(page) == expected
    assert len(service.starts) == 1
    view = page.frame("proview-frame")
    assert view is not None
    assert view.evaluate("() => Proview.session.complete().then(({state}) => state)") == "completed"
    assert service.session.commands[-1] == ("stop", "complete")


def test_a_page_that_the_tag_starts_joins_it(service: FakeService, page: Page) -> None:
    service.page("/exam", USES, tag=TAG)
    page.goto(service.url + "/exam")
    agree(page)
    page.get_by_role("button", name="Start", exact=True).click()
    is_running(page)
    page.wait_for_function("() => window.outcome")
    assert page.evaluate("() => outcome") == {"ready": True, "uuid": service.session.uuid, "state": "running"}
    assert len(service.starts) == 1
    stop(page)
    assert page.evaluate("() => Proview.session.state") == "stopped"


def test_a_page_that_starts_itself_is_who_the_server_says(service: FakeService, page: Page) -> None:
    service.page("/exam", USES, tag=TAG_PAGE)
    page.goto(service.url + "/exam")
    assert page.evaluate("() => typeof ProctorClient3") == "undefined", (
        "as for React wrappers: not before the first call"
    )
    agree(page)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_function("() => window.outcome")
    assert page.evaluate("() => outcome.state") == "running"
    (told,) = service.starts
    assert told["token"] == "account-token" and told["route"] == "r0"
    assert not {"session", "profile_id", "attendee", "workflow"} & told.keys()


def outcome(page: Page) -> Any:
    view = page.frame("proview-frame")
    assert view is not None
    view.wait_for_function("() => window.outcome")
    return view.evaluate("() => outcome")
