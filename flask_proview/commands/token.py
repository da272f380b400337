"""``proview token new``: launch tokens for integrators that render their own snippet."""

from __future__ import annotations

import click

from flask_proview.config import load_config
from flask_proview.errors import ConfigError
from flask_proview.origins import Origin
from flask_proview.tokens import Kind, TokenSigner

from .options import config_option


@click.group()
def token() -> None:
    """Signed tokens."""


@token.command("new")
@click.option("--account", "account_name", required=True, help="Name of the account.")
@click.option("--session", "session_id", required=True, help="Your id of the session.")
@click.option("--profile", default="", help="Your id of the candidate.")
@click.option("--origin", required=True, help="Origin of the page that will start it, e.g. https://exam.example.edu")
@click.option("--session-type", type=click.Choice(["ai_proctor", "record_and_review", "live_proctor"]))
@click.option("--title")
@click.option("--minutes", type=click.IntRange(1, 10_080), help="Lifetime; default limits.launch_minutes.")
@config_option
def new(
    account_name: str,
    session_id: str,
    profile: str,
    origin: str,
    session_type: str | None,
    title: str | None,
    minutes: int | None,
    config_path: str,
) -> None:
    """Print a launch token: pass it as options.launch of tv('init', …)."""
    config = load_config(config_path)
    account = config.account(account_name)
    if account is None:
        raise ConfigError(
            f"account {account_name!r} is not in {config_path}; known: " + ", ".join(a.name for a in config.accounts)
        )
    try:
        parsed = Origin.parse(origin)
    except ValueError as error:
        raise ConfigError(f"--origin {origin!r}: {error}") from None
    if parsed not in account.domains:
        raise ConfigError(
            f"--origin {origin!r} is not one of the account's domains: " + ", ".join(account.domains.entries)
        )
    claims = {
        "account": account.name,
        "route": None,
        "session": session_id,
        "profile": profile,
        "origin": str(parsed),
        "session_type": session_type or account.session_type,
        "title": title,
    }
    click.echo(
        TokenSigner(config.secrets.keys).issue(Kind.LAUNCH, claims, 60 * (minutes or config.limits.launch_minutes))
    )
