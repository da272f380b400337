"""The browser's code as one small file instead of forty: what ``make sdk`` made of ``static/sdk`` and the loader lies in ``static/bundle``.

The modules under ``static/sdk`` and ``static/init.js`` are the source and work as they are. The bundle takes their places only while it was made
from exactly these sources, so that an edit is never hidden behind an older bundle.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

_log = logging.getLogger("flask_proview.loader")

MANIFEST = "bundle.json"
LOADER = "init.js"


def sources_digest(static: Path) -> str:
    """SHA-256 over names and contents of the loader and the modules below ``static/sdk``."""
    digest = hashlib.sha256()
    for path in (static / LOADER, *sorted((static / "sdk").rglob("*.js"))):
        body = path.read_bytes()
        digest.update(f"{path.relative_to(static).as_posix()}\0{len(body)}\0".encode() + body)
    return digest.hexdigest()


def bundled(static: Path) -> dict[str, Path]:
    """Name of a file below ``static`` → the bundle's file that is sent in its place; empty where the bundle does not fit."""
    manifest = static / "bundle" / MANIFEST
    try:
        made = json.loads(manifest.read_bytes())
    except (OSError, ValueError):
        return {}
    if made["sources"] != sources_digest(static):
        _log.info("static/bundle was made from other sources: browsers get the modules one by one (make sdk)")
        return {}
    return {name if name == LOADER else f"sdk/{name}": static / "bundle" / name for name in made["files"]}
