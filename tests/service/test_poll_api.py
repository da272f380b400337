from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_proview.service import server_facts as facts_module
from flask_proview.service.app import create_app
from flask_proview.service.ending import end_session
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.models import State

from .build import OTHER_ORIGIN, launch_token, make_config, post, put_piece, start, wait_for

TAB = "tab-one-0123456789"
OTHER_TAB = "tab-two-0123456789"


class Browser:
    """One page that polls."""

    def __init__(self, app: Flask, started: dict[str, Any], client: str = TAB) -> None:
        self._http = app.test_client()
        self._started = started
        self._client = client
        self.cursor: int | None = None

    def ask(self, **changes: Any) -> TestResponse:
        body = {"client": self._client, "cursor": self.cursor, **changes}
        path = f"/proview/v1/sessions/{self._started['session_uuid']}/poll"
        return post(self._http, path, body, token=self._started["session_token"])

    def poll(self, **changes: Any) -> dict[str, Any]:
        response = self.ask(**changes)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.get_json()
        self.cursor = answer["cursor"]
        return answer


@pytest.fixture
def started(app: Flask, runtime: Runtime) -> dict[str, Any]:
    return start(app, runtime)


@pytest.fixture
def browser(app: Flask, started: dict[str, Any]) -> Browser:
    return Browser(app, started)


def live(wanted: bool) -> dict[str, Any]:
    return {"type": "live", "wanted": wanted}


def test_the_first_poll_is_a_welcome(browser: Browser, started: dict[str, Any]) -> None:
    answer = browser.poll(t=12.5)
    assert answer["messages"] == [] and answer["cursor"] == 0
    assert (answer["t"], answer["state"], answer["reason"], answer["watchers"]) == (12.5, "created", None, 0)
    assert answer["started_at"] == started["started_at"] <= answer["server_time"]
    assert 2000 <= answer["poll_after_ms"] <= 3000
    assert "watchers" not in browser.poll()


def test_messages_come_until_the_cursor_says_that_they_came(
    browser: Browser, runtime: Runtime, started: dict[str, Any]
) -> None:
    browser.poll()
    runtime.commands.tell(started["session_uuid"], {"type": "note", "text": "one"})
    runtime.commands.tell(started["session_uuid"], live(True))
    first = browser.poll()
    assert first["messages"] == [
        {"type": "note", "text": "one"},
        {"type": "live", "wanted": True, "ice_servers": []},
    ]
    assert browser.poll(cursor=0)["messages"] == first["messages"], "an answer that was lost is given again"
    assert browser.poll()["messages"] == []
    assert browser.poll(cursor=0)["messages"] == [], "acknowledged is forgotten"


def test_a_new_page_gets_what_the_page_before_did_not_fetch(
    app: Flask, browser: Browser, runtime: Runtime, started: dict[str, Any]
) -> None:
    browser.poll()
    runtime.commands.tell(started["session_uuid"], {"type": "note", "text": "one"})
    assert browser.poll()["cursor"] == 1
    runtime.commands.tell(started["session_uuid"], {"type": "note", "text": "two"})
    browser.poll(cursor=1)
    new_page = Browser(app, started, OTHER_TAB)
    assert [m["text"] for m in new_page.poll()["messages"]] == ["two"]


def test_the_cursor_survives_a_restart(
    browser: Browser, runtime: Runtime, started: dict[str, Any], tmp_path: Path
) -> None:
    browser.poll()
    runtime.commands.tell(started["session_uuid"], {"type": "note", "text": "one"})
    browser.poll()
    runtime.commands.tell(started["session_uuid"], {"type": "note", "text": "two"})
    runtime.stop()
    again = build_runtime(make_config(tmp_path, media={"live": "off"}))
    again.start()
    try:
        page = Browser(create_app(again), started)
        page.cursor = browser.cursor
        assert [m["text"] for m in page.poll()["messages"]] == ["two"]
    finally:
        again.stop()


