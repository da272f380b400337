"""The proxy under gunicorn's gevent worker: what two parsers could read differently, streaming, tunnels."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from .front import gunicorn_proxy
from .upstream import OK, Upstream, fields

pytestmark = pytest.mark.system  # servers of its own, seconds each

PROBES = {
    "length and chunked": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "unknown coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc",
    "chunked not last": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two codings": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "list of lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
    "signed length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "hexadecimal length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc",
    "negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nabc",
    "underscore in length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\nabcdefghij",
    "space before colon": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc",
    "folded line": b"GET / HTTP/1.1\r\nHost: a\r\nX-User: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare return": b"GET / HTTP/1.1\r\nHost: a\r\nX-User: a\rb\r\n\r\n",
    "zero byte": b"GET / HTTP/1.1\r\nHost: a\r\nX-User: a\x00b\r\n\r\n",
    "underscore in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1.2.3.4\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "other host in the target": b"GET http://evil.test/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "coding before chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "tab in the coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "chunk size with 0x": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "chunk size with _": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1_0\r\nabcdefghijklmnop\r\n0\r\n\r\n",
    "chunk with line feed": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    "70 KB header": b"GET / HTTP/1.1\r\nHost: a\r\nX-User: " + b"a" * 70_000 + b"\r\n\r\n",
    "150 headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(150)) + b"\r\n",
    "20 KB line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "space before the coding's colon": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "folded coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "quoted coding": b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "underscore after a zero": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0_5\r\n\r\nabcde",
    "empty length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabc",
    "two equal lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length behind an underscore": b"POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 3\r\n\r\nabc",
    "one bare line feed": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "space before the first field": b"GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n",
    "field without a name": b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "field without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "zero byte in the path": b"GET /a%00b/..%2f..%2fetc HTTP/1.1\r\nHost: a\r\n\r\n",
    "backslash in the path": b"GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n",
    "two spaces in the request line": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "method in mixed case": b"GeT / HTTP/1.1\r\nHost: a\r\n\r\n",
    "negative chunk size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "chunk longer than its size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "line feed in a chunk's extension": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n",
    "strange version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
}


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[Upstream, int]]:
    with Upstream(OK) as upstream, gunicorn_proxy(upstream.url) as port:
        assert requests.get(f"http://127.0.0.1:{port}/warm", timeout=30).text == "ok"
        yield upstream, port


def send_raw(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.settimeout(3)
        received = b""
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(65536):
                received += part
        except OSError:
            pass
        return received


@pytest.mark.parametrize("probe", PROBES)
def test_an_ambiguous_request_never_reaches_the_application(echo: tuple[Upstream, int], probe: str) -> None:
    upstream, port = echo
    before = len(upstream.requests)
    received = send_raw(port, PROBES[probe] + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert received.count(b"HTTP/1.1 ") <= 1, "one request, one answer"
    assert not received.startswith(b"HTTP/1.1 2"), received[:80]
    assert upstream.requests[before:] == []


@pytest.mark.parametrize("tail", [b"", b"0\r\n"])
def test_a_chunked_body_without_its_end_never_arrives_as_complete(echo: tuple[Upstream, int], tail: bytes) -> None:
    upstream, port = echo
    before = len(upstream.requests)
    send_raw(port, b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + tail)
    assert not any(b"0\r\n\r\n" in r for r in upstream.requests[before:])


def test_requests_sent_in_a_row_are_as_many_at_the_application(echo: tuple[Upstream, int]) -> None:
    upstream, port = echo
    before = len(upstream.requests)
    post = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\nGET /inside HTTP/1.1\r\nHost: a\r\nX: y\r\n\r"
    chunked = b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    last = b"GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert len(post.partition(b"\r\n\r\n")[2]) == 38
    received = send_raw(port, post + chunked + last)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert [r.split(b" ")[1] for r in upstream.requests[before:]] == [b"/1", b"/2", b"/3"]


def test_the_answer_has_one_date_and_one_server(echo: tuple[Upstream, int]) -> None:
    received = send_raw(echo[1], b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").lower()
    assert (received.count(b"\r\ndate:"), received.count(b"\r\nserver:")) == (1, 1)


def test_raw_path_bytes_survive_the_whole_way(echo: tuple[Upstream, int]) -> None:
    upstream, port = echo
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/a%2Fb/%c3%a4?x=%20+y")
    connection.getresponse().read()
    connection.close()
    assert upstream.requests[-1].split(b" ")[1] == b"/a%2Fb/%c3%a4?x=%20+y"


def test_a_chunked_upload_streams_through(echo: tuple[Upstream, int]) -> None:
    upstream, port = echo
    parts = [b"first", b"second" * 1000, b"third"]
    answer = requests.post(f"http://127.0.0.1:{port}/up", data=iter(parts), timeout=10)
    assert answer.text == "ok"
    body = upstream.requests[-1].partition(b"\r\n\r\n")[2]
    assert b"first" in body
    assert body.endswith(b"0\r\n\r\n")
    assert fields(upstream.requests[-1])["transfer-encoding"] == "chunked"


def test_a_large_upload_arrives_whole(echo: tuple[Upstream, int]) -> None:
    upstream, port = echo
    data = bytes(range(256)) * 40_000
    assert requests.post(f"http://127.0.0.1:{port}/up", data=data, timeout=30).text == "ok"
    assert upstream.requests[-1].partition(b"\r\n\r\n")[2] == data


def test_an_event_arrives_while_the_stream_is_still_open() -> None:
    go_on = threading.Event()

    def stream(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n"
        )
        go_on.wait(20)
        sock.sendall(b"b\r\ndata: two\n\n\r\n0\r\n\r\n")

    with (
        Upstream(stream) as upstream,
        gunicorn_proxy(upstream.url) as port,
        requests.get(
            f"http://127.0.0.1:{port}/events", stream=True, timeout=20, headers={"Connection": "close"}
        ) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines) == b"data: one"
        go_on.set()
        assert b"data: two" in list(lines)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 1000\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"]
)
def test_the_client_sees_that_the_application_was_cut_off(framing: bytes) -> None:
    def cut(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + framing)
        sock.shutdown(socket.SHUT_WR)
        time.sleep(0)

    with Upstream(cut) as upstream, gunicorn_proxy(upstream.url) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            connection.getresponse().read()
        connection.close()


def test_a_websocket_is_a_tunnel_of_bytes() -> None:
    def echo_socket(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello"
        )
        while data := sock.recv(65536):
            sock.sendall(data.upper())

    with Upstream(echo_socket) as upstream, gunicorn_proxy(upstream.url) as port:
        with socket.create_connection(("127.0.0.1", port), 20) as sock:
            sock.sendall(
                b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            received = b""
            while not received.endswith(b"hello"):
                received += sock.recv(65536)
            assert received.startswith(b"HTTP/1.1 101 ")
            assert b"Sec-WebSocket-Accept: x" in received
            for word in (b"ping", b"pong" * 10_000):
                sock.sendall(word)
                back = b""
                while len(back) < len(word):
                    back += sock.recv(65536)
                assert back == word.upper()
        assert fields(upstream.requests[0])["upgrade"] == "websocket"
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=20).status_code in (101, 502), "the worker lives on"


def test_a_windows_login_stays_with_the_browser_that_made_it() -> None:
    challenge = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM TlRMTVNTUAAC\r\nContent-Length: 2\r\n\r\nno"
    with Upstream(challenge, OK) as upstream, gunicorn_proxy(upstream.url) as port:
        browsers = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(2)]

        def ask(browser: int, **headers: str) -> bytes:
            browsers[browser].request("GET", "/", headers=headers)
            return browsers[browser].getresponse().read()

        assert ask(0, Authorization="NTLM TlRMTVNTUAAB") == b"no"
        assert ask(0, Authorization="NTLM TlRMTVNTUAAD") == b"ok"
        assert ask(0) == b"ok"
        assert upstream.connections == 1
        assert ask(1) == b"ok"
        assert ask(0) == b"ok"
        assert upstream.connections == 2
        for browser in browsers:
            browser.close()
