"""``make bench``: every benchmark in its own process, then one table. Ratios against a named peer of the same run, in CPU-seconds."""

from __future__ import annotations

import json
import subprocess
import sys

BENCHMARKS = ("ingest", "ingest_sockets", "finalise", "live", "inject", "streaming", "placement", "proxy")


def main() -> int:
    results, failed = [], []
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        argv = [sys.executable, "-m", f"bench.{name}"]
        process = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=600)  # noqa: S603 - our own modules
        print(process.stdout, flush=True)
        if process.returncode != 0:
            failed.append(name)
            continue
        results += [json.loads(line) for line in process.stdout.splitlines() if line.startswith('{"name"')]
    print("== summary")
    for result in results:
        numbers = "  ".join(f"{key} {_shown(value)}" for key, value in result.items() if key != "name")
        print(f"  {result['name']:<28} {numbers}")
    for name in failed:
        print(f"  {name}: failed", file=sys.stderr)
    return 1 if failed else 0


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
