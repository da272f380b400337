from __future__ import annotations

import hashlib

import pytest

from flask_proview.recordings.photos import PhotoStore
from flask_proview.sessions.approvals import Approval, ask, decide
from flask_proview.sessions.models import Session
from tests.jpeg_factory import jpeg

from .world import CONSOLE, Person, World


def waiting(world: World, profile: str = "anna", ago_ms: int = 60_000) -> Session:
    """A candidate with both photos who waits for a proctor."""
    row = world.add_session(
        state="running", session_type="live_proctor", profile_id=profile, external_id=f"x-{profile}", ago_ms=ago_ms
    )
    store = PhotoStore(world.runtime.db, world.config)
    for kind, grey in (("id", 60), ("face", 120)):
        body = jpeg(320, 240, grey)
        store.store(row, kind, body, hashlib.sha256(body).hexdigest(), (320, 240), 5000)
    ask(world.runtime.db, row.uuid, again=False)
    return row


def person(world: World, name: str) -> Person:
    found = Person(world)
    found.enter(name)
    return found


def test_who_waits_comes_first_with_photos_and_the_longest_wait_on_top(world: World, admin: Person) -> None:
    early, late = waiting(world, "early"), waiting(world, "late")
    world.add_session(state="running", profile_id="newest")
    answer = admin.get("/sessions.json").get_json()
    assert [row["profile_id"] for row in answer["rows"]] == ["early", "late", "newest"]
    assert [row["state"] for row in answer["rows"]] == ["waiting", "waiting", "running"]
    assert answer["waiting"] == 2
    assert [(one["uuid"], one["kind"], one["version"]) for one in answer["rows"][0]["photos"]] == [(early.uuid, "id", 1), (early.uuid, "face", 1)]  # fmt: skip
    only = admin.get("/sessions.json?state=waiting").get_json()
    assert [row["profile_id"] for row in only["rows"]] == ["early", "late"]
    decide(world.runtime.db, early.uuid, Approval.APPROVED, "", "pat")
    rows = admin.get("/sessions.json").get_json()["rows"]
    assert [(row["profile_id"], row["state"]) for row in rows] == [("late", "waiting"), ("newest", "running"), ("early", "running")]  # fmt: skip
    assert admin.get(f"/sessions.json?before={late.id}").get_json()["rows"][0]["profile_id"] == "early"
    assert 'value="waiting"' in admin.get("/?state=waiting").text


def test_a_session_that_ended_waits_no_more(world: World, admin: Person) -> None:
    row = waiting(world)
    with world.runtime.db.write() as db:
        db.merge(row).state = "expired"
    answer = admin.get("/sessions.json").get_json()
    assert (answer["waiting"], answer["rows"][0]["state"]) == (0, "expired")
    assert admin.post(f"/sessions/{row.uuid}/approval", {"word": "approve"}).status_code == 409


@pytest.mark.parametrize(("name", "status"), [("pat", 303), ("admin", 303), ("rita", 403)])
def test_proctors_and_admins_let_in_and_reviewers_do_not(world: World, name: str, status: int) -> None:
    row = waiting(world)
    answer = person(world, name).post(f"/sessions/{row.uuid}/approval", {"word": "approve"})
    assert answer.status_code == status
    assert world.refresh(row).approval == ("approved" if status == 303 else "waiting")
    for who in ("pat", "rita"):  # everybody of the console sees who it is
        shown = person(world, who).get(f"/sessions/{row.uuid}/photos/id-1.jpg")
        assert (shown.status_code, shown.data) == (200, jpeg(320, 240, 60))
        assert "sandbox" in shown.headers["Content-Security-Policy"]


def test_a_rejection_needs_a_reason_and_keeps_it_as_text(world: World, admin: Person) -> None:
    row = waiting(world)
    path = f"/sessions/{row.uuid}/approval"
    for reason in ("", "   ", "\0", "x" * 501):
        assert admin.post(path, {"word": "reject", "reason": reason}).status_code == 400
    assert world.refresh(row).approval == "waiting"
    hostile = "<script>alert(1)</script> the name cannot be read"
    assert admin.post(path, {"word": "reject", "reason": hostile}).status_code == 303
    fresh = world.refresh(row)
    assert (fresh.approval, fresh.approval_reason) == ("rejected", hostile)
    page = admin.get(f"/sessions/{row.uuid}").text
    assert "<script>alert(1)" not in page and "data-reject" in page
    words = admin.get(f"/sessions/{row.uuid}/state").get_json()["identity"]["words"]
    assert [(word["approval"], word["by"], word["reason"]) for word in words] == [("rejected", "admin", hostile), ("waiting", "", "")]  # fmt: skip


