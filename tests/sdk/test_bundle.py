"""The bundle: made from the sources that lie here, small, and never in the way of an edit."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flask_proview.service.bundle import MANIFEST, bundled, sources_digest
from flask_proview.service.loader import read_static

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A copy whose bundle says which sources it was made from."""
    copy = tmp_path / "static"
    shutil.copytree(STATIC, copy)
    manifest = copy / "bundle" / MANIFEST
    made = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps(made | {"sources": sources_digest(copy)}))
    return copy


def test_the_bundle_in_the_repository_was_made_from_its_sources() -> None:
    assert bundled(STATIC), "static/bundle is older than static/sdk: run `make sdk` and commit what it wrote"


@pytest.mark.skipif(not (ROOT / "node_modules/.bin/esbuild").exists(), reason="npm ci was not run")
def test_building_again_gives_the_same_bytes_within_45_kb(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "build-sdk", tmp_path], check=True, timeout=60)
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert built == {path.name: path.read_bytes() for path in (STATIC / "bundle").iterdir()}
    sent = [body for name, body in built.items() if name.endswith(".js")]
    sent += [path.read_bytes() for path in [STATIC / "init.js", *(STATIC / "sdk").rglob("*.css")]]
    assert sum(len(gzip.compress(body, 9)) for body in sent) <= 45 * 1024


def test_the_bundle_takes_the_places_of_the_entries(static: Path) -> None:
    files = dict(read_static(static))
    for name in ("index.js", "frame.js"):
        assert files[f"sdk/{name}"].body == (static / "bundle" / name).read_bytes()
    assert not any(name.startswith("bundle/") for name in files)


def test_after_an_edit_browsers_get_the_modules(static: Path) -> None:
    module = static / "sdk" / "clock.js"
    module.write_text(module.read_text("utf-8") + "\n// edited\n", "utf-8")
    assert bundled(static) == {}
    files = dict(read_static(static))
    assert b"from './page.js'" in files["sdk/index.js"].body


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff"])
def test_without_a_readable_bundle_browsers_get_the_modules(static: Path, content: bytes | None) -> None:
    manifest = static / "bundle" / MANIFEST
    if content is None:
        manifest.unlink()
    else:
        manifest.write_bytes(content)
    assert bundled(static) == {}
