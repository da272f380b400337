"""Pure modules under node, types, size, exported names: what needs no browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flask_proview.catalogue import EVENTS

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "static" / "sdk"
MODULES = sorted(SDK.rglob("*.js"))

node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@node
def test_pure_modules_pass_their_node_tests() -> None:
    tests = sorted(str(path) for path in Path(__file__).parent.glob("*.test.mjs"))
    done = subprocess.run(
        ["node", "--test", *tests], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@node
@pytest.mark.skipif(not (ROOT / "node_modules/.bin/tsc").exists(), reason="npm ci was not run")
def test_browser_code_is_type_checked() -> None:
    done = subprocess.run(
        ["node_modules/.bin/tsc", "-p", "tsconfig.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_event_names_and_numbers_are_those_of_the_service() -> None:
    listed = re.findall(r"^  \w+: \[(\d+), '(.+)'\],$", (SDK / "events.js").read_text("utf-8"), re.MULTILINE)
    assert len(listed) > 30
    for number, name in listed:
        assert EVENTS[int(number)].name == name


def test_entry_modules_export_exactly_what_the_loader_calls() -> None:
    for name in ("index.js", "outer.js", "frame.js"):
        exported = re.findall(
            r"^export (?:async )?(?:function|class|const|let) (\w+)", (SDK / name).read_text("utf-8"), re.MULTILINE
        )
        assert sorted(exported) == ["adopt", "boot"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_module_needs_nothing_that_a_host_csp_may_forbid(path: Path) -> None:
    code = re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createElement\('style'\)|createObjectURL|new Worker",
        code,
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_module_imports_siblings_in_full(path: Path) -> None:
    for target in re.findall(r"^import .* from '(.+)';$", path.read_text("utf-8"), re.MULTILINE):
        assert target.startswith(("./", "../")) and (path.parent / target).is_file(), target


def test_lock_file_names_no_host() -> None:
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text("utf-8")
