"""``python -m bench.placement [PAGES]``: generated pages, from tidy to hostile, through the middleware in pieces of any length, against html5lib.

Equal means: the tree with the tag is the tree without it, plus the script as the first element of ``<head>``. Two processes.
"""

from __future__ import annotations

import json
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.middleware.oracle import Oracle

PAGES = 100_000
PROCESSES = 2
BATCH = 2_500
SEED = 20_261_127


def check_batch(number: int) -> tuple[int, int, list[str]]:
    """(pages, those whose unfinished comment has moved, what differs)."""
    oracle, moved, different = Oracle(), 0, []
    for page in range(BATCH):
        try:
            moved += not oracle.check(random.Random(SEED + number * BATCH + page))  # noqa: S311
        except AssertionError as error:
            different.append(f"seed {SEED + number * BATCH + page}: {error}")
    return BATCH, moved, different


def main() -> int:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else PAGES
    started = time.monotonic()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        results = list(pool.map(check_batch, range(-(-wanted // BATCH))))
    pages, moved = sum(r[0] for r in results), sum(r[1] for r in results)
    different = [text for r in results for text in r[2]]
    for text in different[:20]:
        print(text)
    print(
        f"{pages} generated pages at random chunkings, {len(different)} differ from html5lib"
        f" ({moved} end in a comment or doctype that never ends: the tag stands before it) in {time.monotonic() - started:.0f} s"
    )
    print(json.dumps({"name": "placement", "pages": pages, "different": len(different)}))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
