"""The LMS-connector calls (contract 1.11) in the shapes that Moodle's plugins send: LP, Q7, QP."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from flask_proview.tokens import Kind

from .conftest import API_KEY, MOODLE, OTHER_TOKEN, PASSWORD, TOKEN, Service

CONNECTOR = "lms-connector.proview.io"
# What Q7 posts when a quiz is saved.
QUIZ: dict[str, Any] = {
    "action": 0, "quiz_id": 17, "quiz_title": "Mid-term", "course_id": 4, "course_module_id": 90, "attempts": 1,
    "timeopen": 0, "timeclose": 0, "timelimit": 3600, "overduehandling": "autosubmit", "graceperiod": 0,
    "proctoring_enabled": True, "proctoring_type": "record_review", "tsb_enabled": False, "proview_token": TOKEN,
    "scheduling_type": "bulk", "proctor_instructions": "", "candidate_instructions": "<p>No books.</p>",
    "reference_links": '[{"caption":"Rules","url":"https://moodle.example.edu/rules"}]', "blacklisted_windows_softwares": "",
    "blacklisted_mac_softwares": "", "whitelisted_windows_softwares": "", "whitelisted_mac_softwares": "",
    "minimize_permitted": False, "screen_protection": True, "timemodified": 1764000000,
}  # fmt: skip


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def wrapper_body(**changes: Any) -> dict[str, Any]:
    return {
        "session_external_id": "17-42-1", "attendee_external_id": 42, "redirect_url": f"{MOODLE}/mod/quiz/attempt.php?id=3",
        "expiry": tomorrow(), "is_secure_browser": False,
        "secure_browser": {"blacklisted_softwares_windows": [], "blacklisted_softwares_mac": [], "is_minimize": False, "is_record_screen": True},
        **changes,
    }  # fmt: skip


@pytest.mark.parametrize("host", [None, CONNECTOR, "auth.talview.com"])
def test_auth_gives_an_access_token(service: Service, host: str | None) -> None:
    answer = service.call("/auth", {"username": "admin@example.edu", "password": PASSWORD}, host=host, login=False)
    assert answer.get_json()["access_token"]


@pytest.mark.parametrize("site", [MOODLE, "https://lms.example.edu:8443", "https://lms.example.edu"])
def test_organisations_are_found_by_the_md5_of_the_site(service: Service, site: str) -> None:
    digest = hashlib.md5(site.encode(), usedforsecurity=False).hexdigest()
    answer = service.call("/organization/application", headers={"app-id": digest}, host=CONNECTOR, login=False)
    assert answer.get_json() == [{"id": "main", "name": "Example University"}]


def test_an_unknown_site_has_no_organisation(service: Service) -> None:
    digest = hashlib.md5(b"https://evil.example", usedforsecurity=False).hexdigest()
    assert service.call("/organization/application", headers={"app-id": digest}, login=False).get_json() == []


@pytest.mark.parametrize("app_id", ["", "x", "z" * 32, "a" * 33, MOODLE])
def test_a_malformed_app_id_is_400(service: Service, app_id: str) -> None:
    answer = service.call("/organization/application", headers={"app-id": app_id}, login=False)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation")


def test_tokens_are_listed_in_both_spellings(service: Service) -> None:
    listed = service.call("/proview/token", host=CONNECTOR).get_json()
    assert listed == [
        {"token": TOKEN, "proview_token": TOKEN, "name": "Example University"},
        {"token": OTHER_TOKEN, "proview_token": OTHER_TOKEN, "name": "second"},
    ]


def test_a_quiz_is_created_read_changed_and_deleted(service: Service) -> None:
    created = service.call("/quiz", QUIZ, host=CONNECTOR)
    assert created.status_code == 200 and isinstance(created.get_json(), dict)
    assert service.call("/quiz/17", host=CONNECTOR).get_json()["quiz_title"] == "Mid-term"
    service.call("/quiz", {**QUIZ, "action": "1", "quiz_title": "Final"})
    shown = service.call("/quiz/17").get_json()
    assert (shown["quiz_title"], shown["candidate_instructions"]) == ("Final", "<p>No books.</p>")
    assert "proview_token" not in shown
    deleted = {"action": 2, "quiz_id": "17", "proview_token": TOKEN, "userid": 2, "timecreated": 1}
    assert service.call("/quiz", deleted).status_code == 200
    assert service.call("/quiz/17").status_code == 404


def test_two_accounts_may_have_the_same_quiz_number(service: Service) -> None:
    service.call("/quiz", QUIZ)
    service.call("/quiz", {**QUIZ, "proview_token": OTHER_TOKEN, "quiz_title": "Theirs"})
    mine = service.runtime.quizzes.of_session("main", "17-42-1")
    theirs = service.runtime.quizzes.of_session("second", "17-42-1")
    assert mine is not None and theirs is not None
    assert (mine.title, theirs.title) == ("Mid-term", "Theirs")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"quiz_id": ""}, "quiz_id"),
        ({"quiz_id": "1-2"}, "quiz_id"),
        ({"quiz_id": {"$ne": 1}}, "quiz_id"),
        ({"quiz_id": True}, "quiz_id"),
        ({"action": 3}, "action"),
        ({"action": "drop"}, "action"),
        ({"action": None}, "action"),
        ({"proview_token": "unknown"}, "proview_token"),
        ({"proview_token": ["x"]}, "proview_token"),
        ({"proview_token": ""}, "proview_token"),
    ],
)
def test_a_bad_quiz_is_refused_with_its_field_and_nothing_is_stored(
    service: Service, change: dict[str, Any], path: str
) -> None:
    answer = service.call("/quiz", {**QUIZ, **change})
    assert answer.status_code in (400, 403)
    assert [error["path"] for error in answer.get_json()["validationErrors"]] == [path]
    assert service.call("/quiz/17").status_code == 404


def test_a_quiz_selects_type_title_and_instructions_of_its_sessions(service: Service) -> None:
    service.call("/quiz", QUIZ)
    body = {"token": TOKEN, "session": "17-42-1", "profile_id": 42}
    started = service.call("/v1/sessions", body, headers={"Origin": MOODLE}, login=False).get_json()
    assert started["policy"]["session_type"] == "record_and_review"
    assert started["policy"]["title"] == "Mid-term"
    assert started["policy"]["instructions"] == "<p>No books.</p>"
    assert "moodle.example.edu/rules" in started["policy"]["reference_links"]


def test_what_the_page_says_comes_before_the_quiz(service: Service) -> None:
    service.call("/quiz", QUIZ)
    body = {"token": TOKEN, "session": "17-42-2", "session_type": "ai_proctor", "title": "Mine", "options": {"quiz": {"candidate_instructions": "forged"}}}  # fmt: skip
    started = service.call("/v1/sessions", body, headers={"Origin": MOODLE}, login=False).get_json()
    assert (started["policy"]["session_type"], started["policy"]["title"]) == ("ai_proctor", "Mine")
    other = {"token": TOKEN, "session": "99-1-1", "options": {"quiz": {"candidate_instructions": "forged"}}}
    started = service.call("/v1/sessions", other, headers={"Origin": MOODLE}, login=False).get_json()
    assert started["policy"]["instructions"] is None


def test_recordings_of_a_quiz_are_a_bare_array(service: Service) -> None:
    first = service.session("17-42-1", final_rating="low", proview_index="high")
    second = service.session("17-42-2", proview_index="medium", attendee={"first_name": "Ada", "email": "a@b.c"})
    live = service.session("17-43", "43")
    service.session("170-42-1")
    service.session("1", "1")
    listed = service.call("/proview/playback?quiz_id=17&course_id=4&limit=50&offset=0", host=CONNECTOR).get_json()
    assert [row["session_uuid"] for row in listed] == [live.uuid, second.uuid, first.uuid]
    assert [row["attempt_no"] for row in listed] == [None, 2, 1]
    assert [row["final_rating"] for row in listed] == [None, "medium", "low"]
    assert listed[1]["proctor_token"] == TOKEN
    assert listed[1]["attendee"] == {"lms_user_id": "42", "first_name": "Ada", "last_name": "", "email": "a@b.c"}


def test_a_full_page_means_there_is_more(service: Service) -> None:
    for number in range(5):
        service.session(f"17-{number}-1", str(number))
    pages = [service.call(f"/proview/playback?quiz_id=17&limit=2&offset={at}").get_json() for at in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({row["session_uuid"] for page in pages for row in page}) == 5


def test_recordings_of_a_course_are_those_of_its_quizzes(service: Service) -> None:
    service.call("/quiz", QUIZ)
    service.session("17-42-1")
    service.session("18-42-1")
    assert len(service.call("/proview/playback?course_id=4").get_json()) == 1
    assert service.call("/proview/playback?course_id=5").get_json() == []
    assert service.call("/proview/playback").get_json() == []


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "offset=1e9", "limit=9999999999", "offset=%00"])
def test_malformed_paging_is_400(service: Service, query: str) -> None:
    assert service.call(f"/proview/playback?quiz_id=17&{query}").status_code == 400


@pytest.mark.parametrize("quiz", ["%25", "_", "'--", "17%00", "\u0661"])
def test_patterns_in_the_quiz_id_find_nothing(service: Service, quiz: str) -> None:
    service.session("17-42-1")
    assert service.call(f"/proview/playback?quiz_id={quiz}").get_json() == []


def test_a_wrapped_link_leads_to_the_exam(service: Service) -> None:
    made = service.call("/proview/wrapper/create", wrapper_body(), host=CONNECTOR).get_json()
    assert made["signed_url"] == made["signed_short_url"]
    link = urlsplit(made["signed_url"])
    assert (link.scheme, link.netloc) == ("https", "exam.example.edu")
    opened = service.call(link.path.removeprefix("/proview"), login=False)
    assert (opened.status_code, opened.headers["Location"]) == (303, f"{MOODLE}/mod/quiz/attempt.php?id=3")


def test_the_secure_browser_is_demanded_where_the_lms_says_so(service: Service) -> None:
    made = service.call("/proview/wrapper/create", wrapper_body(is_secure_browser=True)).get_json()
    path = urlsplit(made["signed_url"]).path.removeprefix("/proview")
    refused = service.call(path, login=False, headers={"User-Agent": "Mozilla/5.0 Chrome/140"})
    assert refused.status_code == 403
    assert 'href="tsb://moodle.example.edu/mod/quiz/attempt.php?id=3"' in refused.text
    secure = {"User-Agent": "Mozilla/5.0 Proview-SB/1.0"}
    assert service.call(path, login=False, headers=secure).status_code == 303


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/quiz",
        "//evil.example/",
        "/mod/quiz",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://moodle.example.edu@evil.example/",
        "https://evil.example\\@moodle.example.edu/",
        "https://moodle.example.edu\\.evil.example/",
        "https://moodle.example.edu.evil.example/",
        "https://moodle.example.edu:444/",
        "http://moodle.example.edu/",
        "https://moodle.example.edu/\nSet-Cookie: a=b",
        " https://moodle.example.edu/",
        "https://moodle.example.edu/" + "x" * 3000,
        "https://m\u00f6odle.example.edu/",
        17,
        None,
    ],
)
def test_a_link_leads_nowhere_else(service: Service, url: object) -> None:
    answer = service.call("/proview/wrapper/create", wrapper_body(redirect_url=url))
    assert answer.status_code == 400
    assert [error["path"] for error in answer.get_json()["validationErrors"]] == ["redirect_url"]


@pytest.mark.parametrize("expiry", ["2001-01-01T00:00:00Z", "soon", "", None, 17, "9" * 50, "0001-01-01T00:00:00Z"])
def test_a_link_needs_a_time_to_come(service: Service, expiry: object) -> None:
    answer = service.call("/proview/wrapper/create", wrapper_body(expiry=expiry))
    assert [error["path"] for error in answer.get_json()["validationErrors"]] == ["expiry"]


def test_an_expired_and_a_forged_link_are_explained(service: Service) -> None:
    claims = {"url": f"{MOODLE}/", "session": "s", "attendee": "a", "secure": False}
    old = service.runtime.signer.issue(Kind.WRAPPER, claims, -1)
    assert service.call(f"/wrapper/{old}", login=False).status_code == 410
    foreign = service.runtime.signer.issue(Kind.TICKET, claims, 60)
    for token in (foreign, "x", old[:-3] + "abc"):
        assert service.call(f"/wrapper/{token}", login=False).status_code in (404, 410)
    away = service.runtime.signer.issue(Kind.WRAPPER, {**claims, "url": "https://evil.example/"}, 60)
    assert service.call(f"/wrapper/{away}", login=False).status_code == 404


BEARER_CALLS = [
    ("/proview/token", None), ("/quiz/17", None), ("/quiz", QUIZ), ("/proview/wrapper/create", wrapper_body()),
    ("/proview/playback?quiz_id=17", None),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), BEARER_CALLS)
def test_calls_need_a_login_of_somebody_who_may(service: Service, path: str, body: object) -> None:
    nobody = service.call(path, body, login=False)
    assert (nobody.status_code, nobody.get_json()["code"]) == (401, "token_missing")
    service.runtime.users.add("pat", "proctor", PASSWORD)
    proctor = service.call("/auth", {"username": "pat", "password": PASSWORD}, login=False).get_json()["access_token"]
    header = {"Authorization": f"Bearer {proctor}"}
    assert service.call(path, body, login=False, headers=header).status_code == 403
    row = service.session("17-1-1")
    for kind in (Kind.SESSION, Kind.TICKET, Kind.LAUNCH, Kind.REFRESH):
        token = service.runtime.signer.issue(kind, {"sid": row.uuid, "user": "admin@example.edu"}, 60)
        wrong = service.call(path, body, login=False, headers={"Authorization": f"Bearer {token}"})
        assert wrong.status_code == 401, kind


def test_a_back_end_with_the_key_gets_launch_tokens(service: Service) -> None:
    body = {"proview_token": TOKEN, "session": "s-0.56", "profile_id": "p-0.12", "origin": MOODLE, "title": "Exam"}
    answer = service.call("/v1/launch-tokens", body, login=False, headers={"X-Api-Key": API_KEY})
    assert answer.status_code == 201
    start = {"launch": answer.get_json()["launch"], "token": TOKEN}
    started = service.call("/v1/sessions", start, login=False, headers={"Origin": MOODLE})
    assert (started.status_code, started.get_json()["session"]) == (201, "s-0.56")
    stolen = service.call("/v1/sessions", start, login=False, headers={"Origin": "https://lms.example.edu:8443"})
    assert stolen.get_json()["code"] == "launch_origin"


@pytest.mark.parametrize(
    ("token", "key"),
    [(TOKEN, ""), (TOKEN, API_KEY[:-1]), (OTHER_TOKEN, API_KEY), ("nobody", API_KEY), ("", "-"), (OTHER_TOKEN, "-")],
)
def test_without_the_account_s_own_key_there_is_no_launch_token(service: Service, token: str, key: str) -> None:
    body = {"token": token, "session": "s", "origin": MOODLE}
    answer = service.call("/v1/launch-tokens", body, login=True, headers={"X-Api-Key": key})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "api_key")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"session": ""}, "session"),
        ({"origin": "null"}, "origin"),
        ({"origin": "https://evil.example"}, "origin"),
        ({"origin": MOODLE + "/"}, "origin"),
        ({"origin": 7}, "origin"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"minutes": "60"}, "minutes"),
    ],
)
def test_a_bad_launch_request_names_its_field(service: Service, change: dict[str, Any], path: str) -> None:
    body = {"token": TOKEN, "session": "s", "origin": MOODLE, **change}
    answer = service.call("/v1/launch-tokens", body, login=False, headers={"X-Api-Key": API_KEY})
    assert [error["path"] for error in answer.get_json()["validationErrors"]] == [path]
