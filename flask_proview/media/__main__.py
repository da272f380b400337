"""``python -m flask_proview.media -c proview.toml``: the media process alone."""

from __future__ import annotations

import argparse
import logging
import sys

from flask_proview.config import load_config
from flask_proview.errors import ConfigError

from .server import run


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m flask_proview.media", description="Live view: forwards candidates' media to proctors."
    )
    parser.add_argument("-c", "--config", required=True, metavar="FILE", help="proview.toml")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="stop when the process that started this one is gone"
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aioice").setLevel(logging.WARNING)  # one line per connectivity check otherwise
    try:
        run(load_config(arguments.config), die_with_parent=arguments.die_with_parent)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
