"""Contract 2, bad input: wrong types, huge texts, polluting keys, calls in a wrong order. A clear error, and nothing stored."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from .newer_site import DSN, Candidate

pytestmark = [pytest.mark.browser, pytest.mark.system]

WRONG = ["{}", "[]", "() => 1", "true", "Symbol('x')", "NaN", "new Date()", "'x'.repeat(1e7)"]
FIELDS = ["attendee_identifier", "workflow_identifier", "session_identifier", "container_id", "language"]
THROWS = "new Proxy({}, {get() { throw new Error('trap'); }})"


@pytest.fixture
def untouched(seated: Candidate) -> Any:
    """Nothing that a test does reaches the database or breaks the page."""
    before = len(seated.rows())
    yield seated
    assert len(seated.rows()) == before
    assert seated.faults == []
    assert seated.js("() => ({}).polluted") is None
    assert seated.js("() => document.querySelector('h1').textContent") == "Exam"


def test_options_of_init_of_a_wrong_type(untouched: Candidate) -> None:
    for wrong, field in itertools.product(WRONG, ["dsn", *FIELDS]):
        error = untouched.call(f"Proview.init({{dsn: '{DSN}', {field}: {wrong}}})")["error"]
        assert error["code"] == "options_invalid"
        assert [one["path"] for one in error["validationErrors"]] == [field]
        assert len(error["message"]) < 300


def test_whole_arguments_of_a_wrong_type(untouched: Candidate) -> None:
    for wrong in ["'text'", "7", "true", "[]", "Symbol('x')"]:
        for call in ("init", "setAttendee", "setWorkflow", "session.start", "session.register", "session.stop"):
            error = untouched.call(f"Proview.{call}({wrong})")["error"]
            assert error["code"] == "options_invalid", (call, wrong)
    assert untouched.init() == {"ok": True}
    assert untouched.call("Proview.session.start({}, 'no function')")["error"]["validationErrors"][0]["path"] == "callback"  # fmt: skip


def test_lists_of_languages_of_a_wrong_type(untouched: Candidate) -> None:
    for wrong in ("7", "{}", "[7]", "[null]", "Array(1000).fill('en')", "['x'.repeat(1e7)]"):
        error = untouched.call(f"Proview.init({{dsn: '{DSN}', limit_languages: {wrong}}})")["error"]
        assert error["validationErrors"][0]["path"] == "limit_languages"
    assert len(untouched.js("() => Proview.getLanguages()")) >= 7


def test_objects_whose_fields_throw(untouched: Candidate) -> None:
    for call in ("init", "setAttendee", "session.start"):
        assert untouched.call(f"Proview.{call}({THROWS})")["error"]["code"] in ("internal", "not_initialised")


def test_keys_that_pollute_prototypes_mean_nothing(untouched: Candidate) -> None:
    hostile = """JSON.parse('{"__proto__": {"polluted": 1, "dsn": "evil"}, "constructor": {"prototype": {"polluted": 1}}, "identifier": "x"}')"""
    assert untouched.call(f"Proview.init({hostile})")["error"]["code"] == "dsn_missing"
    attendee = untouched.call(f"Proview.setAttendee({hostile})")["ok"]
    assert attendee == {"identifier": "x", "email": "x@attendee.invalid"}


def test_huge_texts_everywhere(untouched: Candidate) -> None:
    huge = "'x'.repeat(1e7)"
    untouched.init()
    for call in (
        f"setAttendee({{identifier: 'a', first_name: {huge}}})",
        f"setWorkflow({{identifier: 'a', title: {huge}}})",
        f"session.start({{title: {huge}}})",
        f"session.register({{identifier: {huge}}})",
        f"session.start({{type: {huge}}})",
    ):
        error = untouched.call(f"Proview.{call}")["error"]
        assert (error["code"], error["validationErrors"][0]["code"]) == ("options_invalid", "too_long")


def test_identifiers_too_long_to_make_one_of(untouched: Candidate) -> None:
    untouched.init(attendee_identifier="a" * 200, workflow_identifier="w" * 200)
    error = untouched.call("Proview.session.start()")["error"]
    assert (error["code"], error["validationErrors"][0]["path"]) == ("identifier_missing", "session_identifier")


def test_calls_before_init(untouched: Candidate) -> None:
    for call in ("start", "register"):
        assert untouched.call(f"Proview.session.{call}()")["error"]["code"] == "not_initialised"
    for call in ("stop", "complete", "pause", "resume"):
        error = untouched.call(f"Proview.session.{call}()")["error"]
        assert (error["code"], error["type"]) == ("session_missing", "warning")
    assert untouched.js("() => Proview.session.state") == "init"


def test_control_characters_are_refused_by_the_service(untouched: Candidate) -> None:
    untouched.init(attendee_identifier="a\nb")
    error = untouched.call("Proview.session.start()")["error"]
    assert error["code"] == "validation" and error["validationErrors"]


def test_identifiers_that_change_while_a_session_is_there(seated: Candidate) -> None:
    seated.init(attendee_identifier="fixed")
    first = seated.call("Proview.session.register()")["ok"]
    for options in ("{attendee_identifier: 'another'}", "{identifier: 'another'}", "{workflow_identifier: 'another'}"):
        error = seated.call(f"Proview.session.start({options})")["error"]
        assert (error["code"], error["type"]) == ("session_running", "warning")
    assert seated.call("Proview.session.register()")["ok"]["uuid"] == first["uuid"]
    assert seated.call("Proview.session.pause()")["error"]["code"] == "session_not_running"
    assert seated.call("Proview.session.stop()")["ok"]["state"] == "stopped"
