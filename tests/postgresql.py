"""A PostgreSQL server of its own on a unix socket, for tests. PostgreSQL refuses to run as root, so root starts it as ``postgres``."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_S = 60.0


def why_not() -> str | None:
    """Why there is no PostgreSQL to be had here, or None."""
    if _binaries() is None:
        return "PostgreSQL is not installed (initdb was not found)"
    if os.geteuid() == 0 and (_other_user() is None or shutil.which("setpriv") is None):
        return "PostgreSQL does not run as root, and there is no user postgres or no setpriv"
    return None


@contextmanager
def running_server(disk: Path | None = None) -> Iterator[Path]:
    """Start a server with an empty cluster; gives the directory of its socket. ``disk``: where the tables are, its log elsewhere."""
    binaries = _binaries()
    if binaries is None:
        raise RuntimeError("look at why_not() first")
    # Not below tmp_path: a path of a socket has at most 107 bytes, and the other user must get in.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        directory = Path(name)
        prefix: list[str] = []
        user = None
        if os.geteuid() == 0:
            user = _other_user()
            if user is None:
                raise RuntimeError("look at why_not() first")
            os.chown(directory, user.pw_uid, user.pw_gid)
            prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        data = (disk or directory) / "data"
        if disk is not None and user is not None:
            os.chown(disk, user.pw_uid, user.pw_gid)
        options: list[str | Path] = ["-U", "proview", "-A", "trust", "-E", "UTF8", "--no-sync", "-X", directory / "wal"]
        subprocess.run([*prefix, binaries / "initdb", "-D", data, *options], check=True, capture_output=True, cwd="/")
        with open(directory / "log", "wb") as log:
            process = subprocess.Popen(
                [*prefix, binaries / "postgres", "-D", data, "-k", directory, "-c", "listen_addresses="],
                stdout=log,
                stderr=log,
                cwd="/",
            )
            try:
                _wait_until_it_answers(process, directory)
                yield directory
            finally:
                process.send_signal(signal.SIGINT)  # "fast": open connections are cut
                process.wait(START_S)


def new_database(socket_directory: Path, name: str) -> str:
    """Create a database; its SQLAlchemy URL."""
    with psycopg.connect(_dsn(socket_directory, "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"postgresql+psycopg://proview@/{name}?host={socket_directory}"


def _wait_until_it_answers(process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(_dsn(directory, "postgres"), connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((directory / "log").read_text("utf-8", "replace")) from None
        time.sleep(0.05)


def _dsn(socket_directory: Path, database: str) -> str:
    return f"host={socket_directory} user=proview dbname={database}"


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


def _other_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None
