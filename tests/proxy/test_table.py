"""What a reverse proxy must do, row by row, against the served stack (gunicorn's parser, our worker, the proxy).

Smuggling probes, uploads, event streams and Windows logins: ``test_front.py``. Slow and endless peers: ``test_bounds.py``.
Uploads that wait for ``100 Continue``: ``test_continue.py``. WebSockets: ``test_websockets.py``. Other kinds of upstreams,
restarts and stopping: ``test_upstreams.py``. Single parts, in process: the other files here.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from .front import gunicorn_proxy
from .raw import connect, exchange, get, receive_all, receive_until, wait_for
from .upstream import OK, Upstream, fields

pytestmark = pytest.mark.system  # servers of its own

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </exam.css>; rel=preload\r\nX-Inner: secret\r\n\r\n"


def answer(*lines: str, status: str = "200 OK", body: bytes = b"ok") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


class Site:
    """An application that answers by path and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {
            "/hints": EARLY + OK,
            "/listed": answer("Connection: X-Inner, keep-alive", "X-Inner: 1", "Keep-Alive: timeout=5", "Proxy-Authenticate: Basic", "X-Kept: 1"),
            "/cookies": answer("Set-Cookie: a=1; Path=/exam; HttpOnly", "Set-Cookie: b=2; Domain=127.0.0.1"),
            "/trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
            "/many": answer(*[f"X-{n}: 1" for n in range(250)]),
            "/wide": answer("X-Wide: " + "a" * 70_000),
            "/not-http": b"SSH-2.0-OpenSSH_9\r\n\r\n",
            "/stack-trace": answer("Content-Type: text/plain", status="500 Oops", body=b"Traceback of the application"),
        }  # fmt: skip
        self.upstream = Upstream(self._answer)

    def _answer(self, sock: socket.socket, request: bytes) -> None:
        path = request.split(b" ")[1].decode("latin-1")
        sock.sendall(
            self.answers.get(path, OK).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
            if path not in ("/hints", "/listed", "/not-http")
            else self.answers[path]
        )
        sock.shutdown(socket.SHUT_WR)

    @property
    def last(self) -> bytes:
        return self.upstream.requests[-1]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    with made.upstream:
        yield made


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with gunicorn_proxy(site.upstream.url, max_upload_mb=1) as number:
        yield number


@pytest.fixture(scope="module")
def trusting(site: Site) -> Iterator[int]:
    """A proxy that takes this machine for its front server."""
    with gunicorn_proxy(site.upstream.url, trusted_proxies=["127.0.0.1"]) as number:
        yield number


def test_row_request_hop_by_hop_fields_end_here_listed_ones_too(site: Site, port: int) -> None:
    get(port, "/", "Keep-Alive: 5", "TE: trailers", "Proxy-Authorization: Basic eDp5", "Proxy-Connection: x", "Upgrade: h2c",
        "X-Secret: 1", "X-Kept: 1", "Connection: X-Secret, Upgrade")  # fmt: skip
    sent = fields(site.last)
    assert not {
        "keep-alive",
        "te",
        "proxy-authorization",
        "proxy-connection",
        "upgrade",
        "x-secret",
        "http2-settings",
    } & set(sent)
    assert sent["x-kept"] == "1"
    assert sent["connection"] == "keep-alive"


def test_row_response_hop_by_hop_fields_end_here_listed_ones_too(port: int) -> None:
    got = fields(get(port, "/listed"))
    assert not {"x-inner", "keep-alive", "proxy-authenticate"} & set(got)
    assert got["x-kept"] == "1"


def test_row_forwarded_fields_of_an_untrusted_client_are_replaced(site: Site, port: int) -> None:
    get(port, "/", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test", "Forwarded: for=6.6.6.6",
        "X-Real-IP: 6.6.6.6", "X-Original-URL: /admin", "X-Rewrite-URL: /admin")  # fmt: skip
    sent = fields(site.last)
    assert (sent["x-forwarded-for"], sent["x-forwarded-proto"], sent["x-forwarded-host"]) == (
        "127.0.0.1",
        "http",
        "exam.test",
    )
    assert (sent["x-forwarded-port"], sent["forwarded"]) == ("80", "for=127.0.0.1;host=exam.test;proto=http")
    assert not {"x-real-ip", "x-original-url", "x-rewrite-url"} & set(sent)
    assert b"6.6.6.6" not in site.last


