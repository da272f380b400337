"""Raw value → typed value, for every kind of setting. Each raises ``ValueError`` with what is wrong and the way out.

Values come from TOML (typed), dicts (typed) and the environment (text), so text forms of numbers, booleans and
lists are accepted everywhere.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.routing import Map, Rule
from werkzeug.urls import iri_to_uri

from flask_proview.origins import Origin, host_names

MIN_SECRET = 32
# What people paste from examples; a key that everybody knows signs nothing.
_PLACEHOLDER = re.compile(
    r"change.?(me|this|it)|replace.?(me|this)|your.?(secret|key)|insecure|default.?(secret|key)|(secret|password)+[0-9]*$",
    re.I,
)


def text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("expected a non-empty text")
    if "\0" in raw or "\r" in raw or "\n" in raw:
        raise ValueError("must be one line")
    return raw


def identifier(raw: object) -> str:
    value = text(raw)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
        raise ValueError("use 1-64 letters, digits, dot, dash or underscore, starting with a letter or digit")
    return value


def boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in ("true", "1", "yes", "on"):
        return True
    if isinstance(raw, str) and raw.lower() in ("false", "0", "no", "off"):
        return False
    raise ValueError("expected true or false")


def integer(low: int, high: int) -> Callable[[object], int]:
    def parse(raw: object) -> int:
        if isinstance(raw, str) and re.fullmatch(r"-?[0-9]{1,18}", raw):
            raw = int(raw)
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise ValueError("expected a whole number")
        if not low <= raw <= high:
            raise ValueError(f"must be between {low} and {high}")
        return raw

    return parse


def seconds(low: float, high: float) -> Callable[[object], float]:
    def parse(raw: object) -> float:
        if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", raw):
            raw = float(raw)
        if not isinstance(raw, (int, float)) or isinstance(raw, bool):
            raise ValueError("expected a number of seconds")
        if not low <= raw <= high:
            raise ValueError(f"must be between {low} and {high} seconds")
        return float(raw)

    return parse


def choice(*values: str) -> Callable[[object], str]:
    def parse(raw: object) -> str:
        if raw not in values:
            raise ValueError("must be one of " + ", ".join(values))
        return str(raw)

    return parse


def listing(raw: object) -> list[Any]:
    """A list; from the environment, comma-separated text or JSON."""
    if isinstance(raw, str) and raw.startswith("["):
        try:
            raw = json.loads(raw)
        except ValueError:
            raise ValueError("is not valid JSON") from None
    if isinstance(raw, str):
        raw = [part.strip() for part in raw.split(",") if part.strip()]
    if not isinstance(raw, (list, tuple)):
        raise ValueError("expected a list")
    return list(raw)


def table(raw: object, parsers: Mapping[str, Callable[[object], Any]], *, optional: bool = False) -> dict[str, Any]:
    """An inline table with exactly these keys (or any of them)."""
    if isinstance(raw, str) and raw.startswith("{"):
        try:
            raw = json.loads(raw)
        except ValueError:
            raise ValueError("is not valid JSON") from None
    if not isinstance(raw, Mapping):
        raise ValueError("expected a table { " + ", ".join(parsers) + " }")
    unknown = set(raw) - set(parsers)
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known: " + ", ".join(parsers))
    missing = [] if optional else [name for name in parsers if name not in raw]
    if missing:
        raise ValueError(f"{missing[0]!r} is missing")
    values = {}
    for name, value in raw.items():
        try:
            values[name] = parsers[name](value)
        except ValueError as error:
            raise ValueError(f"{name} = {value!r}: {error}") from None
    return values


def secret(raw: object) -> str:
    value = text(raw)
    if len(value) < 16:
        raise ValueError(
            "is shorter than 16 characters; make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return value


def secret_keys(raw: object) -> tuple[str, ...]:
    keys = listing(raw)
    if not keys:
        raise ValueError("at least one key is needed; `proview init` writes one")
    for number, key in enumerate(keys, 1):
        way_out = (
            f"key {number} of {len(keys)}: make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
        if not isinstance(key, str) or len(key) < MIN_SECRET:
            raise ValueError(f"shorter than {MIN_SECRET} characters; {way_out}")
        if _PLACEHOLDER.search(key):
            raise ValueError(f"looks like a placeholder from an example; {way_out}")
    if len(set(keys)) != len(keys):
        raise ValueError("the same key stands twice")
    return tuple(keys)


def account_token(raw: object) -> str:
    value = text(raw)
    if not re.fullmatch(r"[A-Za-z0-9_.-]{8,128}", value):
        raise ValueError("use 8-128 letters, digits, dash, dot or underscore (a GUID is usual)")
    return value


def host_port(raw: object) -> tuple[str, int]:
    value = text(raw)
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]/]*):([0-9]{1,5})", value)
    if match is None or int(match[2]) > 65535:
        raise ValueError("expected HOST:PORT, e.g. 127.0.0.1:8000 or [::1]:8000")
    return match[1].strip("[]") or "0.0.0.0", int(match[2])  # noqa: S104 - ":8000" means every address, as in other servers


def mount(raw: object) -> str:
    value = text(raw).rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value) or ".." in value:
        raise ValueError("expected a path prefix such as /proview")
    return value


def origin_url(raw: object) -> str:
    value = text(raw).rstrip("/")
    try:
        return str(Origin.parse(value))
    except ValueError as error:
        raise ValueError(f"{error}, e.g. https://exam.example.edu") from None


def upstream(raw: object) -> str:
    value = text(raw)
    if re.fullmatch(r"https?://[^/?#]+/", value):
        value = value[:-1]
    try:
        return str(Origin.parse(value))
    except ValueError:
        pass
    # Container and intranet names may carry an underscore; they never become an origin that is compared.
    if re.fullmatch(r"https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?", value):
        return value.lower()
    raise ValueError("expected scheme://host:port without a path, e.g. http://127.0.0.1:8080")


def http_url(raw: object) -> str:
    value = iri_to_uri(text(raw))
    if not re.fullmatch(r"https?://[A-Za-z0-9_.\-\[\]:]+(/[^\s]*)?", value):
        raise ValueError("expected an http:// or https:// URL")
    return value


def networks(raw: object) -> tuple[str, ...]:
    values = []
    for entry in listing(raw):
        try:
            values.append(str(ipaddress.ip_network(entry)))
        except (ValueError, TypeError):
            raise ValueError(f"{entry!r} is not an address or network, e.g. 10.0.0.0/8 or 127.0.0.1") from None
    return tuple(values)


def address(raw: object) -> str:
    try:
        return str(ipaddress.ip_address(text(raw)))
    except ValueError:
        raise ValueError("expected an IP address") from None


def addresses(raw: object) -> tuple[str, ...]:
    return tuple(address(entry) for entry in listing(raw))


def port_range(raw: object) -> tuple[int, int]:
    ports = [integer(1, 65535)(entry) for entry in listing(raw)]
    if len(ports) != 2 or ports[0] > ports[1]:
        raise ValueError("expected [low, high], e.g. [50000, 50999]")
    return ports[0], ports[1]


def ice_servers(raw: object) -> tuple[Mapping[str, Any], ...]:
    servers = []
    for entry in listing(raw):
        values = table(entry, {"urls": _urls, "username": text, "credential": text}, optional=True)
        if not values.get("urls"):
            raise ValueError('each server needs urls, e.g. { urls = "turn:turn.example.edu:3478" }')
        servers.append(values)
    return tuple(servers)


def _urls(raw: object) -> list[str]:
    urls = [raw] if isinstance(raw, str) else listing(raw)
    for url in urls:
        if not isinstance(url, str) or not re.fullmatch(r"(stun|stuns|turn|turns):[^\s]+", url):
            raise ValueError(f"{url!r} is not a stun:, turn: or turns: URL")
    return urls


def link(raw: object) -> str:
    value = text(raw)
    if value.startswith("unix:") and len(value) > 5:
        return value
    if value.startswith("tcp:"):
        host_port(value[4:])
        return value
    raise ValueError("expected unix:PATH or tcp:HOST:PORT")


def database(raw: object) -> str:
    value = text(raw)
    if re.match(r"postgres(ql)?://", value):
        value = "postgresql+psycopg://" + value.split("://", 1)[1]
    if not re.match(r"(sqlite:///|postgresql\+psycopg://)", value):
        raise ValueError("expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME")
    return value


def object_store(raw: object) -> str:
    value = text(raw)
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*/?", value):
        return value.rstrip("/")
    if value.startswith("file:///") and len(value) > len("file:///"):
        return value
    raise ValueError("expected s3://BUCKET/PREFIX, or file:///DIRECTORY for another disk")


def bus_url(raw: object) -> str:
    value = text(raw)
    if value == "memory://" or re.match(r"(redis|rediss|unix)://", value):
        return value
    raise ValueError("expected memory:// or redis://HOST:PORT/DB")


def hosts(raw: object) -> tuple[str, ...]:
    return tuple(sorted(host_names(listing(raw))))


def methods(raw: object) -> tuple[str, ...]:
    values = tuple(str(m).upper() for m in listing(raw))
    for method in values:
        if not re.fullmatch(r"[A-Z]{3,10}", method):
            raise ValueError(f"{method!r} is not a request method")
    return values


_SOURCE = re.compile(r"(path|query|cookie|header|response-header|environ|literal):(.{1,200})")


def sources(raw: object) -> tuple[str, ...]:
    values = tuple([raw] if isinstance(raw, str) else listing(raw))
    for value in values:
        if not isinstance(value, str) or _SOURCE.fullmatch(value) is None:
            raise ValueError(
                f"{value!r} is not a source; write path:NAME, query:NAME, cookie:NAME, header:NAME, response-header:NAME, environ:NAME or literal:TEXT"
            )
    return values


def url_rule(raw: object) -> str:
    value = text(raw)
    try:
        Map([Rule(value, endpoint="x")])
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"is not a Werkzeug rule ({error}), e.g. /exam/<attempt>/q/<int:n>") from None
    return value


def url_rules(raw: object) -> tuple[str, ...]:
    return tuple(url_rule(entry) for entry in ([raw] if isinstance(raw, str) else listing(raw)))


def regex(raw: object) -> str:
    value = text(raw)
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return value
