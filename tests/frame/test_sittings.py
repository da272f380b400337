"""Whose session it is, where it ends, and what becomes of it when the window goes to other sites and comes back."""

from __future__ import annotations

import re
import uuid

import pytest
import requests

from .conftest import Window

pytestmark = [pytest.mark.browser, pytest.mark.system]


def log_in(window: Window, uid: str, to: str) -> None:
    """On the log-in page, wherever it is shown."""
    window.until(lambda: window.exam.locator("#uid").is_visible(), "log-in page")
    window.exam.evaluate(
        "([uid, to]) => { document.getElementById('uid').value = uid; document.getElementById('to').value = to }",
        [uid, to],
    )
    window.exam.evaluate("document.getElementById('in').click()")


def attempt() -> str:
    return uuid.uuid4().hex[:8]


def of(window: Window, *attempts: str) -> list[tuple[str, str, str]]:
    return [row for row in window.site.sessions() if row[0] in attempts]


def test_unprotected_pages_of_the_site_are_shown_in_the_frame_whatever_they_forbid(framed: Window) -> None:
    framed.seat()
    framed.go("/help")
    framed.until(lambda: framed.exam.locator("p", has_text="help").is_visible(), "help")
    framed.shows("/help")
    assert framed.page.evaluate("ProctorClient3.state") == "running"
    framed.exam.click("#next")
    framed.at("two")
    framed.shows("/exam/7/two")


def test_next_person_in_the_same_window_gets_a_session_of_their_own(framed: Window) -> None:
    one = attempt()
    framed.page.goto(framed.site.url + "/login")
    log_in(framed, "alice", f"/exam/{one}/one")
    framed.seat(f"/exam/{one}/one", by="login")
    framed.go("/logout")
    framed.until(lambda: framed.address() == "/login", "log-in page")
    log_in(framed, "bob", f"/exam/{one}/two")
    framed.page.get_by_role("button", name="Agree and continue").wait_for()
    framed.until(lambda: len(of(framed, one)) == 2, "two sessions")
    rows = of(framed, one)
    assert [(row[1]) for row in rows] == ["alice", "bob"]
    assert rows[0][2] == "stopped", "the first one's recording has ended"
    framed.agree()
    framed.at("two")
    assert framed.facts()["uid"] == "bob"


def test_error_page_after_logging_out_changes_nothing(framed: Window) -> None:
    one = attempt()
    framed.page.goto(framed.site.url + "/login")
    log_in(framed, "alice", f"/exam/{one}/one")
    framed.seat(f"/exam/{one}/one", by="login")
    framed.exam.evaluate("document.cookie = 'uid=; Path=/; Max-Age=0'")
    framed.go("status-403")
    framed.exam.wait_for_selector("#next")
    framed.page.wait_for_timeout(300)
    assert framed.page.evaluate("ProctorClient3.state") == "running"
    assert len(of(framed, one)) == 1


def test_another_attempt_of_the_same_person_is_another_session(framed: Window) -> None:
    one, two = attempt(), attempt()
    framed.seat(f"/exam/{one}/one")
    framed.go(f"/exam/{two}/two")
    framed.page.get_by_role("button", name="Agree and continue").wait_for()
    framed.agree()
    framed.at("two")
    framed.shows(f"/exam/{two}/two")
    assert [row[0] for row in of(framed, one, two)] == [one, two]


def test_post_to_a_protected_page_reaches_it_and_the_session_moves_into_the_shell(framed: Window) -> None:
    framed.page.goto(framed.site.url + "/post")
    framed.page.click("#send")
    framed.agree()
    assert framed.frame is None
    facts = framed.facts()
    assert (facts["method"], facts["form"], facts["referer"]) == (
        "POST",
        {"answer": "straight é"},
        framed.site.url + "/post",
    )
    before = len(framed.site.sessions())
    framed.exam.evaluate("location.href = 'two'")
    framed.running()
    framed.at("two")
    assert framed.frame is not None
    assert len(framed.site.sessions()) == before, "one session"


def test_post_of_another_site_is_not_repeated_as_ours(framed: Window) -> None:
    other = framed.site.url.replace("127.0.0.1", "localhost")
    framed.page.goto(other + "/help")
    framed.page.evaluate(
        "url => { const f = document.createElement('form'); f.method = 'post'; f.action = url; f.innerHTML = '<input name=lti value=launch>';"
        " document.body.append(f); f.submit() }",
        framed.site.url + f"/exam/{attempt()}/echo",
    )
    framed.agree()
    facts = framed.facts()
    assert (facts["method"], facts["form"]) == ("POST", {"lti": "launch"})
    assert facts["referer"] == other + "/", "the request itself, not one made again by the shell"


