"""What the pages show: list, session, rating, problems, hostile text."""

from __future__ import annotations

import re
import uuid as uuids
from pathlib import Path

import pytest
from sqlalchemy import update

from flask_proview.errors import ApiError
from flask_proview.service.console import present
from flask_proview.service.console.listing import PAGE_SIZE, Filter
from flask_proview.service.console.ratings import history, rate
from flask_proview.sessions.models import Session, State

from .world import CONSOLE, Person, World

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</title><svg onload=alert(1)>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "\u202egnp.exe\u200b",
    "<!--<script>",
    "a" * 200 + "<b>",
]


def rows(person: Person, query: str = "") -> list[dict[str, object]]:
    found: list[dict[str, object]] = person.get(f"/sessions.json{query}").get_json()["rows"]
    return found


def test_an_empty_list_says_what_to_do(admin: Person) -> None:
    text = admin.get("/").text
    assert "No sessions yet" in text and "protected page" in text
    assert "Nothing matches" in admin.get("/?q=nothing").text


def test_the_newest_session_stands_on_top_and_older_ones_on_the_next_page(admin: Person, world: World) -> None:
    made = [
        world.add_session(profile_id=f"c{number}", external_id=f"e{number}").uuid for number in range(PAGE_SIZE + 3)
    ]
    first = admin.get("/sessions.json").get_json()
    assert [row["uuid"] for row in first["rows"]] == made[:2:-1]
    older = rows(admin, f"?before={first['next']}")
    assert [row["uuid"] for row in older] == made[2::-1]
    assert "Older sessions" in admin.get("/").text


@pytest.mark.parametrize("query", ["anna", "ANNA", "attempt-9", "algebra", "anna attempt-9", "linear%20alg"])
def test_search_finds_by_candidate_session_and_title(admin: Person, world: World, query: str) -> None:
    wanted = world.add_session(profile_id="Anna W", external_id="attempt-9", title="Linear Algebra")
    world.add_session(profile_id="bob", external_id="attempt-8", title="Statistics")
    assert [row["uuid"] for row in rows(admin, f"?q={query}")] == [wanted.uuid]


def test_search_finds_by_uuid_and_takes_wildcards_literally(admin: Person, world: World) -> None:
    row = world.add_session()
    assert [found["uuid"] for found in rows(admin, f"?q={row.uuid}")] == [row.uuid]
    assert [found["uuid"] for found in rows(admin, f"?q={row.uuid[:8]}")] == [row.uuid]
    assert rows(admin, "?q=%25") == [] and rows(admin, "?q=_") == []


@pytest.mark.parametrize(
    "query",
    [
        "?q=%00",
        "?before=9e9",
        "?before=-1",
        "?before=99999999999999999999",
        "?state=x'--",
        "?account=%00%00",
        "?q=" + "x" * 5000,
    ],
)
def test_hostile_queries_show_a_list(admin: Person, world: World, query: str) -> None:
    assert admin.get(f"/{query}").status_code == 200
    assert admin.get(f"/sessions.json{query}").status_code == 200


def test_state_and_account_narrow_the_list(admin: Person, world: World) -> None:
    running = world.add_session(state="running", profile_id="r")
    ended = world.add_session(state="expired", profile_id="e", account="open")
    assert [row["uuid"] for row in rows(admin, "?state=open")] == [running.uuid]
    assert [row["uuid"] for row in rows(admin, "?state=ended")] == [ended.uuid]
    assert [row["uuid"] for row in rows(admin, "?account=open")] == [ended.uuid]


def test_the_page_boundary_ignores_odd_numbers() -> None:
    assert Filter.parse({"before": "12"}).before == 12
    assert Filter.parse({"before": "१२"}).before is None


def test_coverage_comes_from_the_ledger(admin: Person, world: World) -> None:
    row = world.recorded_session()
    shown = rows(admin)[0]
    assert shown["ready"] is True and shown["pending"] is False
    coverage = shown["coverage"]
    assert isinstance(coverage, dict)
    assert 0.7 < coverage["camera"] < 0.95 and 0.8 < coverage["screen"] < 0.95
    assert f"/sessions/{row.uuid}" in admin.get("/").text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_candidate_wrote_is_text_in_every_page(admin: Person, world: World, text: str) -> None:
    row = world.add_session(
        external_id=text, profile_id=text, title=text, user_agent=text, address=text[:64], origin=text,
        attendee={"name": text, "email": text}, workflow={"identifier": text},
    )  # fmt: skip
    world.add_event(row, 100, 999_999, text[:80], note=text)
    world.runtime.refusals.count(text, text, text, text, text, text)
    for path in ["/", f"/?q={row.uuid}", f"/sessions/{row.uuid}", "/problems", "/callbacks"]:
        page = admin.get(path)
        assert page.status_code == 200, path
        assert len(re.findall("<script", page.text)) == 1, path
        assert "onerror=alert" not in re.sub(r"&lt;.*?&gt;", "", page.text)
        assert "<svg onload" not in page.text and "<img" not in page.text
        assert "49" not in re.findall(r"\{\{.*?\}\}", page.text)


