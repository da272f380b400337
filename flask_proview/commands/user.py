"""``proview user``: people of the console."""

from __future__ import annotations

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
        if password_stdin:
            password = sys.stdin.readline().rstrip("\r\n")
        else:
            label = f"Password (at least {MIN_PASSWORD} characters)"
            password = click.prompt(label, hide_input=True, confirmation_prompt=True)
        users.add(name, role, password)
    click.echo(f"user {name} added as {role}")
