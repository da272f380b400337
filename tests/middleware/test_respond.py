"""The WSGI protocol around a changed page: laziness, write(), exc_info, close(), faults in mid-page."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

import pytest

from flask_proview.middleware.insertion import PageInsertion

from .site import PAGE, Site, answering, tag_of
from .test_inject import changed, environ_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TYPE = ("Content-Type", "text/html; charset=utf-8")


class Server:
    """A WSGI server's side, keeping the order of what happens."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.sent = False

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if exc_info is not None and self.sent:
            raise exc_info[1]
        self.log.append((status, dict(headers)))
        return self.write

    def write(self, data: bytes) -> None:
        self.sent = True
        self.log.append(data)

    def run(self, app: Any) -> bytes:
        body = app(environ_of(), self.start_response)
        try:
            for data in body:
                assert self.log, "bytes before start_response"
                self.write(data)
        finally:
            if hasattr(body, "close"):
                body.close()
        return self.body

    @property
    def body(self) -> bytes:
        return b"".join(x for x in self.log if isinstance(x, bytes))

    @property
    def statuses(self) -> list[str]:
        return [x[0] for x in self.log if isinstance(x, tuple)]


def site_of(app: WSGIApplication) -> Site:
    return Site(app, lint=False)


class Closable:
    """An application's iterable that is its own iterator, as file wrappers and generators are."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = iter(parts)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("parts", [[PAGE], [PAGE[:9], PAGE[9:]], [b"<!--", b" open"], []])
def test_iterable_is_closed_exactly_once(parts: list[bytes]) -> None:
    body = Closable(*parts)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        return body

    Server().run(site_of(app).middleware)
    assert body.closed == 1


def test_iterable_is_closed_when_the_client_leaves() -> None:
    body = Closable(PAGE, PAGE)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        return body

    answer: Any = site_of(app).middleware(environ_of(), Server().start_response)
    next(iter(answer))
    answer.close()
    answer.close()
    assert body.closed == 1


def test_iterable_is_closed_when_it_fails_at_once() -> None:
    class Failing(Closable):
        def __next__(self) -> bytes:
            raise OSError("disk")

    body = Failing()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        return body

    with pytest.raises(OSError, match="disk"):
        Server().run(site_of(app).middleware)
    assert body.closed == 1


def test_start_response_inside_a_generator() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        yield PAGE[:30]
        yield PAGE[30:]

    site = site_of(app)
    assert Server().run(site.middleware) == changed(site)


def test_untouched_answer_of_a_generator_stays() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        yield b""
        yield b"{}"

    server = Server()
    assert server.run(site_of(app).middleware) == b"{}"
    assert server.log[0] == ("200 OK", {"Content-Type": "application/json"})


def test_write_goes_through_the_same_scanner() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [TYPE])
        for at in range(0, 60, 7):
            write(PAGE[at : at + 7])
        return [PAGE[63:]]

    site = site_of(app)
    assert Server().run(site.middleware) == changed(site)


def test_page_that_is_only_written() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])(b"<!-- all")
        return []

    site = site_of(app)
    assert Server().run(site.middleware) == tag_of(site) + b"<!-- all"


def test_error_page_replaces_a_page_that_was_not_sent_yet() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        yield b"<!doc"
        try:
            raise RuntimeError("query failed")
        except RuntimeError:
            start_response("500 Internal Server Error", [TYPE], sys.exc_info())
        yield b"<title>sorry"

    site, server = site_of(app), Server()
    assert server.run(site.middleware) == tag_of(site) + b"<title>sorry"
    assert server.statuses == ["500 Internal Server Error"]


def test_error_after_the_first_bytes_is_the_servers_to_raise() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        yield PAGE
        try:
            raise RuntimeError("query failed")
        except RuntimeError:
            start_response("500 Internal Server Error", [TYPE], sys.exc_info())
        yield b"never"

    site, server = site_of(app), Server()
    with pytest.raises(RuntimeError, match="query failed"):
        server.run(site.middleware)
    assert server.body == changed(site)


def test_second_start_response_without_exc_info_is_an_error() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        start_response("200 OK", [TYPE])
        return [PAGE]

    with pytest.raises(AssertionError):
        Server().run(site_of(app).middleware)


def test_first_bytes_leave_while_the_page_pauses() -> None:
    """What certainly stands before the tag is not held back until the place is known."""
    pulled: list[bytes] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        for part in (b"<!doctype html>\n<html>", b"<head><title>", b"x</title>"):
            pulled.append(part)
            yield part

    site = site_of(app)
    body = iter(site.middleware(environ_of(), Server().start_response))
    assert next(body) == b"<!doctype html>\n<html>"
    assert len(pulled) == 1
    assert next(body) == b"<head>" + tag_of(site) + b"<title>"
    assert len(pulled) == 2


def test_pieces_behind_the_tag_pass_as_the_same_objects() -> None:
    later = [b"a" * 10, b"b" * 10]

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        return iter([PAGE, *later])

    sent = list(site_of(app).middleware(environ_of(), Server().start_response))
    assert sent[1] is later[0] and sent[2] is later[1]


def test_file_wrapper_of_a_page_is_read_and_of_others_returned() -> None:
    for content_type, is_page in (("text/html", True), ("application/pdf", False)):
        wrapped = FileWrapper(io.BytesIO(PAGE), 16)

        def app(
            environ: WSGIEnvironment,
            start_response: StartResponse,
            head: str = content_type,
            body: FileWrapper = wrapped,
        ) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", head)])
            return body

        site = site_of(app)
        answer: Any = site.middleware(environ_of(), Server().start_response)
        assert (answer is wrapped) is not is_page
        assert b"".join(answer) == (changed(site) if is_page else PAGE)
        answer.close()


@pytest.mark.parametrize("length", ["-1", "x", "1_0", "٣"])
def test_length_that_is_no_number_is_not_passed_on(length: str) -> None:
    server = Server()
    site = site_of(answering(PAGE, ("Content-Length", length), sized=False))
    assert server.run(site.middleware) == changed(site)
    assert "Content-Length" not in server.log[0][1]


def test_length_that_lies_lies_by_the_same_amount() -> None:
    server = Server()
    site = site_of(answering(PAGE, ("Content-Length", "5"), sized=False))
    server.run(site.middleware)
    assert server.log[0][1]["Content-Length"] == str(5 + len(tag_of(site)))


def test_fault_in_the_scanner_sends_the_page_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PageInsertion, "_scan", lambda self, *, final: 1 / 0)
    server = Server()
    site = site_of(answering([PAGE[:9], PAGE[9:]]))
    assert server.run(site.middleware) == PAGE
    assert server.log[0][1]["Content-Length"] == str(len(PAGE))
    assert [r.reason for r in site.observer.refusals] == ["fault"]


def test_fault_behind_the_first_bytes_keeps_the_promised_length(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = PageInsertion._scan

    def second_fails(self: PageInsertion, *, final: bool) -> bytes | None:
        if self._started:
            raise RuntimeError("boom")
        return scan(self, final=final)

    monkeypatch.setattr(PageInsertion, "_scan", second_fails)
    server = Server()
    site = site_of(answering([b"<!doctype html>", b"<html><head>"]))
    body = server.run(site.middleware)
    assert body.rstrip() == b"<!doctype html><html><head>"
    assert len(body) == int(server.log[0][1]["Content-Length"])


def test_huge_page_is_not_kept() -> None:
    chunk = b"x" * 65536

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE])
        yield b"<!doctype html><html><head>"
        for _ in range(3200):
            yield chunk

    site = site_of(app)
    sizes = [len(part) for part in site.middleware(environ_of(), Server().start_response)]
    assert sum(sizes) == 27 + len(tag_of(site)) + 3200 * 65536
    assert max(sizes) == 65536


def test_compressed_page_is_closed_and_complete() -> None:
    packed = gzip.compress(PAGE * 50)
    body = Closable(*(packed[i : i + 11] for i in range(0, len(packed), 11)))

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TYPE, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))])
        return body

    server = Server()
    site = site_of(app)
    sent = server.run(site.middleware)
    assert int(server.log[0][1]["Content-Length"]) == len(sent)
    assert gzip.decompress(sent) == b"<!doctype html>" + tag_of(site) + PAGE * 50
    assert body.closed == 1
