"""What the benchmarks of the injection have in common: pages as exam sites write them, applications that serve them, and how
injection is usually written.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask_proview.config import Config, load_config
from flask_proview.middleware import InjectMiddleware, LogObserver
from flask_proview.tokens import TokenSigner

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "benchmark-signing-key-of-more-than-32-characters"
TAG = b'<script src="/proview/init.js" data-proview-route="r0" data-proview-role="page" data-proview-start="auto" data-proview-cover="1"></script>'


def exam_page(size: int) -> bytes:
    """A page as old exam sites write them: a head of 1.3 KB with scripts that mention ``<head>``, a table, radio buttons."""
    rnd = random.Random(7)  # noqa: S311
    words = [
        "the",
        "of",
        "and",
        "to",
        "candidate",
        "answer",
        "question",
        "which",
        "following",
        "best",
        "describes",
        "function",
        "process",
        "system",
        "value",
        "result",
    ]
    head = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<!-- build 2014-03-11 <head> template v2 -->\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">\n<head>\n'
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />\n<title>Mid-term examination</title>\n'
        '<link rel="stylesheet" type="text/css" href="/css/exam.css?v=391" />\n<link rel="stylesheet" type="text/css" href="/css/print.css" media="print" />\n'
        '<link rel="shortcut icon" href="/favicon.ico" />\n<script type="text/javascript" src="/js/jquery-1.8.3.min.js"></script>\n'
        '<script type="text/javascript" src="/js/countdown.js"></script>\n<script type="text/javascript">\n//<![CDATA[\nvar theForm = document.forms["exam"];\n'
        "function __doPostBack(target, argument) { if (!theForm.onsubmit || theForm.onsubmit() != false) { theForm.__EVENTTARGET.value = target; theForm.submit(); } }\n"
        'var popup = "<html><head><title>Help</title></head></html>";\n//]]>\n</script>\n</head>\n<body class="exam">\n<form name="exam" method="post"><table>\n'
    )
    rows = [head]
    length, number = len(head), 0
    while length < size:
        number += 1
        text = " ".join(rnd.choices(words, k=24))
        options = "".join(
            f'<label><input type="radio" name="q{number}" value="{v}" /> {" ".join(rnd.choices(words, k=8))}</label><br />\n'
            for v in range(4)
        )
        rows.append(f'<tr class="q"><td>{number}.</td><td><p>{text}</p>\n{options}</td></tr>\n')
        length += len(rows[-1])
    return ("".join(rows)[: size - 30] + "</table></form></body></html>\n").encode()


def pieces(body: bytes, count: int) -> list[bytes]:
    step = -(-len(body) // count)
    return [body[at : at + step] for at in range(0, len(body), step)]


def application(parts: list[bytes], *, listed: bool) -> WSGIApplication:
    headers = [
        ("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(sum(map(len, parts)))), ("Cache-Control", "private"),
        ("Set-Cookie", "sid=abc; HttpOnly"), ("Server", "x"), ("Date", "Mon, 23 Nov 2026 02:00:00 GMT"),
    ]  # fmt: skip

    def as_list(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return parts

    def as_generator(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", list(headers))
        yield from parts

    return as_list if listed else as_generator


class RegexMiddleware:
    """What is usually written: join, search, replace."""

    _head = re.compile(rb"<head[^>]*>", re.I)

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        held: dict[str, Any] = {}
        answer = self._app(
            environ,
            lambda status, headers, exc_info=None: held.update(status=status, headers=headers) or (lambda data: None),
        )
        body = self._head.sub(lambda m: m[0] + TAG, b"".join(answer), count=1)
        headers = [(k, v) if k.lower() != "content-length" else (k, str(len(body))) for k, v in held["headers"]]
        start_response(held["status"], headers)
        return [body]


class ReplaceMiddleware(RegexMiddleware):
    """The same with bytes.replace at ``</body>``."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        held: dict[str, Any] = {}
        answer = self._app(
            environ,
            lambda status, headers, exc_info=None: held.update(status=status, headers=headers) or (lambda data: None),
        )
        body = b"".join(answer).replace(b"</body>", TAG + b"</body>")
        headers = [(k, v) if k.lower() != "content-length" else (k, str(len(body))) for k, v in held["headers"]]
        start_response(held["status"], headers)
        return [body]


def settings() -> Config:
    return load_config(
        {
            "secrets": {"keys": [KEY]},
            "accounts": [
                {"name": "a", "token": "0b1c2d3e-4f50-4617-8899-aabbccddeeff", "domains": ["http://exam.example.com"]}
            ],
            "routes": [{"path": "/exam/<attempt>/take", "session": "path:attempt"}],
        },
        {},
    )


ENVIRON = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/exam/7/take", "SCRIPT_NAME": "", "QUERY_STRING": "", "HTTP_HOST": "exam.example.com",
    "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1", "HTTP_SEC_FETCH_DEST": "document", "HTTP_SEC_FETCH_MODE": "navigate",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8", "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
}  # fmt: skip


def started(sent: list[Any]) -> StartResponse:
    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        sent.append(headers)
        return _write

    return start_response


def _write(data: bytes) -> None:
    raise AssertionError("nothing here is written")


def serve(app: WSGIApplication, environ: dict[str, Any]) -> int:
    sent: list[Any] = []
    answer = app(dict(environ), started(sent))
    length = sum(map(len, answer))
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    return length


def ours(app: WSGIApplication) -> WSGIApplication:
    return InjectMiddleware(app, settings(), signer=TokenSigner([KEY]), observer=LogObserver())
