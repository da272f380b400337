"""``proview user``: people of the console."""

from __future__ import annotations

import json
import sys

import click

from flask_proview.config import load_config
from flask_proview.errors import ProviewError
from flask_proview.sessions.users import MIN_PASSWORD, UserStore

from .options import config_option, open_database


@click.group()
def user() -> None:
    """People who may log in to the console."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "proctor", "reviewer"]), required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@config_option
def add(name: str, role: str, password_stdin: bool, config_path: str) -> None:
    """Add NAME; asks for the password."""
    config = load_config(config_path)
    with open_database(config) as database:
        users = UserStore(database)
        if users.get(name) is not None:  # said before somebody has typed a password twice
            raise ProviewError(f"a user {name!r} exists already; choose another name")
        users.add(name, role, _password(password_stdin))
    click.echo(f"user {name} added as {role}")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@config_option
def listed(as_json: bool, config_path: str) -> None:
    """Everybody, with role and whether they are locked out."""
    with open_database(load_config(config_path)) as database:
        people = UserStore(database).list()
    if as_json:
        rows = [
            {"name": one.name, "role": one.role, "disabled": one.disabled, "created_at": one.created_at}
            for one in people
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    width = max((len(one.name) for one in people), default=0)
    for one in people:
        click.echo(f"{one.name:<{width}}  {one.role:<8}{'  disabled' if one.disabled else ''}".rstrip())
    if not people:
        click.echo("nobody yet: proview user add NAME --role admin")


@user.command("password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@config_option
def password(name: str, password_stdin: bool, config_path: str) -> None:
    """Give NAME a new password; every login of theirs ends."""
    with open_database(load_config(config_path)) as database:
        users = UserStore(database)
        if users.get(name) is None:
            raise ProviewError(f"there is no user {name!r}; known: {_known(users)}")
        users.set_password(name, _password(password_stdin))
    click.echo(f"user {name} has a new password; all logins ended")


@user.command("disable")
@click.argument("name")
@config_option
def disable(name: str, config_path: str) -> None:
    """Lock NAME out, at once."""
    _set_disabled(name, True, config_path)
    click.echo(f"user {name} is disabled; all logins ended")


@user.command("enable")
@click.argument("name")
@config_option
def enable(name: str, config_path: str) -> None:
    """Let NAME in again."""
    _set_disabled(name, False, config_path)
    click.echo(f"user {name} is enabled")


def _set_disabled(name: str, disabled: bool, config_path: str) -> None:
    with open_database(load_config(config_path)) as database:
        users = UserStore(database)
        if users.get(name) is None:
            raise ProviewError(f"there is no user {name!r}; known: {_known(users)}")
        users.set_disabled(name, disabled)


def _known(users: UserStore) -> str:
    return ", ".join(one.name for one in users.list()) or "nobody"


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    label = f"Password (at least {MIN_PASSWORD} characters)"
    typed: str = click.prompt(label, hide_input=True, confirmation_prompt=True)
    return typed