def test_what_a_page_told_of_attendee_and_exam_is_shown(admin: Person, world: World) -> None:
    attendee = {"identifier": "7", "first_name": "Anna", "last_name": "Weber", "email": "7@attendee.invalid", "country": "Chile"}  # fmt: skip
    row = world.add_session(profile_id="7", attendee=attendee, workflow={"identifier": "w-1", "title": "Algebra II"})
    page = admin.get(f"/sessions/{row.uuid}").text
    assert "Anna Weber" in page and "Chile" in page and "Algebra II" in page
    assert "attendee.invalid" not in page, "an address that was only made up"


def test_an_unknown_session_is_404_whatever_its_spelling(admin: Person, world: World) -> None:
    row = world.add_session()
    for wrong in [str(uuids.uuid4()), row.uuid.upper(), row.uuid + "0", "..%2f..", "%00", "x" * 400]:
        for path in [f"/sessions/{wrong}", f"/sessions/{wrong}/state"]:
            assert admin.get(path).status_code == 404, path
        assert admin.post(f"/sessions/{wrong}/terminate").status_code == 404


def test_terminate_ends_the_session_once(admin: Person, world: World) -> None:
    row = world.add_session(state="running")
    assert admin.post(f"/sessions/{row.uuid}/terminate").status_code == 303
    ended = world.refresh(row)
    assert ended.state == State.TERMINATED and ended.end_reason == "proctor"
    assert admin.post(f"/sessions/{row.uuid}/terminate").status_code == 409


def test_new_events_of_a_running_session_come_once(admin: Person, world: World) -> None:
    row = world.add_session(state="running")
    world.add_event(row, 100, 5)
    first = admin.get(f"/sessions/{row.uuid}/state").get_json()
    assert [event["name"] for event in first["events"]] == ["Window Focus-Out"]
    assert first["events"][0]["severity"] == "medium"
    after = first["events"][-1]["id"]
    assert admin.get(f"/sessions/{row.uuid}/state?after={after}").get_json()["events"] == []
    assert admin.get(f"/sessions/{row.uuid}/state?after=x").status_code == 200


def test_a_rating_is_kept_with_name_and_note_and_shown_in_the_list(world: World) -> None:
    reviewer = Person(world)
    reviewer.enter("rita")
    row = world.add_session()
    form = {"rating": "medium", "note": "Phone at 12:40 <b>"}
    assert reviewer.post(f"/sessions/{row.uuid}/rating", form).status_code == 303
    assert reviewer.post(f"/sessions/{row.uuid}/rating", {"rating": "low", "note": ""}).status_code == 303
    assert world.refresh(row).final_rating == "low"
    assert [(r.rating, r.by) for r in history(world.runtime.db, [row.id])] == [("low", "rita"), ("medium", "rita")]
    assert rows(reviewer)[0]["rating"] == "low" and rows(reviewer)[0]["rated_by"] == "rita"
    assert "Phone at 12:40 &lt;b&gt;" in reviewer.get(f"/sessions/{row.uuid}").text
    assert reviewer.get(f"/sessions/{row.uuid}/state").get_json()["events"] == []


@pytest.mark.parametrize(("rating", "note", "status"), [("perfect", "", 400), ("", "", 400), ("high", "x" * 2001, 400)])
def test_a_bad_rating_is_refused(world: World, rating: str, note: str, status: int) -> None:
    row = world.add_session()
    with pytest.raises(ApiError) as error:
        rate(world.runtime.db, world.runtime.config, row.uuid, rating, note, "rita")
    assert error.value.status == status
    assert world.refresh(row).final_rating is None


def test_a_running_session_is_not_rated(world: World) -> None:
    row = world.add_session(state="running")
    with pytest.raises(ApiError) as error:
        rate(world.runtime.db, world.runtime.config, row.uuid, "high", "", "rita")
    assert error.value.code == "session_open"


