"""A real media process per test, on loopback."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flask_proview.config import Config, load_config
from flask_proview.links import LinkError, MediaLink

from .clients import use_loopback

SESSION = "11111111-2222-4333-8444-555555555555"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Coroutine tests run in a loop and a thread of their own (the main thread may carry Playwright's), with a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(test, 90)).result()
    return True


class MediaProcess:
    """``python -m flask_proview.media``, startable again after a kill."""

    def __init__(self, directory: Path) -> None:
        self.recordings = directory / "recordings"
        self.file = directory / "proview.toml"
        self.socket = directory / "run" / "media.sock"
        self.file.write_text(
            f'[secrets]\nkeys = ["{"key for tests " * 4}"]\n'
            f'[storage]\nrecordings = "{self.recordings}"\nmin_free_mb = 1\n'
            f'[media]\nlink = "unix:{self.socket}"\nhost_addresses = ["127.0.0.1"]\n'
        )
        self.config: Config = load_config(str(self.file))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen([sys.executable, "-m", "flask_proview.media", "-c", str(self.file)])
        return self.process

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(15)

    def files(self, name: str) -> list[Path]:
        return sorted((self.recordings / SESSION[:2] / SESSION / "live").glob(f"{name}-*.webm"))

    def sidecar(self, path: Path) -> dict[str, object]:
        return dict(json.loads(path.with_suffix(".json").read_text()))


@pytest.fixture
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaProcess]:
    use_loopback(monkeypatch)
    process = MediaProcess(tmp_path)
    process.start()
    yield process
    assert process.process is not None
    if process.process.poll() is None:
        process.stop()


@pytest.fixture
def link(media: MediaProcess) -> Iterator[MediaLink]:
    link = MediaLink(media.config)
    yield link
    link.close()


def wait_for(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def answers(link: MediaLink) -> bool:
    try:
        link.request("status", 1.0)
    except LinkError:
        return False
    return True