@pytest.mark.system
def test_of_ten_thousand_messages_the_newest_hundred_are_kept(
    browser: Browser, runtime: Runtime, started: dict[str, Any]
) -> None:
    browser.poll()
    for number in range(10_000):
        runtime.mailbox.put(started["session_uuid"], {"type": "note", "n": number})
    numbers: list[int] = []
    while messages := browser.poll()["messages"]:
        numbers += [message["n"] for message in messages]
    assert numbers == list(range(9_900, 10_000))


def test_the_newest_tab_wins(app: Flask, browser: Browser, started: dict[str, Any]) -> None:
    browser.poll()
    second = Browser(app, started, OTHER_TAB)
    second.poll()
    refused = browser.ask()
    assert (refused.status_code, refused.get_json()["code"]) == (409, "replaced")
    assert second.poll()["state"] == "created"


def test_an_end_by_a_proctor_is_told_with_its_reason(
    browser: Browser, runtime: Runtime, started: dict[str, Any]
) -> None:
    browser.poll()
    end_session(runtime, started["session_uuid"], State.TERMINATED, "proctor")
    answer = browser.poll(state="created")
    assert (answer["state"], answer["reason"]) == ("terminated", "proctor")


def test_answers_to_pieces_say_that_there_is_something_to_fetch(
    client: FlaskClient, browser: Browser, runtime: Runtime, started: dict[str, Any]
) -> None:
    uuid, token = started["session_uuid"], started["session_token"]
    browser.poll()
    answer = put_piece(client, uuid, token, b"first")
    assert answer.headers["X-Proview-Mail"] == "0"
    assert "X-Proview-Mail" in answer.headers["Access-Control-Expose-Headers"]
    runtime.commands.tell(uuid, live(True))
    assert put_piece(client, uuid, token, b"second", seq=1).headers["X-Proview-Mail"] == "1"
    end_session(runtime, uuid, State.TERMINATED, "proctor")
    last = put_piece(client, uuid, token, b"third", seq=2)
    assert last.headers["X-Proview-State"] == "terminated"
    assert "X-Proview-Mail" not in client.get("/proview/init.js").headers


def test_a_poll_is_a_sign_of_life(browser: Browser, runtime: Runtime, started: dict[str, Any]) -> None:
    with runtime.db.write() as db:
        from flask_proview.sessions.models import Session

        db.query(Session).update({Session.last_seen_at: 1})
    browser.poll()
    row = runtime.sessions.get(started["session_uuid"])
    assert row is not None and row.last_seen_at > 1


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"client": None}, "client"),
        ({"client": "short"}, "client"),
        ({"client": "x" * 65}, "client"),
        ({"client": "tab one 0123456"}, "client"),
        ({"client": ["tab-one-0123456789"]}, "client"),
        ({"cursor": -1}, "cursor"),
        ({"cursor": 2**53}, "cursor"),
        ({"cursor": True}, "cursor"),
        ({"cursor": 1.5}, "cursor"),
        ({"cursor": "0"}, "cursor"),
        ({"state": 7}, "state"),
    ],
)
def test_hostile_bodies_are_refused(browser: Browser, changes: dict[str, Any], path: str) -> None:
    refused = browser.ask(**changes)
    assert refused.status_code == 400
    assert [field["path"] for field in refused.get_json()["validationErrors"]] == [path]


def test_a_cursor_from_the_future_hides_nothing(browser: Browser, runtime: Runtime, started: dict[str, Any]) -> None:
    browser.poll()
    assert browser.poll(cursor=2**53 - 1)["cursor"] == 0
    runtime.commands.tell(started["session_uuid"], live(True))
    assert len(browser.poll()["messages"]) == 1


def test_only_the_sessions_own_token_and_origin_may_poll(
    app: Flask, client: FlaskClient, runtime: Runtime, started: dict[str, Any]
) -> None:
    path, body = f"/proview/v1/sessions/{started['session_uuid']}/poll", {"client": TAB}
    other = start(app, runtime, session="attempt-8")
    assert post(client, path, body).get_json()["code"] == "token_missing"
    assert post(client, path, body, token=other["session_token"]).get_json()["code"] == "token_foreign"
    assert post(client, path, body, token=started["drain_token"]).get_json()["code"] == "token_invalid"
    assert post(client, path, body, token=launch_token(runtime)).get_json()["code"] == "token_invalid"
    refused = post(client, path, body, token=started["session_token"], origin=OTHER_ORIGIN)
    assert refused.get_json()["code"] == "origin_refused"
    assert post(client, path, body, token=started["session_token"], origin=None).status_code == 403


