"""People of the console, managed from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_proview.config import load_config
from flask_proview.sessions.database import Database
from flask_proview.sessions.users import LoginStore, UserStore

from .test_cli import PASSWORD, run

OTHER = "another long password"


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    file = tmp_path / "proview.toml"
    assert run("init", str(file)).exit_code == 0
    assert run("db", "upgrade", "-c", str(file)).exit_code == 0
    for name, role in (("ada", "admin"), ("pat", "proctor")):
        add = ("user", "add", name, "--role", role, "--password-stdin", "-c", str(file))
        assert run(*add, stdin=PASSWORD + "\n").exit_code == 0
    return file


@pytest.fixture
def database(ready: Path) -> Iterator[Database]:
    database = Database(load_config(ready, {}).storage.database)
    yield database
    database.dispose()


def test_list_shows_everybody(ready: Path) -> None:
    assert run("user", "disable", "pat", "-c", str(ready)).exit_code == 0
    assert run("user", "list", "-c", str(ready)).stdout == "ada  admin\npat  proctor   disabled\n"
    rows = json.loads(run("user", "list", "--json", "-c", str(ready)).stdout)
    assert [(row["name"], row["role"], row["disabled"]) for row in rows] == [("ada", "admin", False), ("pat", "proctor", True)]  # fmt: skip
    assert "hash" not in json.dumps(rows)


def test_list_of_nobody_says_how_to_add_somebody(tmp_path: Path) -> None:
    file = tmp_path / "proview.toml"
    run("init", str(file))
    run("db", "upgrade", "-c", str(file))
    assert "proview user add" in run("user", "list", "-c", str(file)).stdout


def test_a_new_password_ends_all_logins(ready: Path, database: Database) -> None:
    users, logins = UserStore(database), LoginStore(database, load_config(ready, {}))
    ada = users.get("ada")
    assert ada is not None
    cookie, _ = logins.open(ada, "192.0.2.1")
    changed = run("user", "password", "ada", "--password-stdin", "-c", str(ready), stdin=OTHER + "\n")
    assert changed.exit_code == 0 and OTHER not in changed.stdout
    assert users.verify("ada", PASSWORD) is None
    assert users.verify("ada", OTHER) is not None
    assert logins.read(cookie) is None


def test_a_short_password_changes_nothing(ready: Path, database: Database) -> None:
    refused = run("user", "password", "ada", "--password-stdin", "-c", str(ready), stdin="short\n")
    assert refused.exit_code == 1 and "10 to 1024" in refused.stderr
    assert UserStore(database).verify("ada", PASSWORD) is not None


def test_disable_locks_out_at_once_and_enable_lets_in_again(ready: Path, database: Database) -> None:
    users, logins = UserStore(database), LoginStore(database, load_config(ready, {}))
    pat = users.get("pat")
    assert pat is not None
    cookie, _ = logins.open(pat, "192.0.2.1")
    assert run("user", "disable", "pat", "-c", str(ready)).exit_code == 0
    assert users.verify("pat", PASSWORD) is None and logins.read(cookie) is None
    assert run("user", "enable", "pat", "-c", str(ready)).exit_code == 0
    assert users.verify("pat", PASSWORD) is not None


@pytest.mark.parametrize("command", ["password", "disable", "enable"])
def test_an_unknown_name_is_an_error_that_names_the_known_ones(ready: Path, command: str) -> None:
    more = ["--password-stdin"] if command == "password" else []
    refused = run("user", command, "nobody", *more, "-c", str(ready), stdin=OTHER + "\n")
    assert refused.exit_code == 1
    assert "'nobody'" in refused.stderr and "ada, pat" in refused.stderr
