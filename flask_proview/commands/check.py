"""``proview check``: the installation; with ``--crawl`` the application's pages; with ``--url`` the running server.

Exit status 0: fine; 1: an error was found; 2: wrong options or configuration.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from flask_proview.config import Config, load_config
from flask_proview.doctor import Finding, Level, examine
from flask_proview.doctor.crawl import Choice, Limits
from flask_proview.doctor.crawl_run import CrawlOptions, run_crawl
from flask_proview.doctor.crawl_table import crawl_lines
from flask_proview.doctor.login import LoginError
from flask_proview.doctor.server_report import check_server
from flask_proview.doctor.terminal import printable
from flask_proview.errors import ConfigError

from .options import config_option

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "red"}
_CRAWL_ONLY = (
    "public", "max_pages", "depth", "max_seconds", "variants", "delay", "cookie", "header", "login", "form", "form_file",
    "follow_forms", "follow_destructive", "include", "exclude", "insecure", "notes", "timeout",
)  # fmt: skip


def _field(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    fields = []
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{name!r}: expected NAME=VALUE")
        fields.append((name, text))
    return tuple(fields)


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
@click.option(
    "--crawl", "crawl_url", metavar="URL", help="Walk the application's pages from here: what would become of each."
)
@click.option(
    "--url",
    "server_url",
    metavar="[URL]",
    is_flag=False,
    flag_value="",
    help="Ask a running installation what it can [default: server.public_url].",
)
@click.option(
    "--as", "public", metavar="ORIGIN", help="Crawl: the origin browsers use [default: server.public_url, or URL's]."
)
@click.option(
    "--max-pages", default=100, show_default=True, type=click.IntRange(1, 10_000), help="Crawl: pages at most."
)
@click.option(
    "--depth", default=5, show_default=True, type=click.IntRange(0, 100), help="Crawl: links away from URL at most."
)
@click.option(
    "--max-seconds", default=300.0, show_default=True, type=click.FloatRange(1, 86_400), help="Crawl: stop after."
)
@click.option(
    "--variants",
    default=5,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Crawl: addresses alike but for numbers, ids, values.",
)
@click.option(
    "--delay", default=0.1, show_default=True, type=click.FloatRange(0, 60), help="Crawl: seconds between requests."
)
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0.5, 600),
    help="Crawl: seconds for one answer, however slowly it comes.",
)
@click.option("--cookie", multiple=True, metavar="NAME=VALUE", help="Crawl: a cookie to send.")
@click.option("--header", multiple=True, metavar="'NAME: VALUE'", help="Crawl: a header to send.")
@click.option("--login", metavar="URL", help="Crawl: send the form found there first, hidden fields included.")
@click.option("--form", multiple=True, metavar="NAME=VALUE", callback=_field, help="Login: a field to fill in.")
@click.option(
    "--form-file",
    multiple=True,
    metavar="NAME=FILE",
    callback=_field,
    help="Login: a field whose value is FILE's first line (- is standard input).",
)
@click.option("--follow-forms", is_flag=True, help="Crawl: send forms with method GET, as they stand.")
@click.option(
    "--follow-destructive", is_flag=True, help="Crawl: follow links that sound like logging out or deleting, too."
)
@click.option("--include", multiple=True, metavar="PATTERN", help="Crawl: only paths like this, e.g. '/exam/*'.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Crawl: not paths like this.")
@click.option("--insecure", is_flag=True, help="Crawl: do not verify TLS certificates.")
@click.option("--notes", is_flag=True, help="Crawl: show notes of less weight, too.")
@click.pass_context
def check(
    ctx: click.Context,
    /,
    config_path: str,
    as_json: bool,
    crawl_url: str | None,
    server_url: str | None,
    **options: Any,
) -> None:
    """Validate configuration, upstream, database, storage and ports; or look at pages, or at a running server."""
    if crawl_url is not None and server_url is not None:
        raise click.UsageError("--crawl and --url are two different checks; give one of them")
    given = [name for name in _CRAWL_ONLY if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    if crawl_url is None and given:
        option = "as" if given[0] == "public" else given[0].replace("_", "-")
        raise click.UsageError(f"--{option} needs --crawl URL")
    config = load_config(config_path)
    if crawl_url is not None:
        _crawl(ctx, config, crawl_url, as_json, options)
    elif server_url is not None:
        _server(ctx, config, server_url, as_json)
    else:
        _print_findings(examine(config), as_json, ctx)


def _print_findings(found: Iterable[Finding], as_json: bool, ctx: click.Context) -> None:
    findings = list(found)
    if as_json:
        click.echo(json.dumps([{"level": f.level, "topic": f.topic, "message": f.message} for f in findings], indent=2))
    else:
        _echo_findings(findings)
    if any(f.level is Level.ERROR for f in findings):
        ctx.exit(1)


def _echo_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        label = click.style(finding.level.ljust(8), fg=_COLOURS[finding.level])
        click.echo(f"{label}{printable(f'{finding.topic}: {finding.message}')}")


def _server(ctx: click.Context, config: Config, url: str, as_json: bool) -> None:
    report = check_server(config, url)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        click.echo(f"Asked {report.url}")
        _echo_findings(report.findings)
    if not report.ok:
        ctx.exit(1)


def _crawl(ctx: click.Context, config: Config, url: str, as_json: bool, options: dict[str, Any]) -> None:
    # Without a handler Python prints the middleware's warnings between the lines; the report has them.
    logging.getLogger("flask_proview").addHandler(logging.NullHandler())
    asked = CrawlOptions(
        url,
        public=options["public"],
        cookies=options["cookie"],
        headers=options["header"],
        login=options["login"],
        form=(*options["form"], *((name, _first_line(file)) for name, file in options["form_file"])),
        verify=not options["insecure"],
        timeout_s=options["timeout"],
        limits=Limits(
            options["max_pages"], options["depth"], options["max_seconds"], options["variants"], options["delay"]
        ),
        choice=Choice(options["include"], options["exclude"], options["follow_destructive"], options["follow_forms"]),
    )
    try:
        report = run_crawl(config, asked, _show_progress if sys.stderr.isatty() else lambda _pages: None)
    except LoginError as error:
        click.echo(f"proview: --login: {printable(str(error))}", err=True)
        ctx.exit(1)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        for colour, line in crawl_lines(report, all_notes=options["notes"]):
            click.echo(click.style(line, fg=colour) if colour else line)
    if not report.ok:
        ctx.exit(1)


def _show_progress(pages: int) -> None:
    click.echo(f"\r{pages} pages … ", nl=False, err=True)


def _first_line(file: str) -> str:
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--form-file: {file} cannot be read: {error}") from None
    return text.rstrip("\r\n")
