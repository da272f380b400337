"""`proview check --url` against real servers with ProviewMiddleware mounted, and through nginx with and without what we need."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from flask_proview.cli import cli
from tests.e2e.installation import free_port, wait_until

from .site import KEY

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
GUNICORN = [
    sys.executable,
    "-m",
    "gunicorn",
    "--no-control-socket",
    "--graceful-timeout",
    "1",
    "tests.doctor.apps:application",
]
SERVERS = {
    "gevent": [*GUNICORN, "-k", "gevent"],
    "waitress": [sys.executable, "-m", "waitress", "tests.doctor.apps:application"],
}


def write_config(folder: Path, port: int, *domains: int, proxies: str = "[]") -> Path:
    listed = json.dumps([f"http://127.0.0.1:{p}" for p in (port, *domains)])
    file = folder / "proview.toml"
    file.write_text(
        f'[server]\nlisten = "127.0.0.1:{port}"\ntrusted_proxies = {proxies}\n[secrets]\nkeys = ["{KEY}"]\n'
        '[storage]\ndatabase = "sqlite:///proview.db"\nrecordings = "recordings"\nmin_free_mb = 1\n'
        f'[media]\nlink = "unix:{folder}/m"\n[[accounts]]\nname = "main"\ntoken = "b3f6224e-d072-4e0a-9053-9216b9994d43"\n'
        f'domains = {listed}\n[[routes]]\npath = "/exam/<attempt>"\nsession = "path:attempt"\n'
    )
    return file


@contextlib.contextmanager
def started(command: list[str], log: Path, url: str, **env: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=output, stderr=output)
    try:
        wait_until(lambda: _is_up(url), 40, f"the server: {log.read_text(errors='replace')[-2000:]}")
        yield
    finally:
        process.terminate()
        process.wait(20)


def _is_up(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/proview/init.js", timeout=5).status_code == 200
    return False


@contextlib.contextmanager
def server(kind: str, config: Path, port: int) -> Iterator[None]:
    assert CliRunner().invoke(cli, ["db", "upgrade", "-c", str(config)]).exit_code == 0
    listen = ["--listen", f"127.0.0.1:{port}"] if kind == "waitress" else ["--bind", f"127.0.0.1:{port}"]
    command = [*SERVERS[kind][:3], *listen, *SERVERS[kind][3:]]
    with started(command, config.parent / "server.log", f"http://127.0.0.1:{port}", PROVIEW_CONFIG=str(config)):
        yield


@contextlib.contextmanager
def nginx(folder: Path, port: int, upstream: int, location: str) -> Iterator[None]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err; events {{}}\n"
        f"http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port};\n"
        f"location / {{ proxy_pass http://127.0.0.1:{upstream}; {location} }} }} }}\n"
    )
    with started(
        [program, "-e", str(folder / "nginx.err"), "-c", str(file)], folder / "nginx.log", f"http://127.0.0.1:{port}"
    ):
        yield


def check(config: Path, port: int) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(cli, ["check", "-c", str(config), "--url", f"http://127.0.0.1:{port}", "--json"])
    document: dict[str, Any] = json.loads(result.stdout)
    return result.exit_code, document


def said(document: dict[str, Any], level: str) -> str:
    return "\n".join(f"{f['topic']}: {f['message']}" for f in document["findings"] if f["level"] == level)


def test_a_mounted_server_says_what_it_can(tmp_path: Path) -> None:
    """The other servers, and their bodies: tests/stacks/test_mounted.py."""
    port = free_port()
    config = write_config(tmp_path, port)
    with server("waitress", config, port):
        status, document = check(config, port)
    facts = document["facts"]
    assert (status, said(document, "error")) == (0, "")
    assert facts["websocket"] == "refused"
    assert (facts["upload"], facts["digest"], facts["streaming"], facts["keys_accepted"]) == (
        "whole",
        "same",
        "at once",
        True,
    )
    assert (facts["chunked"], facts["continues"]) == ("whole", True)
    assert facts["seen"]["origin"] == f"http://127.0.0.1:{port}"
    assert facts["ready"]["status"] == "ok"
    assert "WebSockets: no (waitress): browsers use HTTP instead" in said(document, "ok")
    assert "run `proview media` beside" in said(document, "warning")


def test_behind_a_bare_nginx_everything_that_is_missing_is_named(tmp_path: Path) -> None:
    port, front = free_port(), free_port()
    config = write_config(tmp_path, port, front)
    with server("gevent", config, port), nginx(tmp_path, front, port, ""):
        status, document = check(config, front)
    assert status == 1
    assert document["facts"]["websocket"] == "swallowed"
    assert document["facts"]["streaming"] == "buffered"
    errors, warnings = said(document, "error"), said(document, "warning")
    assert "client_max_body_size" in errors
    assert f"takes requests for http://127.0.0.1:{front} to be for http://127.0.0.1:{port}" in errors
    assert "drops the upgrade" in warnings
    assert "can, but they do not come through" in said(document, "ok")


def test_behind_an_nginx_that_hands_everything_on_nothing_is_missing(tmp_path: Path) -> None:
    port, front = free_port(), free_port()
    config = write_config(tmp_path, port, front, proxies='["127.0.0.1/32"]')
    location = (
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;"
        "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;"
        "client_max_body_size 64m; proxy_buffering off; proxy_request_buffering off;"
    )
    with server("gevent", config, port), nginx(tmp_path, front, port, location):
        status, document = check(config, front)
    assert (status, said(document, "error")) == (0, "")
    facts = document["facts"]
    assert (facts["websocket"], facts["streaming"], facts["upload"]) == ("works", "at once", "whole")
    assert facts["seen"]["trusted"] is True
    assert "metrics: not told to strangers" in said(document, "ok")


def test_keys_of_another_installation_are_told(tmp_path: Path) -> None:
    port = free_port()
    config = write_config(tmp_path, port)
    with server("waitress", config, port):
        other = tmp_path / "other.toml"
        other.write_text(config.read_text().replace(KEY, KEY[::-1]))
        status, document = check(other, port)
    assert status == 0
    assert document["facts"]["keys_accepted"] is False
    assert "keys" in said(document, "warning")
