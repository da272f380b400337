"""What comes back from the application."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

import pytest
from werkzeug.test import Client

from flask_proview.middleware.proxy.errors import CutOff

from .asking import answer, ask, call, open_proxy
from .upstream import OK, Upstream


def test_the_applications_own_address_becomes_the_public_one() -> None:
    with Upstream() as upstream:
        own = upstream.url
        upstream.answers = [
            answer(
                b"",
                f"Location: {own}/next?a=1",
                f"Content-Location: {own}/here",
                f"Refresh: 5; url={own}/r",
                status="302 Found",
            )
        ]
        got = ask(upstream)
    assert got.headers["Location"] == "http://exam.test/next?a=1"
    assert got.headers["Content-Location"] == "http://exam.test/here"
    assert got.headers["Refresh"] == "5; url=http://exam.test/r"


@pytest.mark.parametrize("location", ["/next", "https://other.test/x", "//cdn.test/x", "next?u=http://127.0.0.1:1/"])
def test_other_addresses_stay_as_they_are(location: str) -> None:
    with Upstream(answer(b"", f"Location: {location}", status="302 Found")) as upstream:
        assert ask(upstream).headers["Location"] == location


def test_an_address_that_only_begins_like_ours_is_not_touched() -> None:
    with Upstream() as upstream:
        location = f"{upstream.url}.evil.test/x"
        upstream.answers = [answer(b"", f"Location: {location}", status="302 Found")]
        assert ask(upstream).headers["Location"] == location


def test_cookies_stay_separate_and_lose_the_inner_domain() -> None:
    with Upstream(
        answer(
            b"ok",
            "Set-Cookie: a=1; Path=/; Domain=127.0.0.1; HttpOnly",
            "Set-Cookie: b=2; Secure",
            "Set-Cookie: c=3; Domain=exam.test",
        )
    ) as upstream:
        got = ask(upstream)
    assert got.headers.getlist("Set-Cookie") == ["a=1; Path=/; HttpOnly", "b=2; Secure", "c=3; Domain=exam.test"]


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_not_plainly_right_is_a_bad_gateway(reply: bytes) -> None:
    def say(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(reply)
        sock.shutdown(socket.SHUT_WR)

    with Upstream(say) as upstream:
        got = ask(upstream)
    assert got.status_code == 502
    assert b"still in your browser" in got.data
    assert got.headers["Retry-After"]
    assert b"127.0.0.1" not in got.data


def test_interim_answers_are_passed_over() -> None:
    with Upstream(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + OK) as upstream:
        got = ask(upstream)
    assert (got.status_code, got.data) == (200, b"ok")


def test_a_chunked_answer_is_decoded_and_its_trailers_dropped() -> None:
    with Upstream(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n"
    ) as upstream:
        got = ask(upstream)
    assert got.data == b"abcdefg"
    assert "Transfer-Encoding" not in got.headers


def test_an_answer_without_length_lasts_until_close() -> None:
    with Upstream(b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nall of it") as upstream:
        assert ask(upstream).data == b"all of it"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf!!0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x4\r\nhalf\r\n0\r\n\r\n",
    ],
)
def test_a_body_that_is_cut_off_never_looks_complete(reply: bytes) -> None:
    def say(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(reply)
        sock.shutdown(socket.SHUT_WR)

    with Upstream(say) as upstream, open_proxy(upstream.url) as app, pytest.raises(CutOff):
        Client(app).get("/", buffered=True)


def test_nothing_listening_is_a_bad_gateway() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with open_proxy(url) as app:
        got = Client(app).get("/")
    assert got.status_code == 502


def test_silence_is_a_gateway_timeout() -> None:
    def wait(sock: socket.socket, _request: bytes) -> None:
        sock.recv(1)

    with Upstream(wait) as upstream:
        got = ask(upstream, server={"upstream_read_s": 1})
    assert got.status_code == 504


@pytest.mark.parametrize(
    ("location", "arrives"),
    [
        ("http://exam.test/next", "https://exam.test/next"),
        ("HTTP://EXAM.TEST?x", "https://exam.test?x"),
        ("http://exam.test", "https://exam.test"),
        ("http://exam.test.evil.test/", "http://exam.test.evil.test/"),
        ("http://exam.test:8080/other", "http://exam.test:8080/other"),
        ("https://exam.test/next", "https://exam.test/next"),
    ],
)
def test_an_application_that_thinks_it_is_asked_over_http_does_not_leave_https(location: str, arrives: str) -> None:
    with Upstream(answer(b"", f"Location: {location}", status="302 Found")) as upstream:
        got = ask(upstream, environ={"wsgi.url_scheme": "https"})
    assert got.headers["Location"] == arrives


def test_what_the_front_server_says_itself_or_leads_past_us_stays_behind() -> None:
    with Upstream(answer(b"ok", "Date: x", "Server: Old/1.0", 'Alt-Svc: h3=":443"', "Content-Length: 2")) as upstream:
        got = ask(upstream)
    assert not {"date", "server", "alt-svc"} & {name.lower() for name, _ in got.headers}
    assert got.headers.getlist("Content-Length") == ["2"]


def test_a_length_cannot_be_unsaid_by_listing_it_in_connection() -> None:
    with Upstream(answer(b"ok", "Connection: content-length, close")) as upstream:
        assert ask(upstream).headers["Content-Length"] == "2"


def test_control_characters_in_a_value_are_a_bad_gateway() -> None:
    with Upstream(b"HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n") as upstream:
        assert ask(upstream).status_code == 502


def test_a_head_that_drips_in_is_given_up() -> None:
    def drip(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with contextlib.suppress(OSError):
            while not stop.wait(0.05):
                sock.sendall(b"a")

    stop = threading.Event()
    with Upstream(drip) as upstream:
        got = ask(upstream, server={"upstream_read_s": 1})
        stop.set()
    assert got.status_code == 504


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 70_000])
def test_chunks_of_any_size_come_out_as_they_went_in(size: int) -> None:
    data = bytes(range(256)) * 1000 if size >= 1000 else bytes(range(256)) * 20
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    with Upstream(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body, OK) as upstream:
        with open_proxy(upstream.url) as app:
            assert Client(app).get("/").data == data
            assert Client(app).get("/").data == b"ok"
        assert upstream.connections == 1


def test_each_chunk_goes_on_before_the_next_one_comes() -> None:
    def speak(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo")
        for more in (b"\r\n5\r\nthree\r", b"\n4\r\nfo", b"ur\r\n0\r\n\r\n"):
            assert heard.acquire(timeout=10)
            sock.sendall(more)

    heard = threading.Semaphore(0)
    with Upstream(speak) as upstream, open_proxy(upstream.url) as app:
        body, _, _ = call(app, path="/")
        got, wanted = b"", [b"onetwo", b"onetwothree", b"onetwothreefo", b"onetwothreefour"]
        for piece in body:
            got += piece
            if wanted and got == wanted[0]:
                wanted.pop(0)
                heard.release()
        body.close()
    assert (got, wanted) == (b"onetwothreefour", [])


def test_an_error_page_tells_a_reference_and_nothing_of_the_inside() -> None:
    with Upstream(b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n") as upstream:
        got = ask(upstream, path="/<script>")
    page = got.get_data(as_text=True)
    assert re.search(r"Reference: <code>[0-9a-f]{12}</code>", page)
    assert "Traceback" not in page
    assert "<script>" not in page
    assert got.headers["Cache-Control"] == "no-store"
