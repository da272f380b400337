"""``python -m bench.streaming``: what injection holds back and holds in memory, in process.

First byte: how many of the application's pieces are taken before the first is handed on (a page that pauses after any of them is
delayed by that pause). Counted, not timed. Memory: growth of the resident set at the peak while a 200 MB page passes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .new_relic import new_relic
from .pages import ENVIRON, TAG, RegexMiddleware, ReplaceMiddleware, exam_page, ours, pieces, serve, started
from .process_tree import reset_peak, resident_mb

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BIG_MB = 200
PIECE = exam_page(64 * 1024)


def variants(base: WSGIApplication) -> dict[str, WSGIApplication]:
    peers = new_relic(base, TAG)
    names = [name for name in ("new_relic", "new_relic_function") if name in peers]
    return {
        "ours": ours(base),
        "regex": RegexMiddleware(base),
        "replace": ReplaceMiddleware(base),
        **{name: peers[name] for name in names},
    }


def pieces_before_the_first_byte(page: bytes, count: int) -> dict[str, int]:
    """For each way to inject: how many pieces of the page were taken when its first byte came out."""
    taken = 0

    def counted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        nonlocal taken
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        for piece in pieces(page, count):
            taken += 1
            yield piece

    result = {}
    for name, app in variants(counted).items():
        taken = 0
        body = iter(app(dict(ENVIRON), started([])))
        while not next(body):
            pass
        result[name] = taken
    return result


def memory_of_a_big_page() -> dict[str, float]:
    head, _, rest = PIECE.partition(b"<body")

    def big(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        yield head + b"<body" + rest
        for _ in range(BIG_MB * 16):
            # A new object each time, as an application's pieces are.
            yield bytes(memoryview(PIECE)[: 64 * 1024])

    result = {}
    for name, app in variants(big).items():
        pid = [os.getpid()]
        reset_peak(pid)
        before = resident_mb(pid, peak=False)
        if serve(app, ENVIRON) < BIG_MB * 2**20:
            raise AssertionError(f"{name}: the page is cut")
        result[name] = round(resident_mb(pid, peak=True) - before, 1)
    return result


def main() -> None:
    page = exam_page(30 * 1024)
    by_kilobytes, by_bytes = pieces_before_the_first_byte(page, 30), pieces_before_the_first_byte(page, len(page) // 16)
    memory = memory_of_a_big_page()
    for name in memory:
        print(
            f"{name:<20} {by_kilobytes[name]:>3} of 30 pieces and {by_bytes[name]:>4} of {len(page) // 16} taken before the first byte,"
            f" {memory[name]:>6.1f} MB for a {BIG_MB} MB page"
        )
    result = {"name": "streaming", **{f"{name}, pieces of 30": by_kilobytes[name] for name in by_kilobytes}}
    print(json.dumps({**result, **{f"{name}, MB": memory[name] for name in memory}}))


if __name__ == "__main__":
    main()
