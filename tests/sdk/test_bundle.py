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


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What ``make sdk`` makes of the sources as they are."""
    folder = tmp_path_factory.mktemp("bundle")
    subprocess.run([sys.executable, ROOT / "scripts" / "build-sdk", folder], check=True, timeout=60)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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
@pytest.mark.system
def test_building_again_gives_the_same_bytes(built: dict[str, bytes]) -> None:
    assert built == {path.name: path.read_bytes() for path in (STATIC / "bundle").iterdir()}


@pytest.mark.skipif(not (ROOT / "node_modules/.bin/esbuild").exists(), reason="npm ci was not run")
@pytest.mark.system
def test_a_page_gets_the_loader_within_one_and_a_half_kb_and_all_of_it_within_45(built: dict[str, bytes]) -> None:
    sent = {name: len(gzip.compress(body, 9)) for name, body in built.items() if name.endswith(".js")}
    assert sent["init.js"] <= 1536
    assert sent["init.js"] + sent["index.js"] <= 45 * 1024, sent
    # Frame mode: the window has the shell as well; each page in it gets the loader, cached, and a small part.
    assert sent["init.js"] + sent["outer.js"] <= 50 * 1024, sent
    assert sent["frame.js"] <= 4 * 1024, sent
    # No chunk comes later: a page's own CSP would be in its way.
    assert set(sent) == {"init.js", "index.js", "outer.js", "frame.js"}


def test_the_bundle_takes_the_places_of_the_entries(static: Path) -> None:
    files = dict(read_static(static))
    for sent, name in (
        ("init.js", "init.js"),
        ("sdk/index.js", "index.js"),
        ("sdk/outer.js", "outer.js"),
        ("sdk/frame.js", "frame.js"),
    ):
        assert files[sent].body == (static / "bundle" / name).read_bytes()
    assert not any(name.startswith("bundle/") for name in files)


def test_after_an_edit_browsers_get_the_modules(static: Path) -> None:
    module = static / "sdk" / "clock.js"
    module.write_text(module.read_text("utf-8") + "\n// edited\n", "utf-8")
    assert bundled(static) == {}
    files = dict(read_static(static))
    assert b"from './entry.js'" in files["sdk/index.js"].body


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff"])
def test_without_a_readable_bundle_browsers_get_the_modules(static: Path, content: bytes | None) -> None:
    manifest = static / "bundle" / MANIFEST
    if content is None:
        manifest.unlink()
    else:
        manifest.write_bytes(content)
    assert bundled(static) == {}