def test_two_proctors_decide_once(world: World) -> None:
    row = waiting(world)
    path = f"/sessions/{row.uuid}/approval"
    assert person(world, "pat").post(path, {"word": "approve"}).status_code == 303
    late = person(world, "admin").post(path, {"word": "reject", "reason": "too late"})
    assert late.status_code == 409 and "approved meanwhile" in late.text
    assert world.refresh(row).approval == "approved"


def test_it_is_protected_like_every_other_button(world: World, admin: Person) -> None:
    row = waiting(world)
    path = f"/sessions/{row.uuid}/approval"
    form = {"word": "approve"}
    assert admin.post(path, form, csrf="wrong").status_code == 403
    assert admin.post(path, form, csrf="").status_code == 403
    assert admin.post(path, form, origin=None).status_code == 403
    assert admin.post(path, form, origin="https://evil.example").status_code == 403
    assert admin.client.get(CONSOLE + path).status_code == 405
    assert Person(world).post(path, form).status_code == 303  # to the login
    assert Person(world).get(f"/sessions/{row.uuid}/photos/id-1.jpg").status_code == 303
    for word in ("", "waiting", "approved", "APPROVE"):
        assert admin.post(path, {"word": word}).status_code == 400
    assert admin.post("/sessions/00000000-0000-4000-8000-000000000000/approval", form).status_code == 404
    assert world.refresh(row).approval == "waiting"
    for wrong in ("id-2", "face-0", "passport-1"):
        assert admin.get(f"/sessions/{row.uuid}/photos/{wrong}.jpg").status_code == 404


def test_whoever_waits_at_the_time_limit_waits_on_in_the_next_session(world: World, admin: Person) -> None:
    first = waiting(world)
    following = world.add_session(state="running", session_type="live_proctor", continues=first.uuid, ago_ms=1000)
    with world.runtime.db.write() as db:
        old, new = db.merge(first), db.merge(following)
        old.state, old.ended_at, old.sitting = "stopped", new.started_at, old.uuid
        new.sitting, new.approval = old.uuid, "waiting"
    rows = admin.get("/sessions.json?state=waiting").get_json()["rows"]
    assert [(row["uuid"], row["newest"], row["state"]) for row in rows] == [(first.uuid, following.uuid, "waiting")]
    assert rows[0]["photos"][0]["uuid"] == first.uuid
    identity = admin.get(f"/sessions/{first.uuid}/state").get_json()["identity"]
    assert [(one["uuid"], one["kind"]) for one in identity["photos"]] == [(first.uuid, "id"), (first.uuid, "face")]
    assert admin.post(f"/sessions/{first.uuid}/approval", {"word": "approve"}).status_code == 303
    assert [world.refresh(row).approval for row in (first, following)] == ["approved", "approved"]
    assert admin.get("/sessions.json").get_json()["waiting"] == 0


def test_the_index_rates_automated_sessions_and_only_suggests_for_the_others(world: World, admin: Person) -> None:
    automated = world.add_session(session_type="ai_proctor", proview_index="medium", proview_score=70)
    reviewed = world.add_session(session_type="record_and_review", proview_index="medium", proview_score=70)
    for row in (automated, reviewed):
        for _ in range(3):
            world.add_event(row, 1000, 10006)
    rows = {row["uuid"]: row for row in admin.get("/sessions.json").get_json()["rows"]}
    assert (rows[automated.uuid]["rating"], rows[automated.uuid]["rated_by"]) == ("medium", "the index")
    assert (rows[reviewed.uuid]["rating"], rows[reviewed.uuid]["rated_by"]) == (None, None)
    pages = {row.uuid: admin.get(f"/sessions/{row.uuid}").text for row in (automated, reviewed)}
    assert "by the index" in pages[automated.uuid] and "counts until somebody rates" in pages[automated.uuid]
    assert "not rated" in pages[reviewed.uuid] and "is rated by people" in pages[reviewed.uuid]
    assert "Text Pasted × 3" in pages[reviewed.uuid] and "checked" not in pages[automated.uuid]
    assert admin.post(f"/sessions/{automated.uuid}/rating", {"rating": "high", "note": ""}).status_code == 303
    assert "Your rating counts" in admin.get(f"/sessions/{automated.uuid}").text
    assert "Index:" not in person(world, "pat").get(f"/sessions/{reviewed.uuid}").text