def test_a_revoked_token_polls_no_more(browser: Browser, runtime: Runtime) -> None:
    from flask_proview.sessions.models import Session

    browser.poll()
    with runtime.db.write() as db:
        db.query(Session).update({Session.revoked: True})
    assert browser.ask().get_json()["code"] == "token_revoked"


def test_polling_without_pause_is_slowed_down(browser: Browser) -> None:
    browser.poll()
    statuses = [browser.ask().status_code for _ in range(60)]
    assert 429 in statuses and statuses[0] == 200


class TestHeld:
    """Where the server may hold a poll."""

    @pytest.fixture
    def runtime(self, tmp_path: Path) -> Iterator[Runtime]:
        runtime = build_runtime(make_config(tmp_path, media={"live": "off"}, server={"held_polls": 1}))
        runtime.start()
        yield runtime
        runtime.stop()

    @pytest.fixture
    def app(self, runtime: Runtime) -> Flask:
        app = create_app(runtime)
        inner = app.wsgi_app

        def threaded(environ: dict[str, Any], start_response: Any) -> Any:
            return inner({**environ, "wsgi.multithread": True}, start_response)

        app.wsgi_app = threaded  # type: ignore[method-assign]
        return app

    def held(self, runtime: Runtime, browser: Browser) -> tuple[threading.Thread, list[dict[str, Any]]]:
        answers: list[dict[str, Any]] = []
        thread = threading.Thread(target=lambda: answers.append(browser.poll(state="created")))
        thread.start()
        wait_for(lambda: len(runtime.places) == 1, "the poll to be held")
        return thread, answers

    def test_news_end_a_held_poll(self, browser: Browser, runtime: Runtime, started: dict[str, Any]) -> None:
        browser.poll()
        thread, answers = self.held(runtime, browser)
        runtime.commands.tell(started["session_uuid"], live(True))
        thread.join(10)
        assert answers[0]["messages"][0]["wanted"] is True
        assert answers[0]["poll_after_ms"] == 0
        thread, answers = self.held(runtime, browser)
        end_session(runtime, started["session_uuid"], State.TERMINATED, "proctor")
        thread.join(10)
        assert answers[0]["state"] == "terminated"
        assert len(runtime.places) == 0

    def test_a_second_poll_of_the_page_sends_the_first_one_home(
        self, browser: Browser, runtime: Runtime, started: dict[str, Any]
    ) -> None:
        browser.poll()
        first, answers = self.held(runtime, browser)
        second, more = self.held(runtime, browser)
        first.join(10)
        assert len(answers) == 1 and more == []
        end_session(runtime, started["session_uuid"], State.STOPPED, "page")
        second.join(10)
        assert more[0]["state"] == "stopped"

    def test_no_more_are_held_than_the_setting_says(
        self, app: Flask, browser: Browser, runtime: Runtime, started: dict[str, Any]
    ) -> None:
        browser.poll()
        thread, _ = self.held(runtime, browser)
        other = Browser(app, start(app, runtime, session="attempt-8"), OTHER_TAB)
        other.poll()
        assert other.poll(state="created")["state"] == "created", "answered at once"
        end_session(runtime, started["session_uuid"], State.STOPPED, "page")
        thread.join(10)

    def test_another_tab_ends_a_held_poll(
        self, app: Flask, browser: Browser, runtime: Runtime, started: dict[str, Any]
    ) -> None:
        browser.poll()
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(browser.ask(state="created").status_code))
        thread.start()
        wait_for(lambda: len(runtime.places) == 1, "the poll to be held")
        Browser(app, started, OTHER_TAB).poll()
        thread.join(10)
        assert statuses == [409]


def test_under_gevent_every_poll_may_wait(monkeypatch: pytest.MonkeyPatch, browser: Browser) -> None:
    monkeypatch.setattr(facts_module, "is_patched", lambda: True)
    assert browser.poll()["poll_after_ms"] == 0
