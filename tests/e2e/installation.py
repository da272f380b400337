"""A whole installation in a temporary directory: legacy site, proview.toml, `proview serve`, a console user."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from flask_proview.config import Config, load_config
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.users import UserStore

ROOT = Path(__file__).resolve().parents[2]
KEY = "e2e-q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"
TOKEN = "b3f6224e-d072-4e0a-9053-9216b9994d43"
PASSWORD = "correct horse battery"


def wait_until(condition: Callable[[], Any], deadline_s: float = 20.0, what: str = "the condition") -> Any:
    """The first true value of ``condition()``."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {deadline_s} s"
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Deployment(ABC):
    """A running service, whatever server carries it: where it is and how to reach into it."""

    url: str
    config_file: Path
    env: dict[str, str]
    config: Config = field(init=False)

    def __post_init__(self) -> None:
        self.config = load_config(self.config_file, self.env)

    @property
    def console(self) -> str:
        return f"{self.url}/proview/console/"

    @abstractmethod
    def restart_web(self) -> None:
        """The web process anew; whatever runs beside it goes on."""

    def take(self, **values: str) -> None:
        """Other values for keys of the configuration, so that several flows share what each would else start for itself."""
        text = changed = self.config_file.read_text()
        for name, value in values.items():
            changed, found = re.subn(rf'^{name} = ".*"$', f'{name} = "{value}"', changed, flags=re.MULTILINE)
            assert found == 1, name
        if changed != text:
            self.config_file.write_text(changed)
            self.restart_web()

    @cached_property
    def _database(self) -> Database:
        """One for all looks: tests wait by looking again and again."""
        return Database(self.config.storage.database)

    @contextmanager
    def database(self) -> Iterator[Database]:
        try:
            yield self._database
        finally:
            # The connections; nothing of ours may be open when the folder goes.
            self._database.dispose()

    @cached_property
    def bearer(self) -> dict[str, str]:
        """One login for all questions: who logs in at each look is told to wait (429)."""
        answer = requests.post(
            f"{self.url}/proview/v1/user/login", json={"username": "admin", "password": PASSWORD}, timeout=10
        )
        answer.raise_for_status()
        # Not Authorization: Apache does not hand it to WSGI applications unless it is told to.
        return {"X-Proview-Token": answer.json()["access_token"]}

    def details(self, uuid: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/proview/v1/sessions/{uuid}", headers=self.bearer, timeout=10)
        answer.raise_for_status()
        details: dict[str, Any] = answer.json()
        return details


@dataclass
class Installation(Deployment):
    """`proview serve` as a process of ours."""

    directory: Path
    process: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def child_pid(self, name: str) -> int:
        """The newest pid of a child process, from the supervisor's log."""
        found = re.findall(rf"supervisor\[\d+\]: {name} started \(pid (\d+)\)", self.log())
        return int(found[-1])

    def kill_child(self, name: str) -> None:
        """SIGKILL a child and everything in its process group; the supervisor starts it again."""
        os.killpg(self.child_pid(name), signal.SIGKILL)

    def restart_web(self) -> None:
        before = self.child_pid("web")
        self.kill_child("web")
        wait_until(lambda: self.child_pid("web") != before, 30, "another web process")
        wait_until(lambda: answers(f"{self.url}/proview/healthz"), 30, "its first answer")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def site_program(kind: str, port: int, state: Path) -> tuple[list[str], dict[str, str]]:
    env = {**os.environ, "DEMO_STATE": str(state), "PHP_CLI_SERVER_WORKERS": "4"}
    if kind == "php":
        php = shutil.which("php")
        assert php
        root = ROOT / "demo_app" / "php"
        limits = ["-d", "upload_max_filesize=20M", "-d", "post_max_size=21M", "-d", "display_errors=0"]
        return [php, "-q", *limits, "-S", f"127.0.0.1:{port}", "-t", str(root), str(root / "router.php")], env
    return [sys.executable, "-m", "demo_app.wsgi_exam", "--listen", f"127.0.0.1:{port}"], env


@contextmanager
def legacy_site(kind: str, directory: Path) -> Iterator[str]:
    """The demo's exam site on a free port."""
    state = directory / "site-state"
    state.mkdir()
    port = free_port()
    argv, env = site_program(kind, port, state)
    with open(directory / "site.log", "wb") as log:
        process = subprocess.Popen(
            argv, env=env, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/login"), what="the legacy site")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(url: str) -> bool:
    """Whether a server is there that does not fail."""
    try:
        return requests.get(url, timeout=2, allow_redirects=False).status_code < 500
    except requests.RequestException:
        return False


def write_config(directory: Path, port: int, upstream: str, changes: Mapping[str, Any]) -> Path:
    """proview.toml of the tests; ``changes`` replace keys of the account, the route, or of sections; ``first_routes`` come before it."""
    account = {
        "name": "main",
        "token": TOKEN,
        "domains": [f"http://127.0.0.1:{port}", f"http://localhost:{port}"],
        "session_type": "ai_proctor",
        **changes.get("account", {}),
    }
    route = {
        "name": "exam",
        "path": "/exam/<attempt>/<path:page>",
        "mode": "frame",
        "session": "path:attempt",
        "profile": "cookie:uid",
        "stop_paths": ["/exam/<attempt>/done"],
        **changes.get("route", {}),
    }
    sections: dict[str, dict[str, Any]] = {
        "server": {"listen": f"127.0.0.1:{port}", "upstream": upstream},
        "secrets": {"keys": [KEY]},
        "storage": {"database": "sqlite:///proview.db", "recordings": "recordings"},
        "media": {"link": f"unix:{short_socket_path()}", "host_addresses": ["127.0.0.1"]},
    }
    for name in ("server", "media", "limits", "capture", "storage"):
        sections.setdefault(name, {}).update(changes.get(name, {}))
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items()), ""]
    for name, values in (
        ("accounts", account),
        *(("routes", each) for each in (*changes.get("first_routes", ()), route)),
    ):
        lines += [f"[[{name}]]", *(f"{k} = {json.dumps(v)}" for k, v in values.items()), ""]
    file = directory / "proview.toml"
    file.write_text("\n".join(lines))
    return file


