"""The signal socket against a real gunicorn with gevent."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from flask_proview.tokens import Kind
from tests.service.build import OTHER_ORIGIN, wait_for
from tests.service.server import Server, receive

pytestmark = pytest.mark.system  # servers of its own, seconds each

names = count()


@pytest.fixture
def started(server: Server) -> dict[str, Any]:
    return server.start_session(candidate=f"candidate-{next(names)}")


@pytest.fixture
def ws(server: Server, started: dict[str, Any]) -> Iterator[ClientConnection]:
    with server.candidate(started) as ws:
        yield ws


def piece(number: int, body: bytes, **changes: object) -> bytes:
    """The binary message of docs/protocol.md."""
    fields = {"track": "camera", "run": 5, "seq": number, "start": number * 1000, "duration": 1000}
    header = {**fields, "sha256": hashlib.sha256(body).hexdigest(), "mime": "video/webm;codecs=vp8,opus", **changes}
    head = json.dumps(header).encode()
    return struct.pack("!BH", 1, len(head)) + head + body


def send(ws: ClientConnection, **message: object) -> None:
    ws.send(json.dumps(message))


def close_code(ws: ClientConnection, timeout: float = 15) -> int:
    """Read until the server closes."""
    try:
        while True:
            ws.recv(timeout=timeout)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None, "cut without a close frame"
        return closed.rcvd.code


def state_of(server: Server, started: dict[str, Any]) -> str:
    headers = {"Authorization": f"Bearer {started['session_token']}"}
    _, answer = server.request("POST", f"/proview/v1/sessions/{started['session_uuid']}/heartbeat", {}, headers)
    return str(answer["state"])


def test_ping_is_answered_with_the_servers_clock(ws: ClientConnection, started: dict[str, Any]) -> None:
    send(ws, type="ping", t=123.5)
    pong = receive(ws, "pong")
    assert pong["t"] == 123.5
    assert pong["server_time"] >= started["server_time"]


def test_pieces_are_acknowledged_and_the_first_one_starts_the_session(
    server: Server, ws: ClientConnection, started: dict[str, Any]
) -> None:
    for seq in range(50):
        ws.send(piece(seq, b"%d" % seq * 1000))
    send(ws, type="ping", t=1)
    acknowledged: set[int] = set()
    states: list[str] = []
    while len(acknowledged) < 50 or not states:
        message = receive(ws, "ack", "nack", "state")
        assert message["type"] != "nack", message
        if message["type"] == "ack":
            acknowledged |= {seq for _, _, seq in message["pieces"]}
        else:
            states.append(message["state"])
    assert states == ["running"]
    assert state_of(server, started) == "running"


def test_the_same_piece_again_is_acknowledged_and_other_bytes_are_not(ws: ClientConnection) -> None:
    for body in (b"one", b"one", b"two"):
        ws.send(piece(0, body))
        message = receive(ws, "ack", "nack")
        if body == b"one":
            assert message["pieces"] == [["camera", 5, 0]]
    assert (message["code"], message["retry"]) == ("piece_conflict", False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sha256": "0" * 64}, "digest_mismatch"),
        ({"sha256": "xyz"}, "piece_invalid"),
        ({"track": "../etc"}, "piece_invalid"),
        ({"track": None}, "piece_invalid"),
        ({"run": -1}, "piece_invalid"),
        ({"run": 2**53}, "piece_invalid"),
        ({"seq": -1}, "piece_invalid"),
        ({"seq": True}, "piece_invalid"),
        ({"seq": "0"}, "piece_invalid"),
        ({"duration": 10**12}, "piece_invalid"),
        ({"start": 1.5}, "piece_invalid"),
        ({"mime": "text/html"}, "mime_unsupported"),
    ],
)
def test_a_bad_piece_is_refused_and_the_socket_goes_on(
    ws: ClientConnection, changes: dict[str, Any], code: str
) -> None:
    ws.send(piece(0, b"bytes", **changes))
    nack = receive(ws, "nack")
    assert (nack["code"], nack["retry"]) == (code, False)
    ws.send(piece(1, b"bytes"))
    assert receive(ws, "ack")["pieces"] == [["camera", 5, 1]]


def test_an_empty_piece_is_refused(ws: ClientConnection) -> None:
    ws.send(piece(0, b""))
    assert receive(ws, "nack")["code"] == "piece_invalid"


def test_events_are_acknowledged_by_their_numbers(ws: ClientConnection) -> None:
    event = {"seq": 3, "event_type_id": 4, "name": "Window Focus-In", "at": 5, "data": {}}
    send(ws, type="events", events=[event, {**event, "seq": 4}])
    assert receive(ws, "events_ack")["seqs"] == [3, 4]


def test_pause_resume_and_stop_are_each_answered_once(
    server: Server, ws: ClientConnection, started: dict[str, Any]
) -> None:
    ws.send(piece(0, b"first"))
    receive(ws, "ack")
    send(ws, type="ping", t=0)
    assert receive(ws, "state")["state"] == "running"
    for kind, state in (("pause", "paused"), ("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        send(ws, type=kind, **({"reason": "page"} if kind == "stop" else {}))
        assert receive(ws, "state")["state"] == state
        send(ws, type="ping", t=0)
        assert receive(ws)["type"] == "pong", "one state per request"
    ws.send(piece(1, b"late"))
    assert receive(ws, "ack")["pieces"] == [["camera", 5, 1]], "the drain goes on after the end"
    assert state_of(server, started) == "stopped"


def test_a_refresh_gives_new_tokens(server: Server, ws: ClientConnection, started: dict[str, Any]) -> None:
    send(ws, type="refresh")
    token = receive(ws, "token")
    assert server.signer.read(Kind.SESSION, token["session_token"])["sid"] == started["session_uuid"]
    assert server.signer.read(Kind.DRAIN, token["drain_token"])["sid"] == started["session_uuid"]
    assert token["expires_at"] > started["server_time"]


def test_an_offer_is_refused_in_words_when_live_is_off(ws: ClientConnection) -> None:
    send(ws, type="offer", id=1, sdp="v=0", tracks={"0": "camera"})
    failed = receive(ws, "live_failed")
    assert (failed["id"], failed["code"]) == (1, "live_off")


def test_a_newer_socket_of_the_session_replaces_the_older(
    server: Server, ws: ClientConnection, started: dict[str, Any]
) -> None:
    with server.candidate(started) as newer:
        assert close_code(ws) == 4409
        send(newer, type="ping", t=1)
        assert receive(newer, "pong")["t"] == 1


def test_socket_that_its_page_gave_up_takes_nothing_over_when_it_arrives_late(
    server: Server, started: dict[str, Any]
) -> None:
    """After a cut the kernel still sends what the browser closed: seconds after the page's next socket was welcomed."""
    hello = {"type": "hello", "token": started["session_token"], "protocol": 1, "client": "page-one-0123456789"}
    uuid, now = started["session_uuid"], 1_795_762_000_000.25
    with server.connect(uuid) as late, server.connect(uuid) as current:
        send(current, **hello, t=now + 2300)
        assert receive(current)["type"] == "welcome"
        send(late, **hello, t=now)
        assert close_code(late) == 4409
        headers = {"Authorization": f"Bearer {started['session_token']}"}
        poll = {"client": hello["client"], "cursor": None, "t": now + 100}
        status, answer = server.request("POST", f"/proview/v1/sessions/{uuid}/poll", poll, headers)
        assert (status, answer["code"]) == (409, "replaced")
        send(current, type="ping", t=1)
        assert receive(current, "pong")["t"] == 1
        with server.connect(uuid) as newer:
            send(newer, **hello, t=now + 4000)
            assert receive(newer)["type"] == "welcome"
            assert close_code(current) == 4409


