from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pytest

from flask_proview.doctor.addresses import read_address
from flask_proview.doctor.client import Client
from flask_proview.doctor.handshake import Handshake, Socket, try_socket

from .site import Answer, Answerer, Asked, page, running
from .test_server import api


def handshake(answer: Answer | Answerer, wait_s: float = 5.0) -> Handshake:
    with running({"*": answer}) as site:
        place = read_address(site.url)
        assert place is not None
        return try_socket(Client(place.origin), "/proview", "https://exam.example.edu", wait_s)


def accepted(asked: Asked) -> bytes:
    digest = hashlib.sha1(  # noqa: S324 - RFC 6455 says so
        (asked.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
    ).digest()
    accept = base64.b64encode(digest).decode()
    return f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()


def close(code: int) -> bytes:
    return b"\x88\x02" + code.to_bytes(2, "big")


def test_a_socket_that_closes_with_our_code_works() -> None:
    assert handshake(lambda asked: [accepted(asked), close(4401)]).outcome is Socket.WORKS


def test_a_socket_closed_by_somebody_else_does_not() -> None:
    assert handshake(lambda asked: [accepted(asked), close(1011)]).outcome is Socket.SILENT


def test_a_socket_that_only_opens_is_silent() -> None:
    assert handshake(lambda asked: [accepted(asked)]).outcome is Socket.SILENT


def test_a_socket_that_never_says_anything_is_given_up() -> None:
    def mute(asked: Asked) -> Iterator[bytes]:
        yield accepted(asked)
        for _ in range(1000):
            yield b"\x89\x00"  # pings keep the connection alive

    assert handshake(mute, wait_s=0.5).outcome is Socket.SILENT


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (api("501 Not Implemented", code="websocket_unsupported"), Socket.REFUSED),
        (api("404 Not Found", code="not_found"), Socket.SWALLOWED),
        (api("400 Bad Request", code="bad_request"), Socket.SWALLOWED),
        (page("<h1>403</h1>", "Server: WAF", status="403 Forbidden"), Socket.BLOCKED),
        (page("<h1>Bad gateway</h1>", status="502 Bad Gateway"), Socket.BLOCKED),
        (page("<h1>Home</h1>"), Socket.BLOCKED),
        (b"", Socket.FAILED),
        (b"\x00\x01nonsense\r\n\r\n", Socket.FAILED),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
            Socket.FAILED,
        ),
    ],
)
def test_who_stands_in_the_way_is_told_apart(answer: bytes, outcome: Socket) -> None:
    assert handshake(answer).outcome is outcome


def test_the_handshake_carries_the_origin_of_a_page_and_no_token() -> None:
    with running({"*": page()}) as site:
        place = read_address(site.url)
        assert place is not None
        try_socket(Client(place.origin), "/proview", "https://exam.example.edu")
        assert site.asked[0].headers["origin"] == "https://exam.example.edu"
        assert "?" not in site.asked[0].target
