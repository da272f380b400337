"""A wheel built from a tree without its links is silently without middleware and static; this is the guard."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and sdist of what git tracks (and new files), built from a copy so that no build/ is left behind."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        source, target = ROOT / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_file():
            target.write_bytes(source.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)],
        check=True,
        capture_output=True,
    )
    return out


def expected() -> set[str]:
    names = set()
    for folder in ("middleware", "static"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                names.add(f"flask_proview/{path.relative_to(ROOT)}")
    for folder in ("templates", "migrations"):
        for path in (ROOT / "flask_proview" / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                names.add(str(path.relative_to(ROOT)))
    assert {
        "flask_proview/middleware/inject.py",
        "flask_proview/static/init.js",
        "flask_proview/migrations/env.py",
    } <= names
    return names | {"flask_proview/py.typed"}


def test_the_wheel_contains_middleware_static_templates_and_migrations(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert expected() <= set(archive.namelist())
        assert not [n for n in archive.namelist() if n.startswith(("middleware/", "static/", "tests/"))]


def test_the_sdist_contains_them_as_real_files(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = {m.name.split("/", 1)[-1]: m for m in archive.getmembers()}
    for name in expected():
        assert name in members
        assert members[name].isfile()


def test_the_editable_install_is_a_plain_path() -> None:
    code = "import flask_proview.middleware, flask_proview; print(flask_proview.__file__)"
    result = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert Path(result.stdout.strip()).resolve() == ROOT / "flask_proview" / "__init__.py"


def test_the_middleware_can_be_imported_without_flask() -> None:
    code = "import sys, flask_proview.middleware.inject; assert 'flask' not in sys.modules, 'flask was imported'"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