@pytest.mark.parametrize(
    "said", [{"client": 7, "t": "x"}, {"client": "x" * 5000, "t": -1}, {"client": None, "t": 1e308}]
)
def test_page_that_says_nonsense_of_itself_is_welcomed_as_one_that_says_nothing(
    server: Server, started: dict[str, Any], said: dict[str, Any]
) -> None:
    with server.connect(started["session_uuid"]) as ws:
        send(ws, type="hello", token=started["session_token"], protocol=1, **said)
        assert receive(ws)["type"] == "welcome"


def test_an_end_from_outside_is_told_unasked(server: Server, ws: ClientConnection, started: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {started['session_token']}"}
    server.request("POST", f"/proview/v1/sessions/{started['session_uuid']}/stop", {"reason": "page"}, headers)
    message = receive(ws, "state")
    assert (message["state"], message["reason"]) == ("stopped", "page")


BAD_HELLOS: list[tuple[str | bytes, int]] = [
    ('{"type":"ping","t":1}', 4400),
    ("{}", 4400),
    ("not json", 4400),
    ('{"type":"hello","token":"x","protocol":2}', 4400),
    ('{"type":"hello","protocol":1}', 4400),
    ('{"type":"hello","token":7,"protocol":1}', 4400),
    ('{"type":"hello","token":"x","protocol":1}', 4401),
    (b"\x01\x00\x02{}", 4400),
]


@pytest.mark.parametrize(("hello", "code"), BAD_HELLOS)
def test_a_bad_hello_closes_with_a_reason(
    server: Server, started: dict[str, Any], hello: str | bytes, code: int
) -> None:
    with server.connect(started["session_uuid"]) as ws:
        ws.send(hello)
        error = receive(ws)
        assert error["type"] == "error"
        assert close_code(ws) == code


@pytest.mark.parametrize("kind", [Kind.DRAIN, Kind.LAUNCH, Kind.TICKET, Kind.BEARER, Kind.REFRESH])
def test_tokens_of_other_kinds_open_no_socket(server: Server, started: dict[str, Any], kind: Kind) -> None:
    token = server.signer.issue(kind, {"sid": started["session_uuid"], "account": "main"}, 60)
    with server.connect(started["session_uuid"]) as ws:
        send(ws, type="hello", token=token, protocol=1)
        assert close_code(ws) == 4401


def test_expired_and_foreign_tokens_open_no_socket(server: Server, started: dict[str, Any]) -> None:
    foreign = server.start_session(candidate=f"foreign-{next(names)}")["session_token"]
    expired = server.signer.issue(Kind.SESSION, {"sid": started["session_uuid"]}, -1)
    for token in (foreign, expired):
        with server.connect(started["session_uuid"]) as ws:
            send(ws, type="hello", token=token, protocol=1)
            assert close_code(ws) == 4401


def test_a_token_for_a_session_that_is_gone_says_so(server: Server) -> None:
    uuid = "11111111-2222-4333-8444-555555555555"
    with server.connect(uuid) as ws:
        send(ws, type="hello", token=server.signer.issue(Kind.SESSION, {"sid": uuid}, 60), protocol=1)
        assert close_code(ws) == 4404


def test_without_hello_the_socket_is_closed(server: Server, started: dict[str, Any]) -> None:
    with server.connect(started["session_uuid"]) as ws:
        assert close_code(ws, timeout=20) == 4408


@pytest.mark.parametrize("origin", [None, "https://evil.net", "null", OTHER_ORIGIN])
def test_pages_of_other_origins_open_no_socket(server: Server, started: dict[str, Any], origin: str | None) -> None:
    with server.connect(started["session_uuid"], origin=origin) as ws:
        with contextlib.suppress(ConnectionClosed):
            send(ws, type="hello", token=started["session_token"], protocol=1)
        assert close_code(ws) == 4403


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "{",
        '{"type":"nothing"}',
        '{"type":7}',
        '{"type":"ping","type":"stop"}',
        '{"type":"ping","t":NaN}',
        '{"type":"ping","t":' + "9" * 4000 + "}",
        '{"a":' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"type":"events","events":7}',
        '{"type":"offer","id":1,"sdp":"","tracks":{}}',
        '{"type":"offer","id":1,"sdp":"v=0","tracks":{"0":"keyboard"}}',
        '{"type":"offer","id":[],"sdp":"v=0","tracks":{}}',
        '{"type":"hello","token":"x","protocol":1}',
        b"",
        b"\x02\x00\x02{}",
        b"\x01\xff\xff{}",
        b"\x01\x00\x02[]",
        b"\x01\x00\x01{",
    ],
)
def test_what_is_no_message_closes_with_4400(ws: ClientConnection, message: str | bytes) -> None:
    ws.send(message)
    assert receive(ws, "error")["code"] == "bad_message"
    assert close_code(ws) == 4400


