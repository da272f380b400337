"""What ``proview check`` looks at without further options. Each examination is a generator of findings."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from flask_proview.config import Config
from flask_proview.config.session_types import SESSION_TYPES, type_policy
from flask_proview.origins import Origin
from flask_proview.sessions.approvals import APPROVING_ROLES
from flask_proview.sessions.database import Database, has_tables, is_current, now_ms
from flask_proview.sessions.models import Refusal, Session, User

from .findings import Finding, Level

# A recording is ready within seconds; after this long nobody is making it.
UNFINISHED_MS = 120_000
CONNECT_S = 2.0


def examine(config: Config) -> Iterator[Finding]:
    """All findings, in the order in which an operator would want to read them."""
    checks: tuple[Callable[[Config], Iterator[Finding]], ...] = (
        _secrets,
        _routes,
        _domains,
        _listen,
        _upstream,
        _database,
        _sharing,
        _recordings,
        _media,
        _beside,
    )
    for check in checks:
        yield from check(config)


def _secrets(config: Config) -> Iterator[Finding]:
    weak = [n for n, key in enumerate(config.secrets.keys, 1) if len(set(key)) < 12]
    if weak:
        yield Finding(
            Level.WARNING,
            "secrets",
            f"key {weak[0]} has few different characters; a random one is made by `proview init`",
        )
    else:
        yield Finding(Level.OK, "secrets", f"{len(config.secrets.keys)} signing key(s)")


def _routes(config: Config) -> Iterator[Finding]:
    if not config.accounts:
        yield Finding(Level.ERROR, "accounts", "there is none; add [[accounts]] with name, token and domains")
    active = [r for r in config.routes if r.mode != "off"]
    if not active:
        yield Finding(Level.WARNING, "routes", "no page is protected; add [[routes]] with path and session")
    for route in active:
        account = config.account_of(route)
        named = f"{route.path or route.regex} → account {account.name if account else '?'}, {route.mode}, starts by {route.start}"
        yield Finding(Level.OK, f"route {route.name}", named)
        if not route.profile:
            yield Finding(
                Level.WARNING,
                f"route {route.name}",
                "no profile source: candidates cannot be told apart across sessions",
            )


def _domains(config: Config) -> Iterator[Finding]:
    """Whether pages as browsers will see them are whitelisted; the classic reason for 'nothing happens'."""
    origin = config.public_origin
    if origin is None and config.server.listen.host not in ("0.0.0.0", "::"):  # noqa: S104 - a comparison
        origin = Origin("https" if config.server.tls else "http", config.server.listen.host, config.server.listen.port)
    if origin is None:
        yield Finding(Level.WARNING, "domains", "set server.public_url, so that the whitelist can be checked here")
        return
    for account in config.accounts:
        if origin in account.domains:
            yield Finding(Level.OK, f"account {account.name}", f"pages of {origin} are whitelisted")
        else:
            listed = ", ".join(account.domains.entries)
            yield Finding(
                Level.WARNING,
                f"account {account.name}",
                f"pages of {origin} are not whitelisted and would pass without proctoring; domains = {listed}",
            )
    if origin.scheme == "http" and origin.host not in ("127.0.0.1", "localhost", "[::1]"):
        yield Finding(
            Level.ERROR,
            "public_url",
            f"{origin} is not a secure context: browsers give no camera to plain http pages; use https",
        )


def _listen(config: Config) -> Iterator[Finding]:
    address = config.server.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
            yield Finding(Level.OK, "listen", f"{address} is free")
        except OSError as error:
            yield Finding(
                Level.WARNING,
                "listen",
                f"{address} cannot be bound ({error.strerror}); fine when proview already runs there",
            )


def _upstream(config: Config) -> Iterator[Finding]:
    url = config.server.upstream
    if url is None:
        yield Finding(Level.OK, "upstream", "none set: only the service is served (proview in a Python application)")
        return
    parts = urlsplit(url)
    timeout = config.server.upstream_connect_s
    host = parts.hostname or ""
    connection: HTTPConnection
    if parts.scheme == "https":
        connection = HTTPSConnection(host, parts.port or 443, timeout=timeout, context=ssl.create_default_context())
    else:
        connection = HTTPConnection(host, parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", "/", headers={"Accept": "text/html", "Connection": "close"})
        status = connection.getresponse().status
        yield Finding(Level.OK if status < 500 else Level.WARNING, "upstream", f"{url} answers {status}")
    except (OSError, HTTPException) as error:
        yield Finding(
            Level.ERROR,
            "upstream",
            f"{url} does not answer ({error}); is the application running there? Remove server.upstream when proview runs inside it",
        )
    finally:
        connection.close()


def _database(config: Config) -> Iterator[Finding]:
    url = config.storage.database
    try:
        database = Database(url)
    except (SQLAlchemyError, OSError, ImportError) as error:
        yield Finding(Level.ERROR, "database", f"{url}: {str(error).splitlines()[0]}")
        return
    try:
        if not has_tables(database):
            yield Finding(
                Level.WARNING,
                "database",
                f"{url} is empty; `proview serve` creates the tables, or run: proview db upgrade",
            )
        elif not is_current(database):
            yield Finding(
                Level.ERROR, "database", f"{url} has an old schema; make a backup, then run: proview db upgrade"
            )
        else:
            yield Finding(Level.OK, "database", f"{url} is current")
            yield from _people_and_refusals(database)
            yield from _approvers(config, database)
            yield from _unfinished(database)
    except SQLAlchemyError as error:
        yield Finding(Level.ERROR, "database", f"{url}: {str(error).splitlines()[0]}")
    finally:
        database.dispose()


def _sharing(config: Config) -> Iterator[Finding]:
    """Whether what is shared between processes and machines can be."""
    if not config.storage.database.startswith("sqlite"):
        return
    if config.server.workers > 1:
        yield Finding(
            Level.WARNING,
            "database",
            f"SQLite has one writer, and {config.server.workers} web workers wait for it in turn; use postgresql://… for more than"
            " a handful of candidates",
        )
    remote = [name for name, host in (("bus.url", _host(config.bus.url)), ("media.link", _link_host(config))) if host]
    if remote:
        yield Finding(
            Level.WARNING,
            "database",
            f"{' and '.join(remote)} point to another machine: if web processes run on several, a SQLite file cannot be shared"
            " among them; use postgresql://…",
        )


def _host(url: str) -> str:
    """The host of an address when it is another machine, else empty."""
    host = (urlsplit(url).hostname or "") if "://" in url and not url.startswith("unix:") else ""
    return "" if host in ("", "localhost", "::1") or host.startswith("127.") else host


def _link_host(config: Config) -> str:
    return _host("tcp://" + config.media.link.removeprefix("tcp:")) if config.media.link.startswith("tcp:") else ""


def _people_and_refusals(database: Database) -> Iterator[Finding]:
    with database.read() as db:
        people = db.scalars(select(User.id).limit(1)).first()
        refusals = db.scalars(select(Refusal).order_by(Refusal.last_at.desc()).limit(20)).all()
    if people is None:
        yield Finding(
            Level.WARNING, "users", "nobody can log in to the console; run: proview user add NAME --role admin"
        )
    for refusal in refusals:
        yield Finding(
            Level.WARNING,
            f"refused pages, route {refusal.route}",
            f"{refusal.count} × passed without proctoring: {refusal.reason}, host {refusal.host}, last {refusal.path} {refusal.detail}".rstrip(),
        )


def _approvers(config: Config, database: Database) -> Iterator[Finding]:
    """Where candidates have to be let in, somebody must be able to."""
    asking = []
    for route in config.routes:
        account = next((one for one in config.accounts if route.account in (None, one.name)), None)
        kind = route.session_type or (account.session_type if account is not None else SESSION_TYPES[0])
        if route.mode != "off" and type_policy(account, route, kind).approval:
            asking.append(str(route.name))
    able = select(User.id).where(User.role.in_(APPROVING_ROLES), User.disabled.is_(False)).limit(1)
    with database.read() as db:
        if not asking or db.scalar(able) is not None:
            return
    yield Finding(
        Level.WARNING,
        "approval",
        f"candidates of {', '.join(asking)} wait until a proctor lets them in, and there is none; "
        "run: proview user add NAME --role proctor, or set approval = false",
    )


def _unfinished(database: Database) -> Iterator[Finding]:
    """Ended sessions without a recording: in an application of one's own nobody may have started the jobs process."""
    with database.read() as db:
        waiting = db.scalar(
            select(func.count())
            .select_from(Session)
            .where(
                Session.finalise_wanted_at < now_ms() - UNFINISHED_MS,
                or_(Session.finalised_at.is_(None), Session.finalised_at < Session.finalise_wanted_at),
            )
        )
    if waiting:
        yield Finding(
            Level.WARNING,
            "recordings",
            f"{waiting} ended session(s) wait for their recording; is the jobs process running (proview serve, or proview worker)?",
        )