def test_row_forwarded_fields_of_a_trusted_front_server_are_continued(site: Site, trusting: int) -> None:
    get(
        trusting,
        "/",
        "X-Forwarded-For: 9.9.9.9",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: exam.example.edu",
        "Forwarded: for=9.9.9.9",
    )
    sent = fields(site.last)
    assert sent["x-forwarded-for"] == "9.9.9.9, 127.0.0.1"
    assert (sent["x-forwarded-proto"], sent["x-forwarded-host"], sent["x-forwarded-port"]) == (
        "https",
        "exam.example.edu",
        "443",
    )
    assert sent["forwarded"] == "for=9.9.9.9, for=127.0.0.1;host=exam.example.edu;proto=https"


def test_row_host_is_what_the_client_asked_for(site: Site, port: int) -> None:
    exchange(port, b"GET / HTTP/1.1\r\nHost: Exam.Test:8443\r\nConnection: close\r\n\r\n")
    assert fields(site.last)["host"] == "Exam.Test:8443"


@pytest.mark.parametrize("target", ["/a%2Fb/%c3%a4/%7e?q=%20+%", "/a//b/./c/../d;x=1", "/%e4?" + "x" * 7000])
def test_row_path_and_query_go_byte_for_byte(site: Site, port: int, target: str) -> None:
    get(port, target)
    assert site.last.split(b" ")[1] == target.encode()


def test_a_target_longer_than_the_limit_is_refused(site: Site, port: int) -> None:
    before = len(site.upstream.requests)
    assert get(port, "/" + "x" * 9000).startswith(b"HTTP/1.1 414 ")
    assert len(site.upstream.requests) == before


@pytest.mark.parametrize("name", ["Location", "Content-Location"])
def test_row_addresses_of_the_application_become_public(site: Site, port: int, name: str) -> None:
    site.answers["/moved"] = answer(f"{name}: {site.upstream.url}/next?a=1#b", status="302 Found")
    assert fields(get(port, "/moved"))[name.lower()] == "http://exam.test/next?a=1#b"
    site.answers["/moved"] = answer(f"{name}: https://idp.example.edu/login", status="302 Found")
    assert fields(get(port, "/moved"))[name.lower()] == "https://idp.example.edu/login"


def test_row_refresh_becomes_public(site: Site, port: int) -> None:
    site.answers["/refresh"] = answer(f"Refresh: 3; url={site.upstream.url}/next")
    assert fields(get(port, "/refresh"))["refresh"] == "3; url=http://exam.test/next"


def test_row_cookies_stay_separate_keep_their_path_and_lose_the_inner_domain(port: int) -> None:
    assert fields(get(port, "/cookies"))["set-cookie"] == "a=1; Path=/exam; HttpOnly|b=2"


def test_row_early_hints_arrive_before_the_answer_and_are_not_it(port: int) -> None:
    got = get(port, "/hints")
    first, _, rest = got.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 103 Early Hints\r\nLink: </exam.css>; rel=preload"
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n\r\nok")


def test_early_hints_are_not_sent_to_http_1_0(port: int) -> None:
    assert exchange(port, b"GET /hints HTTP/1.0\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.0 200 OK\r\n")


@pytest.mark.parametrize("framing", [b"Content-Length: 11", b"Transfer-Encoding: chunked"])
def test_row_an_upload_reaches_the_application_while_it_is_still_being_sent(framing: bytes) -> None:
    heard: list[bytes] = []
    begun = threading.Event()

    def listen(sock: socket.socket, request: bytes) -> None:
        heard.append(request)
        while b"first" not in b"".join(heard):
            heard.append(sock.recv(65536))
        begun.set()
        while b"second" not in b"".join(heard):
            heard.append(sock.recv(65536))
        sock.sendall(OK)

    chunked = framing.startswith(b"T")
    with Upstream(listen, stop_at_head=True) as upstream, gunicorn_proxy(upstream.url) as port, connect(port) as sock:
        sock.sendall(
            b"POST /up HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + (b"5\r\nfirst\r\n" if chunked else b"first")
        )
        assert begun.wait(10), "the beginning is there before the end was sent"
        sock.sendall(b"6\r\nsecond\r\n0\r\n\r\n" if chunked else b"second")
        assert receive_until(sock, b"\r\n\r\nok").startswith(b"HTTP/1.1 200 OK")


