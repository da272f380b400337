"""The service as gunicorn loads it in the socket tests; ``PROVIEW_TEST_CONFIG`` names a JSON file with the configuration."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def application() -> WSGIApplication:
    """Built in the worker, after gevent has patched."""
    from flask_proview.config import load_config
    from flask_proview.service.app import create_app
    from flask_proview.service.runtime import build_runtime

    runtime = build_runtime(load_config(json.loads(Path(os.environ["PROVIEW_TEST_CONFIG"]).read_text("utf-8")), {}))
    runtime.start()
    return create_app(runtime)
