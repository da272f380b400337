"""What goes to the application."""

from __future__ import annotations

import io
import socket
import threading
from typing import Any

import pytest
from werkzeug.middleware.lint import LintMiddleware
from werkzeug.test import Client

from .asking import answer, ask, open_proxy
from .upstream import OK, Upstream, fields


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


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_TRANSFER_ENCODING": "gzip, chunked", "wsgi.input_terminated": True}, 501),
        ({"HTTP_TRANSFER_ENCODING": "identity", "CONTENT_LENGTH": "3"}, 501),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "3", "wsgi.input_terminated": True}, 400),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}, 411),
        ({"CONTENT_LENGTH": "+3"}, 400),
        ({"CONTENT_LENGTH": "1_0"}, 400),
        ({"CONTENT_LENGTH": "-1"}, 400),
        ({"CONTENT_LENGTH": "\u0663"}, 400),
        ({"CONTENT_TYPE": "text/plain\r\nX-Injected: 1"}, 400),
        ({"HTTP_HOST": ""}, 400),
        ({"HTTP_HOST": "a, b"}, 400),
        ({"HTTP_HOST": "a/b"}, 400),
        ({"HTTP_HOST": "a\r\nX-Injected: 1"}, 400),
        ({"RAW_URI": "http://evil.test/x"}, 400),
        ({"HTTP_X_A": "\u2603"}, 400),
    ],
)
def test_what_two_servers_could_read_differently_is_refused(environ: dict[str, Any], status: int) -> None:
    with Upstream() as upstream:
        got = ask(upstream, method="POST", data=b"abc", environ=environ)
    assert got.status_code == status
    assert upstream.requests == []


def test_http_1_0_without_host_is_asked_under_the_applications_own_name() -> None:
    with Upstream() as upstream:
        assert ask(upstream, environ={"HTTP_HOST": "", "SERVER_PROTOCOL": "HTTP/1.0"}).status_code == 200
        assert fields(upstream.requests[0])["host"] == upstream.url.removeprefix("http://")


def test_an_absolute_target_that_agrees_with_the_host_goes_as_a_path() -> None:
    with Upstream() as upstream:
        ask(upstream, environ={"RAW_URI": "http://EXAM.test/a%2Fb?c"})
    assert upstream.requests[0].split(b" ")[1] == b"/a%2Fb?c"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_chunked_body_goes_on_chunked_whatever_its_length(method: str) -> None:
    with Upstream() as upstream:
        environ = {
            "CONTENT_LENGTH": "",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input_terminated": True,
            "wsgi.input": io.BytesIO(b"abc"),
        }
        assert ask(upstream, method=method, environ=environ).status_code == 200
    assert upstream.requests[0].endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert "content-length" not in fields(upstream.requests[0])


def test_a_chunked_body_that_grows_over_the_limit_is_broken_off() -> None:
    with Upstream() as upstream:
        environ = {
            "CONTENT_LENGTH": "",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input_terminated": True,
            "wsgi.input": io.BytesIO(bytes(2**20 + 1)),
        }
        got = ask(upstream, method="POST", environ=environ, server={"max_upload_mb": 1})
    assert got.status_code == 413
    assert not any(request.endswith(b"0\r\n\r\n") for request in upstream.requests)


def test_the_applications_early_no_to_an_upload_arrives() -> None:
    def refuse(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        answered.set()
        sock.recv(1)

    class Patient(io.BytesIO):
        """A slow sender: the second piece comes when the application has answered."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                assert answered.wait(10)
            return super().read(size)

    answered = threading.Event()
    with Upstream(refuse, stop_at_head=True) as upstream:
        environ = {"CONTENT_LENGTH": str(2**24), "wsgi.input": Patient(bytes(2**24))}
        got = ask(upstream, method="POST", environ=environ)
    assert (got.status_code, got.data) == (413, b"big")


def test_an_unasked_100_continue_does_not_stop_the_upload() -> None:
    def go_on(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        answered.set()
        left = 2**20 - len(_request.partition(b"\r\n\r\n")[2])
        while left:
            left -= len(sock.recv(min(left, 65536)))
        sock.sendall(OK)

    class Patient(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                assert answered.wait(10)
            return super().read(size)

    answered = threading.Event()
    with Upstream(go_on, stop_at_head=True) as upstream:
        environ = {"CONTENT_LENGTH": str(2**20), "wsgi.input": Patient(bytes(2**20))}
        got = ask(upstream, method="POST", environ=environ)
    assert (got.status_code, got.data) == (200, b"ok")


def test_the_proxy_header_never_becomes_a_variable_of_the_application() -> None:
    with Upstream() as upstream:
        ask(upstream, Proxy="http://evil.test:8080", Expect="100-continue")
    assert not {"proxy", "expect"} & set(fields(upstream.requests[0]))


@pytest.mark.filterwarnings("error::werkzeug.middleware.lint.WSGIWarning")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_proxy_keeps_to_wsgi(method: str) -> None:
    with Upstream() as upstream, open_proxy(upstream.url) as app:
        client = Client(LintMiddleware(app), use_cookies=False)
        data = b"abc" if method == "POST" else None
        assert client.open("/a?b", method=method, data=data, buffered=True).status_code == 200
        assert client.open("/", method="TRACE", buffered=True).status_code == 400
