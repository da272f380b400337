"""Signaling over HTTP under real servers that carry no WebSockets, one and several processes, both databases."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import load_config
from flask_proview.service.ending import end_session
from flask_proview.service.runtime import Runtime, build_runtime
from flask_proview.sessions.models import State

from .build import digest, wait_for
from .fake_media import FakeMedia
from .server import GEVENT, Server, receive

pytestmark = pytest.mark.system

SERVERS = {
    "gunicorn sync": ("gunicorn", "-k", "sync", "-w", "1"),
    "gunicorn sync, 3 processes": ("gunicorn", "-k", "sync", "-w", "3"),
    "gunicorn gthread": ("gunicorn", "-k", "gthread", "--threads", "4", "-w", "1"),
    "waitress": ("waitress",),
}
TAB = "tab-one-0123456789"


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, SERVERS[request.param], media={"live": "off"})
    server.start()
    yield server
    server.close()


def call(server: Server, started: dict[str, Any], name: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {started['session_token']}"}
    return server.request("POST", f"/proview/v1/sessions/{started['session_uuid']}/{name}", body, headers)


def poll(server: Server, started: dict[str, Any], cursor: int | None, state: str | None = None) -> dict[str, Any]:
    status, answer = call(server, started, "poll", {"client": TAB, "cursor": cursor, "state": state})
    assert status == 200, answer
    result: dict[str, Any] = answer
    return result


def put(server: Server, started: dict[str, Any], seq: int, body: bytes) -> int:
    headers = {
        "Authorization": f"Bearer {started['session_token']}",
        "Content-Digest": digest(body),
        "Content-Type": "video/webm;codecs=vp8,opus",
        "X-Piece-Start": str(seq * 1000),
        "X-Piece-Duration": "1000",
    }
    path = f"/proview/v1/sessions/{started['session_uuid']}/tracks/camera/runs/0/pieces/{seq}"
    return server.request("PUT", path, body, headers)[0]


def another_process(server: Server) -> Runtime:
    """What a console request in another process has: the same database, and no bus that reaches the candidate's."""
    runtime = build_runtime(server.config)
    runtime.start()
    return runtime


def test_a_session_from_its_start_to_a_proctors_end(server: Server) -> None:
    started = server.start_session()
    assert started["signal_url"] is None
    first = poll(server, started, None)
    assert (first["state"], first["watchers"]) == ("created", 0)
    for seq in range(5):
        assert put(server, started, seq, b"x" * 60_000) == 201
    assert poll(server, started, first["cursor"])["state"] == "running"
    runtime = another_process(server)
    try:
        runtime.commands.tell(started["session_uuid"], {"type": "live", "wanted": True})
        answers = [wait_for(lambda: poll(server, started, 0)["messages"], "the message")]
        assert answers[0][0]["wanted"] is True
        end_session(runtime, started["session_uuid"], State.TERMINATED, "proctor")
    finally:
        runtime.stop()
    wait_for(lambda: poll(server, started, 1)["state"] == "terminated", "the end to be told", 5)


def test_an_upgrade_is_refused_in_words_and_leaves_nothing_in_the_log(server: Server) -> None:
    started = server.start_session()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    path = f"/proview/v1/sessions/{started['session_uuid']}/signal"
    status, answer = server.request("GET", path, headers=headers)
    assert (status, answer["code"]) == (501, "websocket_unsupported")
    assert server.request("GET", path)[0] in (400, 404), "no upgrade at all"
    assert "Traceback" not in server.log


def test_no_poll_is_held_where_it_would_take_the_applications_thread(server: Server) -> None:
    """More candidates than threads poll with nothing to tell them; the server goes on answering everybody."""
    candidates = [server.start_session(f"candidate-{n}") for n in range(8)]
    cursors = [poll(server, one, None)["cursor"] for one in candidates]
    answered: list[int] = []

    def ask(number: int) -> None:
        answered.append(poll(server, candidates[number], cursors[number], "created")["poll_after_ms"])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answered) == 8 and min(answered) >= 2000
    assert server.request("GET", "/proview/healthz")[1]["poll_hold_s"] == 0


def test_under_gevent_a_poll_waits_and_hears_at_once(tmp_path: Path) -> None:
    server = Server(tmp_path, media={"live": "off"})
    server.start()
    try:
        started = server.start_session()
        first = poll(server, started, None)
        answers: list[dict[str, Any]] = []
        thread = threading.Thread(target=lambda: answers.append(poll(server, started, first["cursor"], "created")))
        thread.start()
        status, answer = call(server, started, "pause", {})
        assert (status, answer["state"]) == (200, "paused")
        thread.join(10)
        assert answers[0]["state"] == "paused"
    finally:
        server.close()


