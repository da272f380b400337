"""Live over the signal socket: a real gunicorn, a media process that only speaks the link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.build import wait_for
from tests.service.fake_media import FakeMedia
from tests.service.server import Server, receive

OFFER = {"type": "offer", "sdp": "v=0 candidate", "tracks": {"0": "camera", "1": "microphone"}}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, FakeMedia]]:
    folder: Path = tmp_path_factory.mktemp("live")
    media = FakeMedia(folder / "m.sock")
    server = Server(folder)
    server.start()
    yield server, media
    server.close()
    media.close()


def test_an_offer_is_relayed_and_answered_and_a_hangup_ends_it(live: tuple[Server, FakeMedia]) -> None:
    server, media = live
    started = server.start_session("live-1")
    with server.candidate(started) as ws:
        ws.send(json.dumps({**OFFER, "id": 7}))
        answer = receive(ws, "answer")
        assert (answer["id"], answer["sdp"]) == (7, "answer for the candidate")
        ws.send(json.dumps({"type": "hangup"}))
        wait_for(lambda: "unpublish" in media.ops(), "the hangup to reach media")
    request = next(r for r in media.requests if r["op"] == "publish")
    assert (request["session"], request["sdp"], request["tracks"]) == (
        started["session_uuid"],
        OFFER["sdp"],
        OFFER["tracks"],
    )


def test_a_refused_offer_fails_in_words_and_the_socket_goes_on(live: tuple[Server, FakeMedia]) -> None:
    server, media = live
    media.answers["publish"] = {"ok": False, "code": "undeclared_track", "message": "mid 3 is not in tracks"}
    try:
        with server.candidate(server.start_session("live-2")) as ws:
            ws.send(json.dumps({**OFFER, "id": "a"}))
            failed = receive(ws, "live_failed")
            assert (failed["id"], failed["code"]) == ("a", "undeclared_track")
            ws.send(json.dumps({"type": "ping", "t": 1}))
            receive(ws, "pong")
    finally:
        media.answers["publish"] = {"sdp": "answer for the candidate"}


def test_offers_without_end_are_slowed_down(live: tuple[Server, FakeMedia]) -> None:
    server, _ = live
    with server.candidate(server.start_session("live-3")) as ws:
        for number in range(30):
            ws.send(json.dumps({**OFFER, "id": number}))
        codes = [receive(ws, "live_failed", "answer").get("code") for _ in range(30)]
        assert codes.count("too_many_offers") >= 20


def test_a_candidate_who_connects_again_hears_of_viewers_that_media_knows(live: tuple[Server, FakeMedia]) -> None:
    server, media = live
    started = server.start_session("live-4")
    media.answers["status"] = {"sessions": {started["session_uuid"]: {"viewers": 1}}}
    try:
        with server.candidate(started) as ws:
            assert receive(ws, "live")["wanted"] is True
    finally:
        media.answers["status"] = {"sessions": {}}
