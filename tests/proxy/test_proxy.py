"""The proxy in this process: what goes to the application and what comes back."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from flask_proview.middleware.proxy import ReverseProxy
from flask_proview.middleware.proxy.errors import CutOff

from .front import proxy_config
from .upstream import OK, Upstream, fields


@contextmanager
def open_proxy(url: str, **server: Any) -> Iterator[ReverseProxy]:
    proxy = ReverseProxy(proxy_config(url, **server))
    try:
        yield proxy
    finally:
        proxy.close()


def ask(
    upstream: Upstream,
    path: str = "/",
    *,
    method: str = "GET",
    data: bytes | None = None,
    environ: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    **headers: str,
) -> Any:
    with open_proxy(upstream.url, **(server or {})) as app:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        client = Client(app, use_cookies=False)
        return client.open(
            path,
            method=method,
            data=data,
            headers=sent,
            base_url="http://exam.test",
            environ_overrides=environ,
            buffered=True,
        )


def answer(body: bytes = b"ok", *lines: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def test_method_path_host_and_body_arrive_and_the_answer_comes_back() -> None:
    with Upstream(answer(b"saved", "Content-Type: text/html")) as upstream:
        got = ask(
            upstream, "/save?x=1", method="POST", data=b"answer=42", Content_Type="application/x-www-form-urlencoded"
        )
    request = upstream.requests[0]
    assert request.startswith(b"POST /save?x=1 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\nanswer=42")
    assert fields(request)["host"] == "exam.test"
    assert fields(request)["content-type"] == "application/x-www-form-urlencoded"
    assert (got.status, got.data, got.headers["Content-Type"]) == ("200 OK", b"saved", "text/html")


@pytest.mark.parametrize("raw", ["/a%2Fb?q=%C3%A4+%20", "/%e4?", "/a//b/../c", "/a;v=1/b,c@d", "/x?a=b?c"])
def test_path_and_query_go_byte_for_byte_when_the_server_tells_them(raw: str) -> None:
    with Upstream() as upstream:
        ask(upstream, "/ignored", environ={"RAW_URI": raw})
    assert upstream.requests[0].split(b" ")[1].decode() == raw


def test_without_raw_bytes_the_path_is_quoted_again() -> None:
    with Upstream() as upstream:
        ask(upstream, environ={"PATH_INFO": "/a b/\xe4", "QUERY_STRING": "q=1", "REQUEST_URI": None, "RAW_URI": None})
    assert upstream.requests[0].split(b" ")[1] == b"/a%20b/%E4?q=1"


@pytest.mark.parametrize("raw", ["relative", "/a b", "/a\x00", "//\r\nX: y"])
def test_what_is_not_a_path_is_refused(raw: str) -> None:
    with Upstream() as upstream:
        got = ask(upstream, environ={"RAW_URI": raw})
    assert got.status_code == 400
    assert upstream.requests == []


def test_hop_by_hop_fields_go_neither_way() -> None:
    with Upstream(
        answer(
            b"ok",
            "Connection: keep-alive, X-Inner",
            "X-Inner: secret",
            "Keep-Alive: timeout=5",
            "X-Outer: 1",
            "Proxy-Authenticate: Basic",
        )
    ) as upstream:
        got = ask(
            upstream,
            Connection="x-secret, close",
            X_Secret="1",
            TE="trailers",
            Proxy_Authorization="Basic x",
            Keep_Alive="300",
            X_Kept="yes",
        )
    sent = fields(upstream.requests[0])
    assert not {"x-secret", "te", "proxy-authorization", "keep-alive"} & set(sent)
    assert sent["x-kept"] == "yes"
    assert sent["connection"] == "keep-alive"
    names = {name.lower() for name, _ in got.headers}
    assert not {"connection", "keep-alive", "x-inner", "proxy-authenticate"} & names
    assert got.headers["X-Outer"] == "1"


def test_forwarded_fields_of_a_stranger_are_replaced() -> None:
    with Upstream() as upstream:
        ask(
            upstream,
            environ={"REMOTE_ADDR": "203.0.113.9"},
            X_Forwarded_For="1.2.3.4",
            X_Forwarded_Proto="https",
            X_Forwarded_Host="evil.test",
            Forwarded="for=1.2.3.4",
            X_Real_IP="1.2.3.4",
        )
    sent = fields(upstream.requests[0])
    assert sent["x-forwarded-for"] == "203.0.113.9"
    assert (sent["x-forwarded-proto"], sent["x-forwarded-host"], sent["x-forwarded-port"]) == (
        "http",
        "exam.test",
        "80",
    )
    assert sent["forwarded"] == "for=203.0.113.9;host=exam.test;proto=http"
    assert "x-real-ip" not in sent


def test_forwarded_fields_of_a_trusted_proxy_are_continued() -> None:
    with Upstream() as upstream:
        ask(
            upstream,
            server={"trusted_proxies": ["10.0.0.0/8"]},
            environ={"REMOTE_ADDR": "10.1.2.3"},
            X_Forwarded_For="203.0.113.9",
            X_Forwarded_Proto="https",
            X_Forwarded_Host="exam.example.edu",
        )
    sent = fields(upstream.requests[0])
    assert sent["x-forwarded-for"] == "203.0.113.9, 10.1.2.3"
    assert (sent["x-forwarded-proto"], sent["x-forwarded-host"], sent["x-forwarded-port"]) == (
        "https",
        "exam.example.edu",
        "443",
    )


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
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")]
)
def test_answers_without_a_body_keep_the_connection_usable(method: str, status: str) -> None:
    headers = b"" if status.startswith("204") else b"Content-Length: 500\r\n"
    with (
        Upstream(f"HTTP/1.1 {status}\r\n".encode() + headers + b"\r\n", OK) as upstream,
        open_proxy(upstream.url) as app,
    ):
        client = Client(app, use_cookies=False)
        assert client.open("/", method=method).data == b""
        assert client.get("/").data == b"ok"
        assert upstream.connections == 1


def call(app: ReverseProxy, **options: Any) -> tuple[Any, str, Any]:
    return run_wsgi_app(app, EnvironBuilder(**options).get_environ())


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


def test_connections_are_kept_and_used_again() -> None:
    with Upstream() as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        for _ in range(5):
            assert client.get("/").data == b"ok"
        assert upstream.connections == 1


def test_an_answer_that_was_not_read_to_its_end_closes_its_connection() -> None:
    with (
        Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000, OK) as upstream,
        open_proxy(upstream.url) as app,
    ):
        body, _, _ = call(app, path="/")
        next(iter(body))
        body.close()
        body.close()
        assert Client(app).get("/").data == b"ok"
        assert upstream.connections == 2


def test_a_get_on_a_connection_that_died_is_sent_once_more() -> None:
    def close(sock: socket.socket, _request: bytes) -> None:
        sock.close()

    with Upstream(OK, close, OK) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.get("/2").data == b"ok"
        assert [r.split(b" ")[1] for r in upstream.requests] == [b"/1", b"/2", b"/2"]


def test_a_post_is_never_sent_twice_and_never_on_a_kept_connection() -> None:
    def close(sock: socket.socket, _request: bytes) -> None:
        sock.close()

    with Upstream(OK, close) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.post("/2", data=b"x").status_code == 502
        assert [r.split(b" ")[1] for r in upstream.requests] == [b"/1", b"/2"]
        assert upstream.connections == 2


def test_bytes_behind_an_answer_spoil_the_connection() -> None:
    with (
        Upstream(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK) as upstream,
        open_proxy(upstream.url) as app,
    ):
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.get("/2").data == b"ok"
        assert upstream.connections == 2


class _Client(socket.socket):
    """Stands for the socket of one browser."""


def test_a_connection_that_was_logged_in_by_ntlm_is_never_shared() -> None:
    challenge = answer(b"no", "WWW-Authenticate: NTLM TlRMTVNTUAAC", status="401 Unauthorized")
    with Upstream(challenge, OK, OK) as upstream, open_proxy(upstream.url) as app, _Client() as ann, _Client() as bob:
        client = Client(app, use_cookies=False)
        assert client.get("/", environ_overrides={"gunicorn.socket": ann}).data == b"no"
        headers = {"Authorization": "NTLM TlRMTVNTUAAD"}
        assert client.get("/", headers=headers, environ_overrides={"gunicorn.socket": ann}).data == b"ok"
        assert upstream.connections == 1
        assert client.get("/", environ_overrides={"gunicorn.socket": bob}).data == b"ok"
        assert upstream.connections == 2


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


def test_a_full_pool_says_busy() -> None:
    with (
        Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab") as upstream,
        open_proxy(upstream.url, upstream_pool=1, upstream_connect_s=0.2) as app,
    ):
        held, _, _ = call(app, path="/")
        assert Client(app).get("/").status_code == 503
        held.close()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "GE T", "X" * 50])
def test_methods_that_are_not_for_us_are_refused(method: str) -> None:
    with Upstream() as upstream:
        assert ask(upstream, environ={"REQUEST_METHOD": method}).status_code == 400
    assert upstream.requests == []


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    with Upstream() as upstream:
        got = ask(upstream, method="POST", environ={"CONTENT_LENGTH": str(2**40), "wsgi.input": io.BytesIO()})
    assert got.status_code == 413
    assert upstream.requests == []


def test_a_body_that_ends_early_never_reaches_the_application_as_complete() -> None:
    with Upstream() as upstream:
        got = ask(upstream, method="POST", environ={"CONTENT_LENGTH": "10", "wsgi.input": io.BytesIO(b"half")})
        assert got.status_code == 400
    assert upstream.requests == []


def test_header_values_with_line_breaks_are_refused() -> None:
    with Upstream() as upstream:
        assert ask(upstream, environ={"HTTP_X_A": "b\r\nX-Injected: 1"}).status_code == 400
    assert upstream.requests == []


def test_upgrades_other_than_websockets_are_not_asked_for() -> None:
    with Upstream() as upstream:
        ask(upstream, Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABk")
    sent = fields(upstream.requests[0])
    assert "upgrade" not in sent
    assert "http2-settings" not in sent


def test_a_websocket_without_the_servers_socket_is_not_implemented() -> None:
    with Upstream() as upstream:
        got = ask(upstream, Connection="Upgrade", Upgrade="websocket")
    assert got.status_code == 501
