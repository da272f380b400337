"""The media process. ``python -m flask_proview.serve.media --config FILE``; also ``proview media``."""

from __future__ import annotations

import argparse

from flask_proview.config import load_config
from flask_proview.media.server import run

from .lifetime import end_with_parent
from .logs import set_up_logging


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="flask_proview.serve.media")
    parser.add_argument("--config", required=True)
    args = parser.parse_args(argv)
    end_with_parent()
    set_up_logging()
    run(load_config(args.config))


if __name__ == "__main__":
    main()
