"""The newest seconds of a running session for who may watch live, and nothing but these; each opening leaves a trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_proview.sessions.models import Session, State
from flask_proview.tokens import Kind

from .world import CONSOLE, Person, World

pytestmark = pytest.mark.media

EBML = b"\x1a\x45\xdf\xa3"


@pytest.fixture
def live_world(tmp_path: Path, template: Path) -> Iterator[World]:
    world = World(tmp_path, template, media={"live": "on-demand", "link": f"unix:{tmp_path}/m.sock"})
    yield world
    world.close()


@pytest.fixture
def row(live_world: World) -> Session:
    """It runs for two minutes; the newest of it are three seconds of the camera."""
    session = live_world.add_session(state="running", length_ms=120_000, ago_ms=0)
    live_world.add_run(session, "camera", 56_000, 3)
    return session


class Proctor(Person):
    def __init__(self, world: World, row: Session, name: str = "pat") -> None:
        super().__init__(world)
        self.enter(name)
        self.address = f"/sessions/{row.uuid}/edge"

    def edge(self, method: str, tail: str = "", **headers: str) -> TestResponse:
        sent = {"Origin": "http://localhost", "X-CSRF-Token": self.csrf, **headers}
        return self.client.open(f"{CONSOLE}{self.address}{tail}", method=method, headers=sent)

    def open(self) -> str:
        answer = self.edge("POST")
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["pass"])

    def stretch(self, held: str, query: str, track: str = "camera") -> TestResponse:
        return self.edge("GET", f"/{track}?pass={held}&{query}")


def stamps(answer: TestResponse) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    return int(answer.headers["X-Stretch-From"]), int(answer.headers["X-Stretch-To"])


def watching(world: World, row: Session) -> list[tuple[int, dict[str, Any]]]:
    return [(event.event_type_id, event.data) for event in world.runtime.events.of(row.id)]


def test_a_proctor_sees_the_newest_seconds_and_nothing_before_them_however_it_is_asked(live_world: World) -> None:
    row = live_world.add_session(state="running", length_ms=120_000, ago_ms=0)
    live_world.add_run(row, "camera", 20_000, 39)
    pat = Proctor(live_world, row)
    held = pat.open()
    (track,) = pat.edge("GET", f"?pass={held}").get_json()["tracks"]
    assert (track["track"], track["to_ms"]) == ("camera", 60_000)
    assert track["url"] == f"{CONSOLE}/sessions/{row.uuid}/edge/camera?pass={held}"
    newest = pat.stretch(held, "at=58000")
    assert newest.data.startswith(EBML) and stamps(newest)[1] == 60_000
    assert (
        newest.headers["Cache-Control"] == "private, no-store"
        and "sandbox" in newest.headers["Content-Security-Policy"]
    )
    first = "run=20000&seq=10"
    for query in ("at=0", "at=20000", "at=29999", "at=30500", "run=20000&seq=1", "run=20000&seq=9", first):
        answer = pat.stretch(held, query)
        assert stamps(answer)[0] >= 30_000, query
        assert answer.headers["X-Stretch-Fresh"] == "1", query
    assert pat.stretch(held, "run=20000&seq=0").status_code == 204
    assert pat.stretch(held, "run=20000&seq=25").headers["X-Stretch-Fresh"] == "0", "what follows goes on"

    live_world.add_run(row, "camera", 71_000, 3)
    assert stamps(pat.stretch(held, "at=0"))[0] >= 45_000, "the edge moves"
    live_world.add_run(row, "screen", 110_000, 2)
    (track,) = pat.edge("GET", f"?pass={held}").get_json()["tracks"]
    assert track["track"] == "screen", "a camera that ended long ago is no live picture"
    assert pat.stretch(held, "at=0").status_code == 204
    assert pat.client.get(f"/proview/v1/dvr/{row.uuid}/camera?at=0").status_code == 401, "which is the recording's"
    assert pat.client.get(f"/proview/v1/playback/{row.uuid}").status_code == 401


def test_stamps_of_the_future_do_not_move_the_edge_beyond_now(live_world: World, row: Session) -> None:
    live_world.add_run(row, "screen", 9_000_000, 2)
    pat = Proctor(live_world, row)
    tracks = pat.edge("GET", f"?pass={pat.open()}").get_json()["tracks"]
    assert all(119_000 < track["to_ms"] < 180_000 for track in tracks)


def test_opening_and_closing_stand_in_the_timeline_with_the_name(live_world: World, row: Session) -> None:
    pat = Proctor(live_world, row)
    assert pat.edge("DELETE", f"?pass={pat.open()}").status_code == 200
    Proctor(live_world, row, "admin").open()
    by_pat, by_admin = {"viewer": "pat", "source": "uploads"}, {"viewer": "admin", "source": "uploads"}
    assert watching(live_world, row) == [(10028, by_pat), (10029, by_pat), (10028, by_admin)]


def test_it_is_for_who_may_watch_live(live_world: World, row: Session) -> None:
    good = Proctor(live_world, row).open()
    for name, expected in (("admin", [200, 401, 401]), ("pat", [200, 200, 200]), ("rita", [403] * 3), ("", [401] * 3)):
        before = watching(live_world, row)
        somebody = Proctor(live_world, row, name or "pat")
        if not name:
            somebody.client.delete_cookie("proview_console", path="/proview")
        answers = [somebody.edge("POST"), somebody.edge("GET", f"?pass={good}"), somebody.stretch(good, "at=58000")]
        assert [answer.status_code for answer in answers] == expected, "a pass is for the one who opened it"
        assert (len(watching(live_world, row)) > len(before)) == (expected[0] == 200)


def test_without_a_pass_of_its_own_there_is_no_picture(live_world: World, row: Session) -> None:
    pat = Proctor(live_world, row)
    other = live_world.add_session(state="running", length_ms=60_000, ago_ms=0, account="main", external_id="other")
    live_world.add_run(other, "camera", 0, 4)
    user = live_world.runtime.users.get("pat")
    assert user is not None
    claims = {"sid": row.uuid, "user": user.id}
    issue = live_world.runtime.signer.issue
    good = issue(Kind.EDGE, claims, 60)
    wrong = {
        "": "token_missing", "x": "token_invalid", good[:-6] + "AAAAAA": "token_invalid", issue(Kind.EDGE, claims, -1): "token_expired",
        issue(Kind.TICKET, {**claims, "account": "main"}, 60): "token_invalid", issue(Kind.SESSION, claims, 60): "token_invalid",
        Proctor(live_world, other).open(): "token_foreign", Proctor(live_world, row, "admin").open(): "token_foreign",
        issue(Kind.EDGE, {"sid": row.uuid}, 60): "token_foreign",
    }  # fmt: skip
    for held, code in wrong.items():
        for answer in (
            pat.edge("GET", f"?pass={held}"),
            pat.stretch(held, "at=58000"),
            pat.edge("DELETE", f"?pass={held}"),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (401, code), held
    assert pat.stretch(good, "at=58000").status_code == 200


def test_what_is_no_track_or_number_is_refused(live_world: World, row: Session) -> None:
    pat = Proctor(live_world, row)
    held = pat.open()
    queries = [
        "", "at=-1", "at=1e5", "at=59000.5", "at=9007199254740993", "at=%00", "run=0", "seq=59", "run=0&seq=-1", "run=0&seq=2147483648",
    ]  # fmt: skip
    tracks = ["microphone", "..%2fcamera", "camera.webm", "CAMERA"]
    for track, query in [*(("camera", query) for query in queries), *((track, "at=58000") for track in tracks)]:
        answer = pat.stretch(held, query, track)
        assert answer.status_code in (400, 404) and EBML not in answer.data, (track, query)


def test_an_ended_session_has_no_edge_and_neither_has_one_that_is_not_there(live_world: World, row: Session) -> None:
    pat = Proctor(live_world, row)
    held = pat.open()
    live_world.runtime.sessions.end(row.uuid, State.STOPPED, "page")
    before = watching(live_world, row)
    for answer in (pat.edge("POST"), pat.edge("GET", f"?pass={held}"), pat.stretch(held, "at=58000")):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "session_ended")
    assert watching(live_world, row) == before
    for uuid in ("00000000-0000-4000-8000-000000000000", "x", row.uuid.upper()):
        pat.address = f"/sessions/{uuid}/edge"
        assert pat.edge("POST").status_code == 404
        assert pat.edge("GET", f"?pass={held}").status_code == 401


def test_another_sites_page_opens_nothing(live_world: World, row: Session) -> None:
    pat = Proctor(live_world, row)
    for headers in ({"Origin": "https://evil.example"}, {"X-CSRF-Token": "x"}):
        assert pat.edge("POST", **headers).status_code == 403
    assert watching(live_world, row) == []


def test_where_live_view_is_switched_off_only_who_may_watch_recordings_gets_it(world: World) -> None:
    session = world.add_session(state="running", length_ms=60_000, ago_ms=0)
    answer = Proctor(world, session).edge("POST")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "live_off")
    Proctor(world, session, "admin").open()
