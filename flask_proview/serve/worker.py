"""The jobs process: finalise, time-outs, reconcile. ``python -m flask_proview.serve.worker --config FILE``"""

from __future__ import annotations

import argparse
import signal
import threading

from flask_proview.config import load_config
from flask_proview.jobs import run_worker

from .lifetime import end_with_parent
from .logs import set_up_logging


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="flask_proview.serve.worker")
    parser.add_argument("--config", required=True)
    args = parser.parse_args(argv)
    end_with_parent()
    set_up_logging()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_worker(load_config(args.config), stop)


if __name__ == "__main__":
    main()
