"""The exam sites as real servers; every test runs against each of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.demo.browser import Site, Visitor
from tests.stacks.harness import Stack
from tests.stacks.php_fpm import PhpFpm
from tests.stacks.tomcat import Tomcat

ROOT = Path(__file__).resolve().parent.parent.parent
PHP_LIMITS = [
    "-d",
    "upload_max_filesize=20M",
    "-d",
    "post_max_size=21M",
    "-d",
    "display_startup_errors=0",
    "-d",
    "display_errors=0",
]

# The same PHP files behind another server, and the site in another language.
STACKS: dict[str, Callable[[], Stack]] = {"apache": lambda: PhpFpm("apache"), "jsp": Tomcat}


class Sites:
    """The running servers; each is started when first asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.running: dict[str, Site] = {}

    def get(self, kind: str) -> Site:
        if kind not in self.running:
            self.running[kind] = self.start(kind)
        return self.running[kind]

    def start(self, kind: str) -> Site:
        if kind in STACKS:
            return self.start_stack(kind)
        state = self.folder / kind
        state.mkdir()
        log = state / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                command(kind),
                cwd=ROOT,
                env={**os.environ, "DEMO_STATE": str(state)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.stack.callback(server.wait, timeout=10)
        self.stack.callback(server.terminate)
        return Site(kind, wait_for_address(server, log), state)

    def start_stack(self, kind: str) -> Site:
        stack = STACKS[kind]()
        reason = stack.why_not()
        if reason is not None:
            pytest.skip(f"{reason}: run `make system`")
        folder = self.folder / kind
        folder.mkdir()
        self.stack.callback(stack.stop)
        return Site(kind, stack.start(folder), folder / "state")


def command(kind: str) -> list[str]:
    if kind == "wsgi":
        return [sys.executable, "-m", "demo_app.wsgi_exam", "--listen", "127.0.0.1:0"]
    php = shutil.which("php")
    if php is None:
        pytest.skip("php is not installed")
    root = ROOT / "demo_app" / "php"
    return [php, *PHP_LIMITS, "-S", "127.0.0.1:0", "-t", str(root), str(root / "router.php")]


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with ExitStack() as stack:
        yield Sites(tmp_path_factory.mktemp("exam-sites"), stack)


@pytest.fixture(params=[*(pytest.param(kind, marks=pytest.mark.system) for kind in ("php", *STACKS)), "wsgi"])
def site(request: pytest.FixtureRequest, sites: Sites) -> Site:
    return sites.get(request.param)


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site)


@pytest.fixture
def candidate(visitor: Visitor) -> Visitor:
    assert visitor.log_in().status_code == 303
    return visitor


def wait_for_address(server: subprocess.Popen[bytes], log: Path) -> str:
    """Both servers print the address with the port the system gave them."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(rb"http://127\.0\.0\.1:[1-9][0-9]*", log.read_bytes())
        if found:
            return found[0].decode()
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_bytes()!r}")
