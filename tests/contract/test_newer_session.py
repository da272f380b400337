"""Contract 2.3 to 2.5: ``Proview.session`` in every form of its calls, its states, types and errors, from another origin."""

from __future__ import annotations

import pytest

from flask_proview.sessions.models import State
from tests.service.build import wait_for

from .newer_site import WHO, Candidate

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_start_gives_its_output_when_the_recording_runs(seated: Candidate) -> None:
    assert seated.init() == {"ok": True}
    assert seated.js("() => Proview.session.state") == "init"
    output = seated.begin()["ok"]
    assert output["state"] == seated.js("() => Proview.session.state") == "running"
    assert output["attendee"]["identifier"] == WHO["attendee_identifier"]
    assert output["workflow"]["identifier"] == WHO["workflow_identifier"]
    row = seated.row(output["uuid"])
    assert (row.external_id, row.profile_id) == ("algebra-1:anna@example.edu", "anna@example.edu")
    assert output["workflow_step"] == {"identifier": row.external_id}
    assert output["type"] == "ai_proctor", "Dynamic: the account decides"
    assert seated.faults == []


@pytest.mark.parametrize(
    "form",
    [
        "start((...told) => answered.push(told))",
        "start({type: Proview.session.constant.type.Recorded})",
        "start({type: 'Recorded'}, (...told) => answered.push(told))",
        "start((...told) => answered.push(told), {type: 'Recorded'})",
        "start(null, (...told) => answered.push(told))",
    ],
)
def test_start_in_all_forms(seated: Candidate, form: str) -> None:
    seated.init(attendee_identifier=f"form {len(form)}")
    seated.js("() => { window.answered = []; }")
    output = seated.begin(f"Proview.session.{form}")["ok"]
    assert output["state"] == "running"
    told = seated.js("() => answered")
    assert told == ([[output, None]] if "answered" in form else []), "output first, error second"


def test_one_sitting_through_all_its_states(seated: Candidate) -> None:
    seated.init(attendee_identifier="states")
    registered = seated.call("Proview.session.register()")["ok"]
    assert registered["state"] == seated.js("() => Proview.session.state") == "registered"
    assert seated.row(registered["uuid"]).state == State.CREATED
    output = seated.begin()["ok"]
    assert output["uuid"] == registered["uuid"], "start goes on with the registered session"

    seated.js("() => { window.answered = []; }")
    paused = seated.call("Proview.session.pause((...told) => answered.push(told))")["ok"]
    assert paused["state"] == "paused" and seated.js("() => answered") == [[paused, None]]
    assert seated.row(output["uuid"]).state == State.PAUSED
    assert seated.call("Proview.session.pause()")["ok"]["state"] == "paused", "again: as it is"
    assert seated.call("Proview.session.resume({}, null)")["ok"]["state"] == "running"
    assert seated.row(output["uuid"]).state == State.RUNNING

    assert seated.call("Proview.session.start()")["ok"]["uuid"] == output["uuid"], "again: joins it"
    completed = seated.call("Proview.session.complete((...told) => answered.push(told))")["ok"]
    assert completed["state"] == seated.js("() => Proview.session.state") == "completed"
    assert seated.js("() => answered.length") == 2
    row = seated.row(output["uuid"])
    assert (row.state, row.end_reason) == (State.STOPPED, "complete")
    assert seated.js("() => errors") == [] and seated.faults == []


def test_stop_then_start_makes_the_next_session_of_the_same_exam(seated: Candidate) -> None:
    seated.init(attendee_identifier="again")
    first = seated.begin()["ok"]
    stopped = seated.call("Proview.session.stop((...told) => { window.answered = told; })")["ok"]
    assert stopped["state"] == "stopped" and seated.js("() => answered") == [stopped, None]
    assert seated.row(first["uuid"]).end_reason == "api"
    second = seated.begin()["ok"]
    assert second["uuid"] != first["uuid"] and seated.row(second["uuid"]).continues == first["uuid"]


