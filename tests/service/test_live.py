from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_proview.errors import ApiError
from flask_proview.service.live import close_live, open_live
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.models import Session, State
from flask_proview.sessions.store import StartRequest

from .build import ORIGIN, make_config, wait_for
from .fake_media import FakeMedia

TRACKS = {"0": "camera", "1": "microphone"}


@pytest.fixture
def media(tmp_path: Path) -> Iterator[FakeMedia]:
    media = FakeMedia(tmp_path / "m.sock")
    yield media
    media.close()


@pytest.fixture
def live_runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = build_runtime(make_config(tmp_path))
    runtime.start()
    yield runtime
    runtime.stop()


@pytest.fixture
def session(live_runtime: Runtime) -> Session:
    request = StartRequest("main", "attempt-7", "anna", "exam", "ai_proctor", None, ORIGIN)
    return live_runtime.sessions.start(request)[0]


def listen(runtime: Runtime, session: Session) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []

    def hear(message: dict[str, Any]) -> None:
        assert isinstance(message.pop("mail"), int), "the mailbox has it, too"
        heard.append(message)

    runtime.bus.subscribe(f"session:{session.uuid}", hear)
    return heard


def test_a_viewer_gets_an_answer_and_the_candidate_is_told(
    live_runtime: Runtime, session: Session, media: FakeMedia
) -> None:
    heard = listen(live_runtime, session)
    answer, viewer = open_live(live_runtime, session, "offer", TRACKS, "paula")
    assert answer == "answer for the viewer"
    assert live_runtime.viewers.count(session.uuid) == 1
    assert heard == [{"type": "live", "wanted": True}]
    request = next(r for r in media.requests if r["op"] == "view")
    assert (request["session"], request["viewer"], request["sdp"], request["tracks"]) == (
        session.uuid,
        viewer,
        "offer",
        TRACKS,
    )
    assert [e.event_type_id for e in live_runtime.events.of(session.id)] == [10028]


def test_only_the_last_viewer_to_leave_ends_the_live_connection(
    live_runtime: Runtime, session: Session, media: FakeMedia
) -> None:
    _, first = open_live(live_runtime, session, "offer", TRACKS)
    _, second = open_live(live_runtime, session, "offer", TRACKS)
    heard = listen(live_runtime, session)
    close_live(live_runtime, session, first)
    assert heard == []
    close_live(live_runtime, session, second)
    close_live(live_runtime, session, second)
    assert heard == [{"type": "live", "wanted": False}]
    assert live_runtime.viewers.count(session.uuid) == 0
    assert media.ops()[:4] == ["view", "view", "leave", "leave"]


def test_a_viewer_of_another_process_keeps_the_live_connection(
    live_runtime: Runtime, session: Session, media: FakeMedia
) -> None:
    _, viewer = open_live(live_runtime, session, "offer", TRACKS)
    heard = listen(live_runtime, session)
    media.answers["status"] = {"sessions": {session.uuid: {"viewers": 1}}}
    close_live(live_runtime, session, viewer)
    assert heard == []


def test_a_viewer_whose_connection_broke_is_forgotten(
    live_runtime: Runtime, session: Session, media: FakeMedia
) -> None:
    _, viewer = open_live(live_runtime, session, "offer", TRACKS)
    heard = listen(live_runtime, session)
    media.say(event="viewer_gone", viewer=viewer, session=session.uuid)
    wait_for(lambda: heard, "the candidate to be told")
    assert heard == [{"type": "live", "wanted": False}]


def test_without_media_the_answer_is_clear_and_nothing_is_counted(live_runtime: Runtime, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("flask_proview.service.live.VIEW_S", 0.2)
    with pytest.raises(ApiError) as caught:
        open_live(live_runtime, session, "offer", TRACKS)
    assert (caught.value.status, caught.value.code) == (503, "live_unavailable")
    assert live_runtime.viewers.count(session.uuid) == 0
    monkeypatch.setattr("flask_proview.service.live.LEAVE_S", 0.2)
    close_live(live_runtime, session, "nobody")


def test_an_offer_that_media_refuses_is_told(live_runtime: Runtime, session: Session, media: FakeMedia) -> None:
    media.answers["view"] = {"ok": False, "code": "sdp_fingerprint", "message": "no fingerprint"}
    with pytest.raises(ApiError) as caught:
        open_live(live_runtime, session, "offer", TRACKS)
    assert (caught.value.status, caught.value.code) == (400, "sdp_fingerprint")


def test_an_ended_session_is_not_watched_live(live_runtime: Runtime, session: Session, media: FakeMedia) -> None:
    ended, _ = live_runtime.sessions.end(session.uuid, State.STOPPED, "page")
    with pytest.raises(ApiError) as caught:
        open_live(live_runtime, ended, "offer", TRACKS)
    assert caught.value.code == "session_ended"
    assert media.ops() == []


def test_live_switched_off_says_so(runtime: Runtime) -> None:
    request = StartRequest("main", "attempt-7", "anna", "exam", "ai_proctor", None, ORIGIN)
    session, _ = runtime.sessions.start(request)
    with pytest.raises(ApiError) as caught:
        open_live(runtime, session, "offer", TRACKS)
    assert caught.value.code == "live_off"
