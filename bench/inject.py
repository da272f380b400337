"""``python -m bench.inject``: CPU that the injection adds to a page, in process and without sockets.

Every variant serves the same pages, interleaved in one run; the smallest of the rounds counts. "ours" is one candidate who
reloads; "ours_candidates" are a thousand in turn, each with a signed launch cookie of its own; "ours_new_candidate" is a page
of somebody never seen before: route matched and cookie signed anew. "new_relic" gets its snippet ready-made,
"new_relic_snippet" writes it for each page with New Relic's own code, as the agent does.
"""

from __future__ import annotations

import gzip
import itertools
import json
import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from flask_proview.middleware.gzip_insertion import GzipInsertion
from flask_proview.middleware.gzip_splice import TrailerCombiner
from flask_proview.middleware.place import place

from .new_relic import new_relic
from .pages import ENVIRON, TAG, RegexMiddleware, ReplaceMiddleware, application, exam_page, ours, pieces, serve

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ROUNDS = 40
CANDIDATES = 1000
_NUMBERS = itertools.count(1_000_000)
SECONDS_PER_ROUND = 0.004


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
    one, many = ours(base), ours(base)
    elsewhere = {**ENVIRON, "PATH_INFO": "/static/exam.css"}
    expected = len(body) + len(TAG)
    peers: dict[str, WSGIApplication] = {
        "regex": RegexMiddleware(base),
        "replace": ReplaceMiddleware(base),
        **new_relic(base, TAG),
    }
    apps: list[WSGIApplication] = [one, many, *peers.values()]
    for app in apps:
        length = serve(app, ENVIRON)
        if length != expected and (app is not peers.get("new_relic_snippet") or length <= len(body)):
            raise AssertionError(f"{title}: {app!r} did not insert exactly one tag")
    environs = [{**ENVIRON, "PATH_INFO": f"/exam/{number}/take"} for number in range(CANDIDATES)]
    for environ in environs:
        serve(many, environ)
    candidates = itertools.cycle(environs)
    costs = measured(
        {
            "bare": lambda: serve(base, ENVIRON),
            "other_route": lambda: serve(one, elsewhere),
            "ours": lambda: serve(one, ENVIRON),
            "ours_candidates": lambda: serve(many, next(candidates)),
            "ours_new_candidate": lambda: serve(many, {**ENVIRON, "PATH_INFO": f"/exam/{next(_NUMBERS)}/take"}),
            **{name: partial(serve, app, ENVIRON) for name, app in peers.items()},
        }
    )
    bare = costs.pop("bare")
    added = {name: round(cost - bare, 2) for name, cost in costs.items()}
    for name in ("new_relic", "new_relic_snippet"):
        if name in added:
            added[f"ratio_to_{name}"] = round(added["ours"] / added[name], 2)
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