def test_problems_shows_refusals_with_the_way_out(admin: Person, world: World) -> None:
    world.runtime.refusals.count("exam", "main", "domain", "http://elsewhere.example", "/exam/1", "detail", by=132)
    text = admin.get("/problems").text
    assert "http://elsewhere.example" in text and "132" in text
    assert "not whitelisted" in text and "domains in proview.toml" in text


def test_problems_shows_sessions_that_wait_for_their_recording(admin: Person, world: World) -> None:
    row = world.add_session(profile_id="waits", ago_ms=300_000)
    text = admin.get("/problems").text
    assert row.uuid in text and "waited for more than a minute" in text


def test_a_missing_media_process_is_a_finding_and_not_an_error(tmp_path: Path, template: Path) -> None:
    world = World(tmp_path, template, media={"live": "on-demand"})
    try:
        person = Person(world)
        person.enter("admin")
        assert "The media process does not answer" in person.get("/problems").text
        uuid = world.add_session(state="running").uuid
        headers = {"Origin": "http://localhost", "X-CSRF-Token": person.csrf}
        for body in [
            {},
            {"sdp": 1, "tracks": {}},
            {"sdp": "v=0", "tracks": {"0": "desktop"}},
            {"sdp": "", "tracks": {"0": "camera"}},
        ]:
            response = person.client.post(f"/proview/console/sessions/{uuid}/live", json=body, headers=headers)
            assert response.status_code == 400, body
    finally:
        world.close()


@pytest.mark.parametrize(
    ("share", "text"), [(None, "–"), (1.0, "100 %"), (0.9999, "99.9 %"), (0.95, "95 %"), (0.0, "0 %"), (0.4567, "45 %")]
)
def test_a_share_is_never_rounded_up(share: float | None, text: str) -> None:
    assert present.percent(share) == text


@pytest.mark.parametrize("at", [-1, 0, 10**18])
def test_impossible_times_are_shown_somehow(at: int) -> None:
    assert present.iso(at).endswith("Z") and present.utc(at).endswith("UTC")


def test_an_exam_that_was_rolled_over_is_one_row_and_one_page(world: World) -> None:
    first, second = world.rolled_over_session()
    reviewer = Person(world)
    reviewer.enter("rita")
    for query in ("", "?state=ended", f"?q={second.uuid}", f"?q={first.uuid[:8]}"):
        (row,) = reviewer.get(f"/sessions.json{query}").get_json()["rows"]
        assert (row["uuid"], row["newest"], row["parts"]) == (first.uuid, second.uuid, 2)
    assert row["length_ms"] == 20_000
    assert row["coverage_text"] == "91 %", "the overlap counts once; 1.8 s of 20 s are missing"
    assert row["bytes"] == first.bytes_stored + second.bytes_stored
    answer = reviewer.get(f"/sessions/{second.uuid}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{CONSOLE}/sessions/{first.uuid}")
    assert second.uuid in reviewer.get(f"/sessions/{first.uuid}").text
    events = reviewer.get(f"/sessions/{first.uuid}/state").get_json()["events"]
    assert [event["at"] for event in events] == [5_000, 14_000, 16_000]
    assert first.proview_index == second.proview_index
    assert first.proview_score == second.proview_score == 97, "one Window Focus-Out in all of the sitting"


def test_a_sitting_is_rated_and_terminated_as_a_whole(world: World) -> None:
    first, second = world.rolled_over_session()
    with world.runtime.db.write() as db:
        db.execute(update(Session).where(Session.id == second.id).values(state="running", ended_at=None))
    proctor = Person(world)
    proctor.enter("admin")
    assert proctor.get("/sessions.json?state=open").get_json()["rows"][0]["open"] is True
    assert proctor.get("/sessions.json?state=ended").get_json()["rows"] == []
    assert proctor.post(f"/sessions/{first.uuid}/rating", {"rating": "low", "note": ""}).status_code == 409
    assert proctor.post(f"/sessions/{first.uuid}/terminate").status_code == 303
    assert world.refresh(second).state == "terminated"
    assert world.refresh(first).end_reason == "limit", "it had ended before"
    assert proctor.post(f"/sessions/{first.uuid}/rating", {"rating": "low", "note": ""}).status_code == 303
    assert rows(proctor)[0]["rating"] == "low"