def _recordings(config: Config) -> Iterator[Finding]:
    path = Path(config.storage.recordings)
    existing = next(p for p in (path, *path.parents) if p.exists())
    if not os.access(existing, os.W_OK):
        yield Finding(Level.ERROR, "recordings", f"{existing} is not writable; change its owner or storage.recordings")
        return
    free_mb = shutil.disk_usage(existing).free // 2**20
    need = config.storage.min_free_mb
    level = Level.OK if free_mb > 4 * need else Level.WARNING if free_mb > need else Level.ERROR
    yield Finding(level, "recordings", f"{path}, {free_mb} MiB free (pieces are refused below {need} MiB)")


def _media(config: Config) -> Iterator[Finding]:
    if config.media.live == "off":
        yield Finding(Level.OK, "live view", "off")
        return
    if config.media.link.startswith("unix:"):
        path = config.media.link.removeprefix("unix:")
        if len(os.fsencode(path)) > 107:
            yield Finding(
                Level.ERROR,
                "media link",
                f"{path} is longer than a unix socket's name may be (107 bytes); set media.link",
            )
            return
    yield Finding(Level.OK, "media link", config.media.link)
    if config.public_origin is not None and not config.media.public_ip and not config.media.ice_servers:
        yield Finding(
            Level.OK,
            "live view",
            "direct UDP; candidates behind strict networks need media.ice_servers with a TURN server",
        )


def _beside(config: Config) -> Iterator[Finding]:
    """Inside an application nobody starts our other processes by themselves."""
    if config.server.upstream is not None:
        return
    yield Finding(
        Level.OK,
        "worker",
        "inside an application the recordings are made by `proview worker`; run it beside (not with proview serve)",
    )
    if config.media.live != "off" and not _answers(config.media.link):
        yield Finding(
            Level.WARNING,
            "media",
            f"no media process answers at {config.media.link}, so there is no live view; run `proview media` beside (not with proview serve)",
        )


def _answers(link: str) -> bool:
    """Whether something listens at the media process's address."""
    try:
        if link.startswith("unix:"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(CONNECT_S)
                probe.connect(link.removeprefix("unix:"))
            return True
        host, _, port = link.removeprefix("tcp:").rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S):
            return True
    except (OSError, ValueError):
        return False