def test_sockets_of_other_processes_hear_through_the_database(tmp_path: Path) -> None:
    """gunicorn -k gevent -w 2 without Redis: the console's request may land in the process that has not got the socket."""
    server = Server(tmp_path, ("gunicorn", "-k", "gevent", "-w", "2"), media={"live": "off"})
    server.start()
    runtime = another_process(server)
    try:
        started = server.start_session()
        with server.candidate(started) as ws:
            runtime.commands.tell(started["session_uuid"], {"type": "live", "wanted": True})
            assert receive(ws, "live")["wanted"] is True
            end_session(runtime, started["session_uuid"], State.TERMINATED, "proctor")
            assert receive(ws, "state")["state"] == "terminated"
    finally:
        runtime.stop()
        server.close()


def test_the_way_back_moves_between_socket_and_polls_without_loss(tmp_path: Path) -> None:
    server = Server(tmp_path, GEVENT, media={"live": "off"})
    server.start()
    runtime = another_process(server)
    uuid = ""
    try:
        started = server.start_session()
        uuid = started["session_uuid"]
        with server.candidate(started) as ws:
            ws.close()
        runtime.commands.tell(uuid, {"type": "note", "n": 1})
        first = poll(server, started, None)
        assert [message["n"] for message in first["messages"]] == [1]
        runtime.commands.tell(uuid, {"type": "note", "n": 2})
        with server.candidate(started) as ws:
            heard = [receive(ws, "note")["n"]]
            assert heard == [1] or heard == [2]
            if heard == [1]:  # the poll's answer was never acknowledged
                assert receive(ws, "note")["n"] == 2
            status, answer = call(server, started, "poll", {"client": TAB, "cursor": first["cursor"]})
            assert (status, answer["code"]) == (409, "replaced")
    finally:
        runtime.stop()
        server.close()


@pytest.mark.parametrize("kind", ["gunicorn gthread", "gunicorn sync"])
def test_the_live_offer_is_answered_by_post(tmp_path: Path, kind: str) -> None:
    media = FakeMedia(tmp_path / "m.sock")
    server = Server(tmp_path, SERVERS[kind])
    server.start()
    try:
        started = server.start_session()
        offer = {"id": 3, "sdp": "v=0 candidate", "tracks": {"0": "camera"}}
        wait_for(lambda: server.request("GET", "/proview/readyz")[1]["media"] == "ok", "the media link")
        status, answer = call(server, started, "live", offer)
        assert (status, answer) == (200, {"type": "answer", "id": 3, "sdp": "answer for the candidate"})
        assert call(server, started, "hangup", {})[0] == 200
        assert media.ops() == ["publish", "unpublish"]
        media.answers["status"] = {"sessions": {started["session_uuid"]: {"viewers": 2}}}
        assert poll(server, started, None)["watchers"] == 2
        for body in ({}, {"id": True, "sdp": "x", "tracks": {}}, {**offer, "tracks": {"../": "camera"}}):
            assert call(server, started, "live", body)[1]["code"] == "validation"
        codes = [call(server, started, "live", offer)[1].get("code") for _ in range(10)]
        assert "too_many_offers" in codes
    finally:
        server.close()
        media.close()


def test_without_media_the_offer_is_refused_quickly_and_pieces_go_on(tmp_path: Path) -> None:
    server = Server(tmp_path, SERVERS["gunicorn sync"])
    server.start()
    try:
        started = server.start_session()
        status, answer = call(server, started, "live", {"id": 1, "sdp": "v=0", "tracks": {"0": "camera"}})
        assert (status, answer["code"], answer["type"]) == (503, "live_unavailable", "warning")
        assert poll(server, started, None)["watchers"] is None
        assert put(server, started, 0, b"piece") == 201
    finally:
        server.close()


def test_two_processes_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    storage = {"database": postgres_url, "recordings": str(tmp_path / "recordings"), "min_free_mb": 1}
    server = Server(tmp_path, SERVERS["gunicorn sync, 3 processes"], media={"live": "off"}, storage=storage)
    assert load_config(json.loads((tmp_path / "settings.json").read_text()), {}).storage.database == postgres_url
    server.start()
    runtime = another_process(server)
    try:
        started = server.start_session(f"anna-{time.time_ns()}")
        cursor = poll(server, started, None)["cursor"]
        for n in range(20):
            runtime.commands.tell(started["session_uuid"], {"type": "note", "n": n})
        heard: list[int] = []
        while len(heard) < 20:
            answer = poll(server, started, cursor)
            heard += [message["n"] for message in answer["messages"]]
            cursor = answer["cursor"]
        assert heard == list(range(20))
    finally:
        runtime.stop()
        server.close()