def test_row_a_post_on_a_dropped_connection_is_tried_once_a_get_twice() -> None:
    asked: list[bytes] = []

    def drop(sock: socket.socket, request: bytes) -> None:
        asked.append(request.split(b" ")[0])
        sock.close()

    with Upstream(OK, drop) as upstream, gunicorn_proxy(upstream.url) as port:
        at = f"http://127.0.0.1:{port}/"
        assert requests.post(at, data={"answer": "42"}, timeout=20).text == "ok"  # leaves a kept connection
        assert requests.post(at, data={"answer": "42"}, timeout=20).status_code == 502
        assert asked == [b"POST"]
        upstream.answers[:] = [OK, OK, OK, drop]
        assert requests.get(at, timeout=20).text == "ok"
        assert requests.get(at, timeout=20).status_code == 502
    assert asked == [b"POST", b"GET", b"GET"]


def test_connections_to_the_application_are_kept() -> None:
    with Upstream(OK) as upstream, gunicorn_proxy(upstream.url) as port:
        for _ in range(10):
            assert requests.get(f"http://127.0.0.1:{port}/", timeout=20).text == "ok"
        assert upstream.connections == 1


def test_trailers_of_either_side_go_nowhere(site: Site, port: int) -> None:
    sent = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n"
    assert exchange(port, sent).endswith(b"ok")
    assert b"x-sum" not in site.last.lower()
    got = get(port, "/trailers")
    assert b"x-sum" not in got.lower().partition(b"\r\n\r\n")[2]
    assert b"2\r\nok\r\n0\r\n\r\n" in got


def test_a_get_may_have_a_body_and_a_cookie_may_be_8_kb(site: Site, port: int) -> None:
    cookie = "sid=" + "a" * 8000
    exchange(
        port,
        f"GET /search HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: {cookie}\r\nContent-Length: 4\r\n\r\nbody".encode(),
    )
    assert fields(site.last)["cookie"] == cookie
    assert site.last.endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize("path", ["/many", "/wide", "/not-http"])
def test_an_answer_beyond_the_limits_is_a_bad_gateway(port: int, path: str) -> None:
    assert get(port, path).startswith(b"HTTP/1.1 502 ")


def test_the_applications_own_error_pages_pass_as_they_are(port: int) -> None:
    got = get(port, "/stack-trace")
    assert got.startswith(b"HTTP/1.1 500 Oops\r\n")
    assert got.endswith(b"Traceback of the application")


def test_a_body_over_the_limit_is_refused_and_the_refusal_can_be_read(site: Site, port: int) -> None:
    before = len(site.upstream.requests)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/up", body=b"x" * (3 << 20))
    got = connection.getresponse()
    assert (got.status, b"too large" in got.read()) == (413, True)
    connection.close()
    assert len(site.upstream.requests) == before


def assert_exam_safe(got: bytes, status: bytes, inner_port: int) -> None:
    head, _, page = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert fields(got)["retry-after"].isdigit()
    assert fields(got)["cache-control"] == "no-store"
    assert b"still in your browser" in page
    assert b"Reference: <code>" in page
    assert str(inner_port).encode() not in got
    assert b"Traceback" not in got


def test_row_nobody_there_is_502_with_an_exam_safe_page() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with gunicorn_proxy(f"http://127.0.0.1:{nobody}") as port:
        assert_exam_safe(get(port), b"502 ", nobody)


def test_row_silence_is_504_and_a_full_pool_503_with_exam_safe_pages() -> None:
    let_go = threading.Event()

    def hang(_sock: socket.socket, _request: bytes) -> None:
        let_go.wait(20)

    with Upstream(hang) as upstream:
        try:
            with (
                gunicorn_proxy(upstream.url, upstream_pool=1, upstream_connect_s=0.5, upstream_read_s=3) as port,
                connect(port) as first,
            ):
                first.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                wait_for(lambda: upstream.requests)
                assert_exam_safe(get(port), b"503 ", upstream.port)
                assert_exam_safe(receive_all(first), b"504 ", upstream.port)
        finally:
            let_go.set()
