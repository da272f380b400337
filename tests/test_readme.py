"""Every code block of README.md is run, and every link leads somewhere."""

from __future__ import annotations

import contextlib
import http.client
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from flask_proview.cli import cli
from flask_proview.config import load_config
from flask_proview.sessions.database import Database
from flask_proview.sessions.users import UserStore

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PASSWORD = "correct horse battery"
PAGE = "/exam/7/take"
HOST = "http://127.0.0.1:8000"


def blocks(heading: str, language: str) -> list[str]:
    """The fenced blocks of one section."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.M | re.S)


def commands(heading: str) -> list[str]:
    return [line.split("   #", 1)[0].strip() for block in blocks(heading, "sh") for line in block.splitlines()]


def python(heading: str) -> str:
    (block,) = blocks(heading, "python")
    return block


# What is shown


def test_readme_is_short() -> None:
    assert len(README.splitlines()) < 100


def test_every_block_is_run_by_a_test_here() -> None:
    run = {"Try it": 1, "In front of any application": 1, "In a Flask application": 2, "In any WSGI application": 1}
    assert len(re.findall(r"^```\w+$", README, re.M)) == sum(run.values())
    for heading, count in run.items():
        assert len(blocks(heading, "sh") + blocks(heading, "python")) == count, heading


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", README))
def test_links_of_the_readme_resolve(link: str) -> None:
    assert (ROOT / link).is_file()


def test_the_demo_is_one_command() -> None:
    assert commands("Try it")[-1] == "make run"
    assert re.search(r"^run: .*##", (ROOT / "Makefile").read_text(), re.M)


# In front of any application


class Shell:
    """Runs the commands as they stand, in an empty directory."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.directory = directory
        self.env = env

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.directory, env=self.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run_with_answers(self, command: str, *answers: str) -> None:
        """On a terminal, typing an answer for every question."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["sh", "-c", command], cwd=self.directory, env=self.env, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        said = ""
        try:
            for answer in answers:
                said += _read_until(ours, ": ")
                os.write(ours, answer.encode() + b"\n")
            with contextlib.suppress(OSError):  # EIO: the other end is closed
                while data := os.read(ours, 4096):
                    said += data.decode()
            assert process.wait(60) == 0, said
        finally:
            os.close(ours)
        assert all(answer not in said for answer in answers), "passwords are not shown"


def _read_until(handle: int, end: str) -> str:
    said = ""
    while not said.endswith(end):
        said += os.read(handle, 4096).decode()
    return said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[str]:
    """The application that nobody wants to touch."""
    port = free_port()
    site = tmp_path / "site"
    site.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "demo_app.wsgi_exam", "--listen", f"127.0.0.1:{port}"],
        cwd=ROOT,
        env={**os.environ, "DEMO_STATE": str(site)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_answer(port, "/login")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_for_answer(port: int, path: str) -> tuple[int, bytes]:
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path, headers={"Accept": "text/html"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            assert time.monotonic() < deadline, f"waited 60 s for port {port}"
            time.sleep(0.1)
        finally:
            connection.close()


@pytest.mark.system
def test_the_proxy_commands_run_one_after_the_other(tmp_path: Path, upstream: str) -> None:
    lines = commands("In front of any application")
    assert lines[0] == "pip install ."  # the tests run in an installed environment
    port = free_port()
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\nsed -i 's#http://127.0.0.1:8080#{upstream}#; s#:8000#:{port}#g' \"$1\"\n")
    editor.chmod(0o755)
    directory = tmp_path / "installation"
    directory.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PROVIEW_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = Shell(directory, {**env, "PATH": path, "EDITOR": str(editor), "PASSWORD": PASSWORD})
    assert lines[-1] == "proview serve -c proview.toml"
    for line in lines[1:-1]:
        if line.startswith("# or, in scripts: "):
            shell.run(line.removeprefix("# or, in scripts: ").replace("add admin", "add robot"))
        elif line.startswith("proview user add"):
            shell.run_with_answers(line, PASSWORD, PASSWORD)
        else:
            shell.run(line)
    assert "warning" not in shell.run("proview check -c proview.toml")
    for name in ("admin", "robot"):
        assert may_log_in(directory / "proview.toml", name)
    serve_and_stop(shell, lines[-1], port)


def may_log_in(file: Path, name: str) -> bool:
    database = Database(load_config(file, {}).storage.database)
    try:
        return UserStore(database).verify(name, PASSWORD) is not None
    finally:
        database.dispose()


def serve_and_stop(shell: Shell, command: str, port: int) -> None:
    with open(shell.directory / "log", "wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=shell.directory, env=shell.env, stdout=log, stderr=log
        )
    try:
        assert wait_for_answer(port, "/proview/healthz")[0] == 200, (shell.directory / "log").read_text()
        status, page = wait_for_answer(port, "/login")
        assert status == 200
        assert b"Northfield" in page
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


# In a Flask application, in any WSGI application


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory has the proview.toml that `proview init` writes."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PROVIEW_")]:
        monkeypatch.delenv(name)
    assert CliRunner().invoke(cli, ["init", "proview.toml"]).exit_code == 0


def assert_page_is_proctored(application: Any, text: str) -> None:
    response = Client(application).get(PAGE, base_url=HOST, headers={"Accept": "text/html"})
    try:
        assert response.status_code == 200
        assert '<script src="/proview/init.js"' in response.text
        assert text in response.text
        assert response.headers["X-Proview-Injected"] == "r0"
        (cookie,) = response.headers.getlist("Set-Cookie")
        assert cookie.startswith("proview_launch_r0=")
        assert "HttpOnly" in cookie
    finally:
        response.close()
    elsewhere = Client(application).get(PAGE, base_url="http://other.example", headers={"Accept": "text/html"})
    assert "proview" not in elsewhere.text


def test_the_flask_snippet_injects(configured: None) -> None:
    names: dict[str, Any] = {"__name__": "app"}
    exec(python("In a Flask application"), names)  # noqa: S102 - our own README
    try:
        assert_page_is_proctored(names["app"], "<h1>Attempt 7</h1>")
    finally:
        names["app"].extensions["proview"].stop()


def test_the_commands_beside_the_application_exist() -> None:
    server, *beside = commands("In a Flask application")
    assert server.startswith("gunicorn -k gevent ")
    assert server.endswith(" app:app")
    for command in beside:
        program, name, *arguments = command.split()
        assert (program, arguments) == ("proview", ["-c", "proview.toml"])
        assert name in cli.commands


def test_the_wsgi_snippet_injects(configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [b"<!doctype html><title>Exam</title><h1>Legacy</h1>"]

    legacy = ModuleType("legacy")
    legacy.application = application  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "legacy", legacy)
    names: dict[str, Any] = {}
    exec(python("In any WSGI application"), names)  # noqa: S102 - our own README
    try:
        assert_page_is_proctored(names["application"], "<h1>Legacy</h1>")
    finally:
        names["application"].runtime.stop()
