from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flask_proview.cli import cli
from flask_proview.config import load_config
from flask_proview.sessions.database import Database
from flask_proview.sessions.users import UserStore
from flask_proview.tokens import Kind, TokenSigner

PASSWORD = "correct horse battery"


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(args), input=stdin)


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "proview.toml"
    assert run("init", str(file)).exit_code == 0
    return file


@pytest.fixture
def ready(config_file: Path) -> Path:
    assert run("db", "upgrade", "-c", str(config_file)).exit_code == 0
    return config_file


def test_init_writes_a_private_configuration_with_fresh_secrets(tmp_path: Path) -> None:
    files = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for file in files:
        result = run("init", str(file))
        assert result.exit_code == 0
        assert f"proview serve -c {file}" in result.stdout
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first, second = (load_config(f, {}) for f in files)
    assert first.secrets.keys != second.secrets.keys
    assert first.accounts[0].token != second.accounts[0].token


def test_init_never_overwrites(config_file: Path) -> None:
    before = config_file.read_text()
    result = run("init", str(config_file))
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert config_file.read_text() == before


def test_a_bad_configuration_ends_with_status_2_and_names_the_key(config_file: Path) -> None:
    config_file.write_text(config_file.read_text().replace("mount =", "mont ="))
    for command in (["check"], ["serve"], ["db", "upgrade"], ["media"], ["worker"]):
        result = run(*command, "-c", str(config_file))
        assert result.exit_code == 2, command
        assert "mont: unknown key; did you mean 'mount'?" in result.stderr


def test_a_missing_configuration_names_the_way_out(tmp_path: Path) -> None:
    result = run("check", "-c", str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert "proview init" in result.stderr


def test_unknown_options_end_with_status_2() -> None:
    assert run("serve", "--lsten", "x").exit_code == 2
    assert run("frobnicate").exit_code == 2


def test_check_names_what_is_wrong_and_fails_for_errors(ready: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ready.write_text(ready.read_text().replace("http://127.0.0.1:8080", f"http://127.0.0.1:{port}"))
    result = run("check", "-c", str(ready), "--json")
    findings = {f["topic"]: f for f in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert findings["upstream"]["level"] == "error"
    assert "is the application running there?" in findings["upstream"]["message"]
    assert findings["database"]["level"] == "ok"
    assert findings["account main"]["level"] == "ok"
    assert "proview user add" in findings["users"]["message"]


def test_check_warns_of_pages_that_are_not_whitelisted(ready: Path) -> None:
    ready.write_text(
        ready.read_text()
        .replace("http://localhost:8000", "https://other.example")
        .replace('"http://127.0.0.1:8000", ', "")
    )
    result = run("check", "-c", str(ready))
    assert "are not whitelisted and would pass without proctoring" in result.stdout


def test_check_refuses_public_plain_http(ready: Path) -> None:
    ready.write_text(
        ready.read_text().replace('mount = "/proview"', 'mount = "/proview"\npublic_url = "http://exam.example.edu"')
    )
    result = run("check", "-c", str(ready))
    assert result.exit_code == 1
    assert "not a secure context" in result.stdout


def test_user_add_takes_the_password_from_standard_input(ready: Path) -> None:
    result = run("user", "add", "ada", "--role", "proctor", "--password-stdin", "-c", str(ready), stdin=PASSWORD + "\n")
    assert result.exit_code == 0, result.output
    database = Database(load_config(ready).storage.database)
    try:
        user = UserStore(database).verify("ada", PASSWORD)
        assert user is not None
        assert user.role == "proctor"
        assert PASSWORD not in user.password_hash
    finally:
        database.dispose()


def test_user_add_refuses_short_passwords_and_taken_names(ready: Path) -> None:
    short = run("user", "add", "ada", "--role", "admin", "--password-stdin", "-c", str(ready), stdin="short\n")
    assert short.exit_code == 1
    assert "10" in short.stderr
    args = ("user", "add", "ada", "--role", "admin", "--password-stdin", "-c", str(ready))
    assert run(*args, stdin=PASSWORD + "\n").exit_code == 0
    again = run(*args, stdin=PASSWORD + "\n")
    assert again.exit_code == 1
    assert "ada" in again.stderr


def test_commands_on_a_database_without_tables_name_the_way_out(config_file: Path) -> None:
    result = run(
        "user", "add", "ada", "--role", "admin", "--password-stdin", "-c", str(config_file), stdin=PASSWORD + "\n"
    )
    assert result.exit_code == 2
    assert "proview db upgrade" in result.stderr


def test_db_upgrade_may_run_twice(ready: Path) -> None:
    assert run("db", "upgrade", "-c", str(ready)).exit_code == 0


def test_token_new_prints_a_launch_token_for_a_whitelisted_origin(ready: Path) -> None:
    args = ("token", "new", "--account", "main", "--session", "s1", "--profile", "p1", "-c", str(ready), "--origin")
    result = run(*args, "http://127.0.0.1:8000")
    assert result.exit_code == 0, result.output
    claims = TokenSigner(load_config(ready).secrets.keys).read(Kind.LAUNCH, result.stdout.strip())
    assert (claims["account"], claims["session"], claims["profile"]) == ("main", "s1", "p1")
    refused = run(*args, "https://evil.example")
    assert refused.exit_code == 2
    assert "not one of the account's domains" in refused.stderr


def test_serve_refuses_a_taken_port(ready: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "-c", str(ready), "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert result.exit_code == 2
    assert "cannot listen on" in result.stderr


def test_flask_proview_is_the_same_group() -> None:
    assert {"init", "check", "serve", "media", "worker", "user", "sessions", "db", "token"} <= set(cli.commands)