@pytest.mark.parametrize(
    "way",
    [
        "document.getElementById('away').click()",
        "location.href = '{other}/idp'",
        "document.getElementById('sso').click()",
    ],
)
def test_other_sites_get_the_window_and_the_session_goes_on_afterwards(framed: Window, way: str) -> None:
    other = framed.site.url.replace("127.0.0.1", "localhost")
    framed.seat()
    length = framed.page.evaluate("history.length")
    before = len(framed.site.sessions())
    framed.exam.evaluate(way.replace("{other}", other))
    framed.page.wait_for_url(re.compile("/idp"))
    assert framed.frame is None
    assert framed.page.evaluate("history.length") == length + 1
    framed.page.click("#back")
    framed.running()
    framed.at("two")
    framed.shows("/exam/7/two")
    assert len(framed.site.sessions()) == before


def test_form_posted_to_another_site_gets_the_window(window: Window) -> None:
    other = window.site.url.replace("127.0.0.1", "localhost")
    window.seat()
    window.exam.evaluate("document.getElementById('away-post').submit()")
    window.page.wait_for_url(other + "/idp")
    assert window.page.title() == "idp request"


def test_silent_sign_on_in_a_frame_of_the_page_stays_there(framed: Window) -> None:
    framed.seat()
    framed.go("silent-sso")
    framed.at("silent-sso")
    framed.page.wait_for_timeout(800)
    framed.at("silent-sso")
    assert framed.page.evaluate("ProctorClient3.state") == "running"
    assert len(framed.page.frames) == 3


@pytest.mark.parametrize("way", ["location.href = 'done'", "post", "redirect"])
def test_stop_path_ends_the_session_and_gives_the_camera_back(framed: Window, way: str) -> None:
    one = attempt()
    framed.page.add_init_script(
        "const gum = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        "navigator.mediaDevices.getUserMedia = async (c) => { const s = await gum(c); (window.opened ??= []).push(s); return s }"
    )
    framed.seat(f"/exam/{one}/one")
    script = "const f = document.createElement('form'); f.method = 'post'; f.action = 'done'; document.body.append(f); f.submit()"
    framed.exam.evaluate(
        f"void setTimeout(() => {{ {script if way != 'location.href = ' + chr(39) + 'done' + chr(39) else way} }})"
    )
    framed.until(lambda: of(framed, one)[0][2] == "stopped", "stopped")
    framed.until(
        lambda: framed.page.evaluate(
            "window.opened.every((s) => s.getTracks().every((t) => t.readyState === 'ended'))"
        ),
        "devices closed",
    )
    if way != "location.href = 'done'":
        framed.until(lambda: framed.exam.locator("p", has_text="help").is_visible(), "the page after the end")
    asked: list[str] = []
    framed.page.on("dialog", lambda dialog: asked.append(dialog.type))
    framed.page.close(run_before_unload=True)
    framed.page.context.new_page().wait_for_timeout(200)
    assert asked == []


def test_page_that_stops_its_own_session_goes_on_without_it(framed: Window) -> None:
    one = attempt()
    framed.seat(f"/exam/{one}/one")
    framed.exam.evaluate("new Promise((resolve) => ProctorClient3.stop(resolve))")
    framed.until(lambda: of(framed, one)[0][2] == "stopped", "stopped")
    framed.exam.evaluate("document.querySelector('[name=answer]').value = 'still here'")
    framed.go("/help")
    framed.until(lambda: framed.exam.locator("p", has_text="help").is_visible(), "help")
    assert len(of(framed, one)) == 1


def test_only_what_is_asked_for_a_frame_is_changed(framed: Window, sites: dict[str, object]) -> None:
    for destination, options, ancestors in (
        ("iframe", "SAMEORIGIN", "frame-ancestors 'self'"),
        ("document", "DENY", "frame-ancestors 'none'"),
        ("empty", "DENY", "frame-ancestors 'none'"),
    ):
        answer = requests.get(framed.site.url + "/help", headers={"Sec-Fetch-Dest": destination}, timeout=10)
        assert answer.headers["X-Frame-Options"] == options
        assert answer.headers["Content-Security-Policy"] == ancestors