def test_a_text_message_that_is_too_big_closes_with_1009(ws: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        ws.send('{"type":"ping","t":"' + "x" * 65_536 + '"}')
    assert close_code(ws) == 1009


def test_too_many_messages_close_with_1013(ws: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in range(2000):
            send(ws, type="ping", t=1)
    assert close_code(ws) == 1013


def test_compression_is_not_negotiated(server: Server, started: dict[str, Any]) -> None:
    with server.connect(started["session_uuid"], compression="deflate") as ws:
        assert ws.response is not None
        assert "Sec-WebSocket-Extensions" not in ws.response.headers


def test_sockets_that_end_leave_nothing_behind(server: Server) -> None:
    def open_sockets() -> int:
        _, text = server.request("GET", "/proview/metrics")
        line = next(line for line in text.decode().splitlines() if line.startswith("proview_sockets_open "))
        return int(line.split()[1])

    wait_for(lambda: open_sockets() == 0, "sockets of earlier tests to end")
    started = server.start_session(candidate=f"leaving-{next(names)}")
    with server.candidate(started) as ws:
        assert open_sockets() == 1
        ws.socket.shutdown(2)
    wait_for(lambda: open_sockets() == 0, "the cut socket to be noticed")


def test_an_ordinary_request_to_the_socket_url_is_a_clear_error(server: Server, started: dict[str, Any]) -> None:
    status, answer = server.request("GET", f"/proview/v1/sessions/{started['session_uuid']}/signal")
    assert status in (400, 404, 426)
    assert answer["message"]
