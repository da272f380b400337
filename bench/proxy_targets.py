"""The proxies that ``bench.proxy`` measures, each with its configuration, all in front of the same nginx with static files.

A target is a running process tree and a port. A peer that is not installed is reported by name, and the others are measured.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .paused import PATH
from .peers import peer_program

ROOT = Path(__file__).resolve().parent.parent
TAG = '<script src="/proview/init.js" data-proview-route="exam" data-proview-role="page" data-proview-start="auto"></script>'
APACHE_MODULES = Path("/usr/lib/apache2/modules")
START_S = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """``injects``: whether its pages must have the tag."""

    name: str
    port: int
    pid: int
    injects: bool = True


class Missing(Exception):
    """A peer that is not installed; the text says what to install."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(
    argv: list[str], port: int, folder: Path, env: dict[str, str] | None = None, pass_fds: tuple[int, ...] = ()
) -> Iterator[int]:
    """The pid of a program that answers on ``port``."""
    log = folder / f"{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own argv
            argv, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=out, stderr=out, pass_fds=pass_fds
        )
    try:
        _wait_until_it_answers(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                sock.sendall(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if sock.recv(1):
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not answer: {log.read_text('utf-8', 'replace')[-2000:]}")


@contextmanager
def static_upstream(folder: Path, documents: Path, paused_port: int) -> Iterator[Target]:
    """nginx with the files, and the page that pauses, which a program of ours writes."""
    port = free_port()
    server = (
        f"listen 127.0.0.1:{port} reuseport; root {documents}; default_type text/html;"
        f" location ~ json$ {{ default_type application/json; }}"
        f" location = {PATH} {{ proxy_pass http://127.0.0.1:{paused_port}; proxy_buffering off; }}"
    )
    with _nginx(folder, "upstream", server) as pid, running_target(pid, port, folder):
        yield Target("nginx, static (no proxy)", port, pid, injects=False)


@contextmanager
def ours(folder: Path, upstream: str) -> Iterator[Target]:
    """The web process of ``proview serve``: gunicorn, service, injection and proxy."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        port = listener.getsockname()[1]
        config = folder / "proview.toml"
        config.write_text(
            f"""
[server]
listen = "127.0.0.1:{port}"
upstream = "{upstream}"
[secrets]
keys = ["benchmark-signing-key-of-more-than-32-characters"]
[storage]
database = "sqlite:///{folder}/proview.db"
recordings = "{folder}/recordings"
[media]
live = "off"
[[accounts]]
name = "a"
token = "0b1c2d3e-4f50-4617-8899-aabbccddeeff"
domains = ["http://127.0.0.1:{port}"]
[[routes]]
name = "exam"
path = "/exam/<attempt>/<size>.html"
session = "path:attempt"
profile = "cookie:uid"
""",
            "utf-8",
        )
        os.set_inheritable(listener.fileno(), True)
        argv = [sys.executable, "-m", "flask_proview.serve.web", "--config", str(config), "--fd"]
        with running([*argv, str(listener.fileno())], port, folder, pass_fds=(listener.fileno(),)) as pid:
            yield Target("proview", port, pid)


@contextmanager
def python_peer(folder: Path, upstream: str, name: str, factory: str) -> Iterator[Target]:
    """A WSGI proxy under gunicorn's gevent worker, as its manual starts it."""
    gunicorn = _needed("gunicorn", "requirements/bench.txt")
    port = free_port()
    argv = [gunicorn, "-k", "gevent", "-w", "1", "-b", f"127.0.0.1:{port}", "--keep-alive", "75", "--no-control-socket"]
    env = {"UPSTREAM": upstream, "TAG": TAG, "PYTHONPATH": str(ROOT)}
    with running([*argv, f"bench.proxy_peers:{factory}()"], port, folder, env) as pid:
        yield Target(name, port, pid)


@contextmanager
def mitmproxy(folder: Path, upstream: str) -> Iterator[Target]:
    port = free_port()
    argv = [
        _needed("mitmdump", "requirements/bench.txt"), "--mode", f"reverse:{upstream}", "--listen-host", "127.0.0.1",
        "-p", str(port), "-q", "--set", f"confdir={folder}/mitmproxy", "--set", "flow_detail=0",
        "--modify-body", f"|~s & ~t text/html|<head>|<head>{TAG}",
    ]  # fmt: skip
    with running(argv, port, folder) as pid:
        yield Target("mitmproxy, modify-body", port, pid)


@contextmanager
def apache(folder: Path, upstream: str) -> Iterator[Target]:
    program = _needed("apache2", "the package apache2")
    port = free_port()
    modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "filter", "substitute"]
    lines = [f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in modules]
    # As root it changes to this account; otherwise both lines have no effect.
    lines += ["User nobody", "Group nogroup"]
    lines += [f"ServerRoot {folder}", f"PidFile {folder}/apache.pid", f"ErrorLog {folder}/apache.log", "LogLevel warn"]
    lines += [f"Listen 127.0.0.1:{port}", "ServerName 127.0.0.1", "KeepAlive On", "MaxKeepAliveRequests 0"]
    lines += [f'ProxyPass "/" "{upstream}/" keepalive=On', "ProxyPreserveHost On", "SubstituteMaxLineLength 8m"]
    lines += ["AddOutputFilterByType SUBSTITUTE text/html", f"Substitute 's|<head>|<head>{TAG}|n'"]
    conf = folder / "apache.conf"
    conf.write_text("\n".join(lines) + "\n", "utf-8")
    with running([program, "-f", str(conf), "-D", "FOREGROUND"], port, folder) as pid:
        yield Target("Apache, mod_substitute", port, pid)


@contextmanager
def nginx(folder: Path, upstream: str, *, injects: bool) -> Iterator[Target]:
    port = free_port()
    filters = f"sub_filter '<head>' '<head>{TAG}'; sub_filter_once on;" if injects else ""
    server = (
        f"listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; proxy_http_version 1.1;"
        f' proxy_set_header Connection ""; proxy_set_header Host $http_host; {filters} }}'
    )
    pool = f"upstream app {{ server {upstream.partition('://')[2]}; keepalive 64; }}"
    with _nginx(folder, "filter" if injects else "plain", server, pool) as pid, running_target(pid, port, folder):
        yield Target("nginx, sub_filter" if injects else "nginx, proxy_pass alone", port, pid, injects)


@contextmanager
def _nginx(folder: Path, name: str, server: str, pool: str = "") -> Iterator[int]:
    program = _needed("nginx", "the package nginx")
    home = folder / name
    for part in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (home / part).mkdir(parents=True)
    temporary = "".join(
        f"{part}_temp_path {home / (part if part != 'client_body' else 'body')};"
        for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = home / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    conf.write_text(
        f"{user} daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;\n"
        f"events {{ worker_connections 1024; }}\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; {temporary} {pool}\n"
        f"server {{ {server} }} }}\n",
        "utf-8",
    )
    process = subprocess.Popen([program, "-c", str(conf), "-p", str(home)], stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(15)


@contextmanager
def running_target(pid: int, port: int, folder: Path) -> Iterator[None]:
    """Wait for a program that was started elsewhere."""
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            yield
            return
    raise RuntimeError(f"nginx (pid {pid}) does not answer on {port}, see {folder}")


def _needed(program: str, package: str) -> str:
    found = peer_program(program)
    if found is None:
        raise Missing(f"{program} is missing (it comes with {package})")
    return found


@contextmanager
def all_targets(folder: Path, upstream: str) -> Iterator[tuple[list[Target], list[str]]]:
    """(what runs, what is missing and why)."""
    targets, missing = [], []
    with ExitStack() as stack:
        for target in (
            ours(folder, upstream),
            python_peer(folder, upstream, "werkzeug ProxyMiddleware", "werkzeug_proxy"),
            python_peer(folder, upstream, "WSGIProxy2, urllib3", "wsgiproxy2"),
            mitmproxy(folder, upstream),
            apache(folder, upstream),
            nginx(folder, upstream, injects=True),
            nginx(folder, upstream, injects=False),
        ):
            try:
                targets.append(stack.enter_context(target))
            except (Missing, RuntimeError) as reason:
                missing.append(str(reason))
        yield targets, missing


def load_generator() -> str:
    """wrk.

    :raises Missing: when there is none.
    """
    program = shutil.which("wrk")
    if program is None:
        raise Missing("wrk is missing: run scripts/install-bench-packages")
    return program
