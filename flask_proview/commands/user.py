"""``proview user``: people of the console."""

from __future__ import annotations

import sys

import click

from flask_proview.config import load_config
from flask_proview.sessions.users import UserStore

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
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with open_database(config) as database:
        UserStore(database).add(name, role, password)
    click.echo(f"user {name} added as {role}")
