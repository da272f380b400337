"""The jobs process as ``proview worker`` runs it, on the configuration in a JSON file: ``python -m tests.chaos.jobs_process FILE``."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from flask_proview.config import load_config
from flask_proview.jobs import run_worker

if __name__ == "__main__":
    run_worker(load_config(json.loads(Path(sys.argv[1]).read_text("utf-8")), environ={}), threading.Event())
