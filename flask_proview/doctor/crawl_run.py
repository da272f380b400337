"""From the operator's options to a finished crawl. Wrong options are :class:`ConfigError` (exit status 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask_proview.config import Config
from flask_proview.errors import ConfigError
from flask_proview.origins import Origin

from .addresses import Place, read_address
from .client import Bounds, Client
from .cookies import CookieJar
from .crawl import Choice, Crawl, Limits
from .crawl_report import CrawlReport
from .login import LoginError, log_in

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# These frame the request; another value would make it another request.
_OURS = frozenset(("host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"))


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """As given on the command line."""

    url: str
    public: str | None = None
    cookies: Sequence[str] = ()
    headers: Sequence[str] = ()
    login: str | None = None
    form: Sequence[tuple[str, str]] = ()
    verify: bool = True
    timeout_s: float = 30.0
    limits: Limits = Limits()
    choice: Choice = Choice()


def run_crawl(
    config: Config, options: CrawlOptions, progress: Callable[[int], None] = lambda _pages: None
) -> CrawlReport:
    """Log in when asked to, then crawl.

    :raises ConfigError: for options that make no sense; :raises LoginError: when the login fails.
    """
    place = _address("--crawl", options.url)
    public = _public_origin(config, options.public, place.origin)
    jar = CookieJar()
    for cookie in options.cookies:
        for pair in cookie.split(";"):
            name, equals, value = pair.strip().partition("=")
            if not equals or _TOKEN.fullmatch(name) is None or not value.isprintable() or not value.isascii():
                raise ConfigError(f"--cookie {pair.strip()!r}: expected NAME=VALUE")
            jar.put(name, value)
    headers = tuple(_header(text) for text in options.headers)
    client = Client(place.origin, Bounds(total_s=options.timeout_s), verify=options.verify)
    crawl = Crawl(
        config,
        client,
        public,
        jar=jar,
        headers=headers,
        limits=options.limits,
        choice=options.choice,
        progress=progress,
    )
    logged_in_at = None
    if options.login is not None:
        logged_in_at = log_in(crawl, jar, _login_target(options.login, place), options.form)
    elif options.form:
        raise ConfigError("--form needs --login URL, the page with the form")
    crawl.run(place.target)
    return CrawlReport(config, crawl, place.target, logged_in_at)


def _address(option: str, text: str) -> Place:
    place = read_address(text)
    if place is None:
        raise ConfigError(
            f"{option} {text!r}: expected an address like https://exam.example.edu/ without user and password"
        )
    return place


def _login_target(text: str, start: Place) -> str:
    if text.startswith("/") and not text.startswith("//"):
        text = f"{start.origin}{text}"
    place = _address("--login", text)
    if place.origin != start.origin:
        raise ConfigError(
            f"--login {text!r}: the crawl stays on {start.origin}; log in there and give --cookie instead"
        )
    return place.target


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    value = value.strip()
    if not colon or _TOKEN.fullmatch(name) is None or not (value.isprintable() and value.isascii()):
        raise ConfigError(f"--header {text!r}: expected 'Name: value'")
    if name.lower() in _OURS:
        raise ConfigError(f"--header {name}: is written by the crawl itself")
    if name.lower() == "cookie":
        raise ConfigError("--header Cookie: use --cookie NAME=VALUE, so that the application's own cookies come along")
    return name, value


def _public_origin(config: Config, given: str | None, crawled: Origin) -> Origin:
    """Under which origin browsers will ask for the pages."""
    if given is not None:
        return _address("--as", given).origin
    if config.public_origin is not None:
        return config.public_origin
    upstream = read_address(config.server.upstream) if config.server.upstream else None
    listen = config.server.listen
    if upstream is not None and upstream.origin == crawled and listen.host not in ("0.0.0.0", "::"):  # noqa: S104
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        return Origin("https" if config.server.tls else "http", host, listen.port)
    return crawled


__all__ = ["CrawlOptions", "LoginError", "run_crawl"]
