"""``python -m bench.inject``: CPU that the injection adds to a page, in process and without sockets.

Every variant serves the same pages, interleaved in one run; the smallest of the rounds counts. "ours" is one candidate who
reloads; "ours_candidates" are a thousand in turn, each with a signed launch cookie of its own; "ours_new_candidate" is a page
of somebody never seen before: route matched and cookie signed anew.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from flask_proview.config import Config, load_config
from flask_proview.middleware import InjectMiddleware, LogObserver
from flask_proview.middleware.gzip_insertion import GzipInsertion
from flask_proview.middleware.gzip_splice import TrailerCombiner
from flask_proview.middleware.place import place
from flask_proview.tokens import TokenSigner

from .new_relic import new_relic

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUNDS = 40
CANDIDATES = 1000
_NUMBERS = itertools.count(1_000_000)
SECONDS_PER_ROUND = 0.004
KEY = "benchmark-signing-key-of-more-than-32-characters"
TAG = b'<script src="/proview/init.js" data-proview-route="r0" data-proview-role="page" data-proview-start="auto" data-proview-cover="1"></script>'


def exam_page(size: int) -> bytes:
    """A page as old exam sites write them: a table, radio buttons, a long hidden field."""
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
        '<script>var popup = "<html><head></head></html>";</script>\n</head>\n<body>\n<form method="post"><table>\n'
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


def _started(sent: list[Any]) -> StartResponse:
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
    answer = app(dict(environ), _started(sent))
    length = sum(map(len, answer))
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    return length


def measured(variants: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Microseconds of CPU per call, the smallest of interleaved rounds."""
    counts: dict[str, int] = {}
    for name, call in variants.items():
        call()
        started = time.process_time()
        call()
        counts[name] = max(1, int(SECONDS_PER_ROUND / max(time.process_time() - started, 1e-6)))
    best = dict.fromkeys(variants, float("inf"))
    for _ in range(ROUNDS):
        for name, call in variants.items():
            started = time.process_time_ns()
            for _ in range(counts[name]):
                call()
            best[name] = min(best[name], (time.process_time_ns() - started) / counts[name] / 1000)
    return best


def page_costs(title: str, body: bytes, count: int, *, listed: bool) -> dict[str, float]:
    base = application(pieces(body, count), listed=listed)
    config = settings()
    ours = InjectMiddleware(base, config, signer=TokenSigner([KEY]), observer=LogObserver())
    signed = InjectMiddleware(base, config, signer=TokenSigner([KEY]), observer=LogObserver())
    elsewhere = {**ENVIRON, "PATH_INFO": "/static/exam.css"}
    expected = len(body) + len(TAG)
    peers = {"regex": RegexMiddleware(base), "replace": ReplaceMiddleware(base), **new_relic(base, TAG)}
    for app in (ours, signed, *peers.values()):
        if serve(app, ENVIRON) != expected:
            raise AssertionError(f"{title}: {app!r} did not insert exactly one tag")
    candidates = itertools.cycle([{**ENVIRON, "PATH_INFO": f"/exam/{number}/take"} for number in range(CANDIDATES)])
    costs = measured(
        {
            "bare": lambda: serve(base, ENVIRON),
            "other_route": lambda: serve(ours, elsewhere),
            "ours": lambda: serve(ours, ENVIRON),
            "ours_candidates": lambda: serve(signed, next(candidates)),
            "ours_new_candidate": lambda: serve(signed, {**ENVIRON, "PATH_INFO": f"/exam/{next(_NUMBERS)}/take"}),
            **{name: partial(serve, app, ENVIRON) for name, app in peers.items()},
        }
    )
    bare = costs.pop("bare")
    added = {name: round(cost - bare, 2) for name, cost in costs.items()}
    if "new_relic" in added:
        added["ratio_to_new_relic"] = round(added["ours"] / added["new_relic"], 2)
    print(
        f"{title}: bare {bare:.1f} µs, added "
        + ", ".join(f"{name} {cost:.2f}" for name, cost in added.items())
        + " (µs)"
    )
    return added


def gzip_costs(title: str, body: bytes) -> dict[str, float]:
    packed = gzip.compress(body, 6)
    combiner = TrailerCombiner()

    def splice() -> bytes:
        insertion = GzipInsertion(TAG, combiner, charset="utf-8")
        return (insertion.feed(packed) or b"") + (insertion.finish() or b"")

    def recompress(level: int) -> bytes:
        plain = zlib.decompress(packed, 31)
        at = place(plain, final=True).offset
        packer = zlib.compressobj(level, zlib.DEFLATED, 31)
        return packer.compress(plain[:at] + TAG + plain[at:]) + packer.flush()

    if TAG not in gzip.decompress(splice()):
        raise AssertionError("the spliced page has no tag")
    costs = measured(
        {
            "splice": splice,
            "level1": lambda: recompress(1),
            "level4": lambda: recompress(4),
            "level6": lambda: recompress(6),
        }
    )
    print(
        f"{title}: "
        + ", ".join(f"{name} {cost:.1f} µs ({cost / costs['splice']:.0f}x)" for name, cost in costs.items())
    )
    return {name: round(cost, 2) for name, cost in costs.items()}


def main() -> None:
    small, big = exam_page(30 * 1024), exam_page(1024 * 1024)
    result = {
        "name": "injection",
        "unit": "microseconds of CPU added per page",
        "page_30k_1": page_costs("30 KB, 1 piece", small, 1, listed=True),
        "page_30k_30": page_costs("30 KB, 30 pieces", small, 30, listed=False),
        "page_1m_64": page_costs("1 MB, 64 pieces", big, 64, listed=False),
        "gzip_30k": gzip_costs("gzip 30 KB", small),
        "gzip_1m": gzip_costs("gzip 1 MB", big),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
