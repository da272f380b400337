"""Contract 2.2: ``init`` and its options, ``onError``, languages, attendee and workflow."""

from __future__ import annotations

from typing import Any

import pytest

from . import newer_site
from .newer_site import DSN, TOKEN, WHO, Candidate, Site

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_init_gives_a_promise_of_true_and_the_dsn_is_required(seated: Candidate) -> None:
    assert seated.js("(dsn) => Proview.init({dsn}) instanceof Promise", DSN)
    assert seated.init() == {"ok": True}
    for given in ({}, {"dsn": ""}, {"dsn": None}, None):
        error = seated.call("Proview.init(arg)", given)["error"]
        assert (error["code"], error["message"], error["type"]) == ("dsn_missing", "Missing DSN", "critical")
        assert error["validationErrors"] == [{"path": "dsn", "message": "is missing", "code": "missing"}]


@pytest.mark.parametrize(
    "dsn", [DSN, f"https://{TOKEN}@proview.example/42", f"https://{TOKEN}:secret@proview.example:8443/42/", TOKEN]
)
def test_every_form_of_a_dsn_means_the_account(seated: Candidate, dsn: str) -> None:
    assert seated.init(dsn=dsn, attendee_identifier="dsn") == {"ok": True}
    output = seated.call("Proview.session.register()")["ok"]
    assert seated.row(output["uuid"]).account == "main"


def test_a_dsn_of_no_account_is_refused_by_the_service(seated: Candidate) -> None:
    assert seated.init(dsn="0000@proview.example/1") == {"ok": True}
    error = seated.call("Proview.session.start()")["error"]
    assert error["code"] == "account_unknown"
    # The page goes on without proctoring.
    assert seated.js("() => document.querySelector('#proview_root').shadowRoot.querySelector('dialog').open") is False
    assert seated.init() == {"ok": True}, "and may try with another"


def test_there_is_one_error_handler_and_its_own_faults_are_logged(visit: Candidate, newer_exam: Site) -> None:
    visit.open(newer_exam.url + "/exam")
    visit.js("() => { window.first = 0; window.second = 0; Proview.onError(() => { first += 1; }); Proview.onError(() => { second += 1; throw new Error('theirs'); }); }")  # fmt: skip
    assert visit.call("Proview.init({})")["error"]["code"] == "dsn_missing"
    assert visit.js("() => [first, second]") == [0, 1]
    visit.js("() => Proview.onError('not a function')")
    visit.call("Proview.init({})")
    assert visit.js("() => [first, second]") == [0, 1]
    assert visit.faults == []


def test_languages_are_tags_and_the_best_fit_is_applied(seated: Candidate) -> None:
    tags = seated.js("() => Proview.getLanguages()")
    assert {"en", "de", "ar"} <= set(tags)
    assert seated.js("() => ['de-AT', 'pt_BR', 'xx', 'EN-us'].map((tag) => Proview.setLanguage(tag))") == ["de", "pt", "pt", "en"]  # fmt: skip
    assert seated.js("() => [null, 7, {}, [], 'x'.repeat(1e7)].map((tag) => Proview.setLanguage(tag))") == ["en"] * 5


@pytest.mark.parametrize("name", ["limit_languages", "allowed_languages"])
def test_languages_may_be_limited(seated: Candidate, name: str) -> None:
    seated.init(**{name: ["fr-FR", "de"], "language": "es"})
    assert seated.js("() => Proview.getLanguages()") == ["fr", "de"]
    assert seated.js("() => Proview.setLanguage('es')") in ("fr", "de")
    seated.init(**{name: ["tlh"]})
    assert seated.js("() => errors.at(-1).code") == "language_unsupported"


def test_the_candidate_reads_the_language_that_was_asked_for(seated: Candidate) -> None:
    seated.init(language="de-CH", attendee_identifier="language")
    seated.js("() => { Proview.session.start(); }")
    seated.page.get_by_role("button", name="Zustimmen und fortfahren").wait_for()


