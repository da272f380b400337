"""TOML file, dict, Flask config value and environment → one frozen :class:`Config`.

Unknown key, bad value, contradiction, default or short secret: ``ConfigError`` with key, value and way out.
Environment variables ``PROVIEW_<SECTION>_<KEY>`` override the file (lists comma-separated or JSON);
``PROVIEW_SECRET_KEYS`` holds the signing keys.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, replace
from pathlib import Path
from typing import Any, TypeVar

from flask_proview.errors import ConfigError

from . import table
from .table import Account, Config, Route, Secrets

Source = str | os.PathLike[str] | Mapping[str, Any] | Config
T = TypeVar("T")
_SECRET_KEYS = {"keys", "callback_secret", "api_key", "ice_servers"}


def load_config(source: Source, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration from a path, a dict or a ready ``Config``.

    :param environ: variables that override it; default the process environment.
    :raises ConfigError: with the key, the value and the way out.
    """
    if isinstance(source, Config):
        return source
    environ = os.environ if environ is None else environ
    if isinstance(source, Mapping):
        raw, where, base = dict(source), "the configuration", None
    else:
        raw, where, base = _read_toml(Path(source)), str(source), Path(source).resolve().parent
    try:
        config = _build(_overridden(raw, environ))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}") from None
    if base is not None:
        config = _anchored(config, base)
    return config


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; write one with: proview init {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _overridden(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    raw = {name: dict(value) if isinstance(value, Mapping) else value for name, value in raw.items()}
    for section, cls in table.SECTIONS.items():
        for key in table.fields_of(cls):
            value = environ.get(f"PROVIEW_{section}_{key}".upper())
            if value is not None and isinstance(raw.setdefault(section, {}), dict):
                raw[section][key] = value
    if (keys := environ.get("PROVIEW_SECRET_KEYS")) is not None:
        raw["secrets"] = {"keys": keys}
    return raw


def _build(raw: Mapping[str, Any]) -> Config:
    known = [*table.SECTIONS, *table.LISTS]
    for name in raw:
        if name not in known:
            raise ConfigError(f"[{name}] is not a section{_hint(name, known)}")
    if "secrets" not in raw:
        raise ConfigError("[secrets] keys is missing; `proview init` writes one, or set PROVIEW_SECRET_KEYS")
    sections: dict[str, Any] = {
        name: _section(cls, raw.get(name, {}), f"[{name}]") for name, cls in table.SECTIONS.items()
    }
    lists: dict[str, Any] = {name: _section_list(cls, raw.get(name, []), name) for name, cls in table.LISTS.items()}
    config = Config(**sections, **lists)
    config = replace(config, routes=tuple(_named(route, i) for i, route in enumerate(config.routes)))
    _check_contradictions(config)
    return config


def _section(cls: type[T], raw: object, where: str) -> T:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{where} must be a table, not {type(raw).__name__}")
    known = table.fields_of(cls)
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in known:
            raise ConfigError(f"{where} {key}: unknown key{_hint(key, list(known))}")
        parse: Callable[[object], Any] = known[key].metadata["parse"]
        try:
            values[key] = None if value is None and known[key].default is None else parse(value)
        except ValueError as error:
            shown = "(hidden)" if key in _SECRET_KEYS else repr(value)
            raise ConfigError(f"{where} {key} = {shown}: {error}") from None
    for key, f in known.items():
        if key not in values and f.default is MISSING:
            raise ConfigError(f"{where} {key} is missing: {f.metadata['help']}")
    return cls(**values)


def _section_list(cls: type[T], raw: object, name: str) -> tuple[T, ...]:
    if not isinstance(raw, (list, tuple)):
        raise ConfigError(f"[[{name}]] must be a list of tables: write [[{name}]] with double brackets")
    return tuple(_section(cls, item, f"[[{name}]] number {i}:") for i, item in enumerate(raw, 1))


def _named(route: Route, index: int) -> Route:
    return route if route.name else replace(route, name=f"r{index}")


def _check_contradictions(config: Config) -> None:
    if config.server.workers > 1 and config.bus.url == "memory://":
        raise ConfigError(
            f"[server] workers = {config.server.workers} with [bus] url = 'memory://': workers could not reach each other's candidates; "
            "set bus.url = 'redis://…' or workers = 1"
        )
    _check_accounts(config.accounts)
    names = set()
    for number, route in enumerate(config.routes, 1):
        where = f"[[routes]] number {number} ({route.path or route.regex})"
        if (route.path is None) == (route.regex is None):
            raise ConfigError(f"{where}: give either path or regex")
        if route.path is not None and not route.path.startswith("/"):
            raise ConfigError(f"{where}: path must start with /")
        if route.name in names:
            raise ConfigError(f"{where}: the name {route.name!r} stands twice")
        names.add(route.name)
        if route.mode == "off":
            continue
        _check_route(config, route, where)


def _check_accounts(accounts: tuple[Account, ...]) -> None:
    for key in ("name", "token"):
        values = [getattr(a, key) for a in accounts]
        twice = next((v for v in values if values.count(v) > 1), None)
        if twice is not None:
            raise ConfigError(f"[[accounts]] {key} = {twice!r} stands twice")
    for account in accounts:
        if account.callback_url and not account.callback_secret:
            raise ConfigError(
                f"[[accounts]] {account.name}: callback_url needs callback_secret, which signs the callback"
            )


def _check_route(config: Config, route: Route, where: str) -> None:
    if route.account is not None and config.account(route.account) is None:
        raise ConfigError(
            f"{where}: account {route.account!r} is not in [[accounts]]{_hint(route.account, [a.name for a in config.accounts])}"
        )
    if config.account_of(route) is None:
        raise ConfigError(f"{where}: say which account it belongs to (account = …); there are {len(config.accounts)}")
    if route.start == "auto" and not route.session:
        raise ConfigError(f"{where}: start = 'auto' needs session, e.g. session = \"path:attempt\" (or start = 'page')")
    mount = config.server.mount
    if route.path is not None and (route.path == mount or route.path.startswith(mount + "/")):
        raise ConfigError(f"{where}: lies under server.mount = {mount!r}, which is ours; change one of them")


def _anchored(config: Config, base: Path) -> Config:
    """Relative paths of a file are relative to that file, so that a service manager's working directory does not matter."""
    storage, media = config.storage, config.media
    if storage.database.startswith("sqlite:///") and ":memory:" not in storage.database:
        storage = replace(storage, database="sqlite:///" + str(base / storage.database.removeprefix("sqlite:///")))
    storage = replace(storage, recordings=str(base / storage.recordings))
    if media.link.startswith("unix:"):
        media = replace(media, link="unix:" + str(base / media.link.removeprefix("unix:")))
    server = config.server
    if server.tls is not None:
        server = replace(server, tls=table.Tls(str(base / server.tls.cert), str(base / server.tls.key)))
    return replace(config, storage=storage, media=media, server=server)


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else "; known: " + ", ".join(known)


def redacted(config: Config) -> dict[str, Any]:
    """The configuration as plain data with secrets replaced, for logs and ``proview check``."""
    return {
        name: {
            k: "(hidden)" if k in _SECRET_KEYS else _plain(getattr(getattr(config, name), k))
            for k in table.fields_of(cls)
        }
        for name, cls in table.SECTIONS.items()
        if cls is not Secrets
    }


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