def short_socket_path() -> str:
    """pytest's directories may be longer than the 107 bytes of a unix socket's name."""
    return tempfile.mkdtemp(prefix="pv-") + "/media.sock"


def clean_environment() -> dict[str, str]:
    """Ours without settings of whoever runs the tests."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PROVIEW_")}


def prepare_storage(config_file: Path) -> None:
    """The database's tables and the console's user ``admin``."""
    config = load_config(config_file, clean_environment())
    upgrade(config.storage.database)
    database = Database(config.storage.database)
    try:
        for name in ("admin", "proctor"):
            UserStore(database).add(name, name, PASSWORD)
    finally:
        database.dispose()


@contextmanager
def installation(directory: Path, *, site: str = "php", **changes: Any) -> Iterator[Installation]:
    """`proview serve` in front of the demo's exam site, ready to be used."""
    with legacy_site(site, directory) as upstream, in_front_of(upstream, directory, **changes) as running:
        yield running


@contextmanager
def in_front_of(upstream: str, directory: Path, **changes: Any) -> Iterator[Installation]:
    """`proview serve` in front of a site that runs already."""
    port = free_port()
    config_file = write_config(directory, port, upstream, changes)
    prepare_storage(config_file)
    env = clean_environment()
    log_file = directory / "proview.log"
    with open(log_file, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask_proview", "serve", "-c", str(config_file)],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    running = Installation(f"http://127.0.0.1:{port}", config_file, env, directory, process, log_file)
    try:
        try:
            wait_until(lambda: answers(f"{running.url}/proview/healthz"), 30, "proview serve")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{running.log()}") from None
        yield running
    finally:
        running.stop()
        shutil.rmtree(Path(running.config.media.link.removeprefix("unix:")).parent, ignore_errors=True)
