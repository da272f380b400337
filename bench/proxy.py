"""``python -m bench.proxy``: what a request through the proxy costs, in CPU of all its processes, and what a 200 MB page does to memory.

Ours is the web process of ``proview serve`` with injection on the page, not a stripped one. Peers do the same job in front of
the same nginx: Python proxies under gunicorn's gevent worker, mitmproxy, Apache, nginx. Rounds are interleaved and the
smallest counts. The load is wrk with what Chrome sends: 15 header fields.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .pages import exam_page
from .paused import first_byte_ms, paused_page
from .process_tree import cpu_seconds, reset_peak, resident_mb, tree_of
from .proxy_targets import Missing, Target, all_targets, load_generator, static_upstream

ROUNDS = 3
ROUND_S = 1
CONNECTIONS = 16
BIG_MB = 200
SIZES = {"2 KB JSON": "/exam/7/answers.json", "30 KB page": "/exam/7/30k.html", "1 MB page": "/exam/7/1m.html"}
BIG_PAGE = "/exam/7/200m.html"
GOAL_PAGE = "30 KB page"
CHROME = {
    "Connection": "keep-alive",
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9",
    "Cookie": "uid=20231107; PHPSESSID=5c1f0e2b7a9d4c6e8f00112233445566",
}


def write_documents(folder: Path) -> None:
    exam = folder / "exam" / "7"
    exam.mkdir(parents=True)
    (folder / "ready").write_text("ready", "ascii")
    (exam / "answers.json").write_text(json.dumps({f"question-{n}": "answer " * 4 for n in range(46)})[:2046] + '"}')
    (exam / "30k.html").write_bytes(exam_page(30 * 1024))
    (exam / "1m.html").write_bytes(exam_page(1024 * 1024))
    head, body, rest = exam_page(1024 * 1024).partition(b"<body")
    with (exam / "200m.html").open("wb") as out:
        out.write(head + body)
        for _ in range(BIG_MB):
            out.write(rest)


def _fields() -> str:
    """What Chrome sends, for one request on a connection."""
    return "".join(f"{name}: {value}\r\n" for name, value in {**CHROME, "Connection": "close"}.items())


def fetch(port: int, path: str) -> tuple[bytes, int, float]:
    """(the first 64 KB of the answer, its length, seconds to its first byte), read like a browser and then thrown away."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{_fields()}\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        started = time.monotonic()
        sock.sendall(request)
        start = sock.recv(65536)
        first_byte_s, length = time.monotonic() - started, len(start)
        while data := sock.recv(262_144):
            length += len(data)
            if len(start) < 65536:
                start += data
    return start, length, first_byte_s


def check(target: Target) -> None:
    """A proxy that does not do the job is not a peer."""
    for path in SIZES.values():
        answer, length, _ = fetch(target.port, path)
        page = path.endswith(".html")
        if not answer.startswith(b"HTTP/1.1 200 ") or length < 2000:
            raise AssertionError(f"{target.name}: {path}: {answer[:200]!r}")
        if (b"/proview/init.js" in answer) != (page and target.injects):
            raise AssertionError(f"{target.name}: {path}: the tag is not where it should be")


def load(wrk: str, target: Target, path: str) -> tuple[float, float]:
    """(CPU microseconds per request, requests per second) of one round."""
    argv = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{ROUND_S}s"]
    for name, value in CHROME.items():
        argv += ["-H", f"{name}: {value}"]
    pids = tree_of(target.pid)
    before = cpu_seconds(pids)
    url = f"http://127.0.0.1:{target.port}{path}"
    out = subprocess.run([*argv, url], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout  # noqa: S603
    used = cpu_seconds(pids) - before
    counted = re.search(r"(\d+) requests in", out)
    if counted is None or "Non-2xx" in out or re.search(r"Socket errors: .*[1-9]", out):
        raise AssertionError(f"{target.name}: {path}: {out}")
    requests = int(counted[1])
    return used / max(requests, 1) * 1e6, requests / ROUND_S


def measure(wrk: str, targets: list[Target]) -> dict[str, dict[str, tuple[float, float]]]:
    """name → size → (least CPU, most requests per second)."""
    rounds: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for target in targets:
        for path in SIZES.values():
            fetch(target.port, path)
    for _ in range(ROUNDS):
        for size, path in SIZES.items():
            for target in targets:
                rounds.setdefault((target.name, size), []).append(load(wrk, target, path))
    return {
        target.name: {
            size: (min(c for c, _ in rounds[target.name, size]), max(r for _, r in rounds[target.name, size]))
            for size in SIZES
        }
        for target in targets
    }


def memory(target: Target) -> tuple[float, float, float]:
    """(MB that one 200 MB page adds at the peak, MB that stay, seconds to the first byte)."""
    pids = tree_of(target.pid)
    reset_peak(pids)
    before = resident_mb(pids, peak=False)
    start, length, first_byte_s = fetch(target.port, BIG_PAGE)
    if length < BIG_MB * 2**20 * 0.98 or (b"/proview/init.js" in start) != target.injects:
        raise AssertionError(f"{target.name}: the {BIG_MB} MB page came as {length} bytes")
    return resident_mb(pids, peak=True) - before, resident_mb(pids, peak=False) - before, first_byte_s


def show(results: dict[str, dict[str, tuple[float, float]]]) -> None:
    print(
        f"{'CPU microseconds per request':<30}"
        + "".join(f"{size:>12}{'ours is':>9}" for size in SIZES)
        + "   rps 30 KB"
    )
    base = results["proview"]
    for name, sizes in results.items():
        cells = "".join(
            f"{sizes[size][0]:>12.0f}"
            + (f"{base[size][0] / sizes[size][0]:>8.2f}x" if name != "proview" else f"{'':>9}")
            for size in SIZES
        )
        print(f"{name:<30}{cells}{sizes[GOAL_PAGE][1]:>12.0f}")


def main() -> int:
    try:
        wrk = load_generator()
    except Missing as reason:
        print(reason, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="proview-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        documents = folder / "documents"
        write_documents(documents)
        with (
            paused_page() as paused,
            static_upstream(folder, documents, paused.port) as upstream,
            all_targets(folder, f"http://127.0.0.1:{upstream.port}") as (targets, missing),
        ):
            for peer in missing:
                print(f"not measured: {peer}")
            for target in targets:
                check(target)
            results = measure(wrk, targets)
            show(results)
            grown = {target.name: memory(target) for target in targets}
            waited = {target.name: first_byte_ms(paused, target.port, _fields()) for target in targets}
    print(
        f"\n{f'a {BIG_MB} MB page':<30}{'MB at peak':>12}{'MB kept':>10}{'first byte ms':>15}   first byte of a page that pauses"
    )
    for name, (peak, kept, first_byte_s) in grown.items():
        at = waited[name]
        print(
            f"{name:<30}{peak:>12.1f}{kept:>10.1f}{first_byte_s * 1000:>15.1f}   "
            + ("held until the page goes on" if at is None else f"{at:.1f} ms")
        )
    ours = results["proview"]
    summary: dict[str, object] = {"name": "proxy", "unit": "CPU microseconds per request"}
    for size, (cost, _) in ours.items():
        summary[size] = round(cost)
    for name, sizes in results.items():
        if name != "proview":
            summary[f"30 KB / {name}"] = round(ours[GOAL_PAGE][0] / sizes[GOAL_PAGE][0], 3)
    summary["200 MB page, MB"] = round(grown["proview"][0], 1)
    summary["paused page, first byte ms"] = "held" if (at := waited["proview"]) is None else round(at, 1)
    print(json.dumps(summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
