"""Imports point down only (docs/architecture.md): read from the source, not from a running process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "flask_proview"

# A module may import from its own layer's names listed here and from every layer below it.
LAYERS: list[set[str]] = [
    {"clock_steps", "config", "catalogue", "errors", "languages", "tokens", "origins", "offload", "_version"},
    {"sessions", "recordings", "bus", "links", "migrations"},
    {"jobs", "callback_sender"},
    {"middleware"},
    {"service"},
    {"media"},
    {"extension", "observing", "cli", "__main__", "serve", "commands", "doctor"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
APART = [
    ("service", "media"),
    ("media", "service"),
    ("middleware", "jobs"),
    ("media", "jobs"),
    ("media", "middleware"),
    ("media", "sessions"),
    ("service", "middleware"),
]


def sources() -> Iterator[tuple[str, Path]]:
    for path in PACKAGE.rglob("*.py"):
        if "middleware" not in path.relative_to(PACKAGE).parts:
            yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path
    for path in (ROOT / "middleware").rglob("*.py"):
        yield "middleware", path


def imported(path: Path, top: str) -> Iterator[tuple[str, str]]:
    """(full module, top-level name below flask_proview or '') of every import, lazy ones included."""
    package_depth = len(path.relative_to(ROOT).parts) - 1
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module] if node.module != "flask_proview" else [f"flask_proview.{a.name}" for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level and package_depth == 1 and path.is_relative_to(PACKAGE):
            names = [f"flask_proview.{node.module}"] if node.module else [f"flask_proview.{a.name}" for a in node.names]
        for name in names:
            parts = name.split(".")
            yield name, parts[1] if parts[0] == "flask_proview" and len(parts) > 1 else ""


@pytest.mark.parametrize(
    ("top", "path"), [pytest.param(t, p, id=str(p.relative_to(ROOT))) for t, p in sources() if t != "__init__"]
)
def test_imports_point_down(top: str, path: Path) -> None:
    assert top in RANK, f"{path}: say in which layer {top} belongs"
    for module, name in imported(path, top):
        if not name or name == top:
            continue
        assert name in RANK, f"{path} imports {module}, which is in no layer"
        assert RANK[name] <= RANK[top], f"{path} ({top}) imports {module} from a layer above"
        assert (top, name) not in APART, f"{path} ({top}) must not import {module}"


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("gevent", ["middleware/proxy", "flask_proview/offload.py"]),
        ("asyncio", ["flask_proview/media"]),
        ("aiortc", ["flask_proview/media"]),
        ("av", ["flask_proview/recordings"]),
        ("flask", ["flask_proview/service", "flask_proview/extension.py"]),
        (
            "sqlalchemy",
            [
                "flask_proview/sessions",
                "flask_proview/recordings",
                "flask_proview/migrations",
                "flask_proview/service",
                "flask_proview/doctor/installation.py",
                "flask_proview/commands",
                "flask_proview/jobs.py",
            ],
        ),
    ],
)
def test_libraries_stay_where_they_belong(library: str, homes: list[str]) -> None:
    for top, path in sources():
        relative = str(path.relative_to(ROOT))
        if any(relative.startswith(home) for home in homes):
            continue
        used = [module for module, _ in imported(path, top) if module.split(".")[0] == library]
        assert not used, f"{relative} imports {used[0]}; {library} belongs in {', '.join(homes)}"