def test_attendee_and_workflow_are_kept_by_the_service(seated: Candidate) -> None:
    told: dict[str, Any] = {"identifier": "att-1", "first_name": "Anna", "last_name": "Weber", "country_code": "DEU", "shoe_size": 41}  # fmt: skip
    seated.init(attendee_identifier="somebody", workflow_identifier="something")
    attendee = seated.call("Proview.setAttendee(arg)", told)["ok"]
    assert attendee["email"] == "att-1@attendee.invalid" and "shoe_size" not in attendee
    assert seated.call("Proview.setWorkflow(arg)", {"identifier": 17, "title": "Algebra"})["ok"]["identifier"] == "17"
    output = seated.call("Proview.session.register()")["ok"]
    row = seated.row(output["uuid"])
    assert (row.profile_id, row.external_id, row.title) == ("att-1", "17:att-1", "Algebra")
    assert row.attendee["first_name"] == "Anna" and row.workflow == {"identifier": "17", "title": "Algebra"}
    # During a session they may be completed, not exchanged.
    seated.call("Proview.setAttendee(arg)", {**told, "email": "anna@example.edu"})
    assert seated.row(output["uuid"]).attendee["email"] == "anna@example.edu"
    other = seated.call("Proview.setAttendee({identifier: 'att-2'})")["error"]
    assert (other["code"], other["type"]) == ("session_running", "warning")


@pytest.mark.parametrize("call", ["setAttendee", "setWorkflow"])
def test_attendee_and_workflow_need_an_identifier(seated: Candidate, call: str) -> None:
    for given in ({}, None, {"email": "a@example.edu", "title": "x"}, {"identifier": ""}):
        error = seated.call(f"Proview.{call}(arg)", given)["error"]
        assert (error["code"], error["validationErrors"][0]["path"]) == ("options_invalid", "identifier")


@pytest.mark.parametrize("missing", ["attendee_identifier", "workflow_identifier"])
def test_start_needs_attendee_and_workflow(seated: Candidate, missing: str) -> None:
    options = {name: value for name, value in WHO.items() if name != missing}
    seated.call("Proview.init(arg)", {"dsn": DSN, **options})
    error = seated.call("Proview.session.start()")["error"]
    assert (error["code"], error["validationErrors"][0]["path"]) == ("identifier_missing", missing)


def test_a_session_identifier_takes_the_place_of_the_derived_one(seated: Candidate) -> None:
    seated.init(session_identifier="own-1")
    output = seated.call("Proview.session.register()")["ok"]
    assert seated.row(output["uuid"]).external_id == output["session_identifier"] == "own-1"


def test_the_picture_is_shown_in_the_container(visit: Candidate, newer_exam: Site) -> None:
    newer_exam.pages["/container"] = newer_site.html('<h1>Exam</h1><div id="here" style="width: 240px"></div>')
    visit.open(newer_exam.url + "/container")
    visit.init(container_id="here", attendee_identifier="container")
    assert visit.begin()["ok"]["state"] == "running"
    box = visit.page.locator("#here video").bounding_box()
    assert box is not None and box["width"] <= 240 and box["height"] > 100
    # Pages clear their elements whenever they like.
    visit.js("() => document.querySelector('#here').remove()")
    assert visit.call("Proview.session.stop()")["ok"]["state"] == "stopped"
    assert visit.faults == []


def test_a_container_that_is_not_there_is_no_fault(seated: Candidate) -> None:
    seated.init(container_id="nowhere", attendee_identifier="nowhere")
    assert seated.begin()["ok"]["state"] == "running"
    assert seated.page.locator("#proview_root video").count() == 1


def test_init_may_be_called_again_until_there_is_a_session(seated: Candidate) -> None:
    seated.init(attendee_identifier="one")
    assert seated.init(attendee_identifier="two") == {"ok": True}
    output = seated.call("Proview.session.register()")["ok"]
    assert output["attendee"]["identifier"] == "two"
    assert seated.init(attendee_identifier="three") == {"ok": True}
    assert seated.call("Proview.session.register()")["ok"]["uuid"] == output["uuid"]
    other = seated.init(dsn="another@proview.example/1")["error"]
    assert (other["code"], other["type"]) == ("already_initialised", "warning")