def test_a_proctor_who_ends_the_session_is_told_apart(seated: Candidate) -> None:
    seated.init(attendee_identifier="ended")
    output = seated.begin()["ok"]
    seated.terminate(output["uuid"])
    # Nobody rang: the socket looks at the row every 15 s.
    seated.page.wait_for_function("() => Proview.session.state === 'terminated'", timeout=30_000)
    wait_for(lambda: seated.js("() => errors.map(({code}) => code)") == ["session_terminated"], "the error")
    assert seated.call("Proview.session.stop()")["error"]["code"] == "session_missing"


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        ("Proview.session.constant.type.Recorded", "ai_proctor"),
        ("Proview.session.constant.type.RecordedAndReview", "record_and_review"),
        ("Proview.session.constant.type.Live", "live_proctor"),
        ("Proview.session.constant.type.Dynamic", "ai_proctor"),
        ("'record_and_review'", "record_and_review"),
        ("'recorded-and-review'", "record_and_review"),
    ],
)
def test_types_are_ours_under_other_names(seated: Candidate, given: str, ours: str) -> None:
    seated.init(attendee_identifier=given)
    output = seated.call(f"Proview.session.register({{type: {given}, identifier: 'types'}})")["ok"]
    row = seated.row(output["uuid"])
    assert (row.session_type, row.external_id, output["type"]) == (ours, "types", ours)


def test_the_constants_are_the_documented_ones_and_cannot_be_changed(seated: Candidate) -> None:
    assert seated.js("() => Object.keys(Proview.session.constant.type)") == ["Recorded", "RecordedAndReview", "Live", "Dynamic"]  # fmt: skip
    states = ["init", "registered", "running", "paused", "suspended", "terminated", "stopped", "completed"]
    assert seated.js("() => Object.values(Proview.session.constant.state)") == states
    assert seated.js("() => { try { Proview.session.constant.state.running = 'x'; } catch {} return Proview.session.constant.state.running; }") == "running"  # fmt: skip


def test_an_error_is_an_error_with_code_type_and_what_was_wrong(seated: Candidate) -> None:
    seated.init()
    error = seated.call("Proview.session.start({type: 'Holographic', title: 7, identifier: {}})")["error"]
    assert error["isError"] and error["code"] == "options_invalid" and error["type"] == "critical"
    assert "Proview.session.start" in error["message"]
    assert {one["path"]: one["code"] for one in error["validationErrors"]} == {"type": "choice", "identifier": "type"}
    assert seated.js("() => errors")[-1] == error, "the handler gets the same"


def test_a_failure_that_nobody_waits_for_is_not_unhandled(seated: Candidate) -> None:
    seated.js("() => { window.unhandled = 0; addEventListener('unhandledrejection', () => { unhandled += 1; }); }")
    seated.js("() => { Proview.init(); Proview.session.start(); Proview.session.stop(); Proview.setAttendee(); }")
    seated.page.wait_for_function("() => errors.length === 4")
    seated.js("() => new Promise((resolve) => setTimeout(resolve, 50))")
    assert seated.js("() => unhandled") == 0 and seated.faults == []


def test_what_the_candidate_can_put_right_is_a_warning_while_start_waits(seated: Candidate) -> None:
    seated.init(attendee_identifier="undecided")
    seated.js("() => { window.outcome = null; Proview.session.start((output, error) => { outcome = [output?.state, error?.code]; }); }")  # fmt: skip
    seated.page.get_by_role("button", name="I do not agree").click()
    seated.page.wait_for_function("() => errors.length")
    error = seated.js("() => errors[0]")
    assert (error["code"], error["type"], seated.js("() => outcome")) == ("consent_refused", "warning", None)
    seated.page.get_by_role("button", name="Back").click()
    seated.agree()
    seated.page.wait_for_function("() => outcome")
    assert seated.js("() => outcome") == ["running", None]


def test_stopping_before_the_recording_runs_answers_both_calls(seated: Candidate) -> None:
    seated.init(attendee_identifier="early")
    seated.js("() => { window.outcome = null; Proview.session.start((output, error) => { outcome = [output, error?.code]; }); }")  # fmt: skip
    seated.page.get_by_role("button", name="Agree and continue").wait_for()
    assert seated.call("Proview.session.stop()")["ok"]["state"] == "stopped"
    assert seated.js("() => outcome")[1] == "stopped"
    row = next(row for row in seated.rows() if row.profile_id == "early")
    wait_for(lambda: seated.row(row.uuid).state == State.STOPPED, "the end on the service")


def test_calls_taken_off_the_object_work(seated: Candidate) -> None:
    seated.init(attendee_identifier="loose")
    assert seated.begin("(({start}) => start())(Proview.session)")["ok"]["state"] == "running"
    assert seated.call("(({stop}) => stop())(Proview.session)")["ok"]["state"] == "stopped"
