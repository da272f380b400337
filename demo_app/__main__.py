"""``make run``: the legacy exam site, the proctoring proxy in front of it, the console and the media process.

PROVIEW_LISTEN (default 127.0.0.1:8000) is where it listens, PROVIEW_DATA (default ./var) where everything it writes lies.
``--site php|jsp|wsgi`` (or PROVIEW_DEMO_SITE) chooses the site; default PHP where it is installed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from demo_app import tomcat
from flask_proview.config import load_config
from flask_proview.errors import ConfigError, ProviewError
from flask_proview.serve.logs import set_up_logging
from flask_proview.serve.run import serve
from flask_proview.serve.supervisor import Program
from flask_proview.sessions.database import Database, upgrade
from flask_proview.sessions.users import UserStore

HERE = Path(__file__).resolve().parent


SITES = ("php", "jsp", "wsgi")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demo_app", description="The demo: a legacy exam site, proctored.")
    parser.add_argument(
        "--site",
        choices=SITES,
        default=os.environ.get("PROVIEW_DEMO_SITE") or None,
        help="what the exam site is written in; default: PHP where it is installed, else Python",
    )
    wanted = parser.parse_args(arguments).site
    data = Path(os.environ.get("PROVIEW_DATA", "var")).resolve()
    try:
        run(data, os.environ.get("PROVIEW_LISTEN", "127.0.0.1:8000"), wanted)
    except ConfigError as error:
        print(f"demo: {error.message}", file=sys.stderr)
        sys.exit(2)


def run(data: Path, listen: str, wanted: str | None = None) -> None:
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    config_file, overrides = write_configuration(data, listen)
    os.environ.update(overrides)
    config = load_config(config_file)
    upgrade(config.storage.database)
    password = console_password(data, config.storage.database)
    site_port = free_port()
    overrides["PROVIEW_SERVER_UPSTREAM"] = os.environ["PROVIEW_SERVER_UPSTREAM"] = f"http://127.0.0.1:{site_port}"
    site, program = legacy_site(data, site_port, wanted)
    os.environ.setdefault("PROVIEW_LOG_LEVEL", "WARNING")
    set_up_logging()

    def announce(url: str) -> None:
        print(
            f"\n  Exam site ({site}, proctored, unchanged):  {url}/\n"
            f"    log in with any name of the list on its first page\n"
            f"  Console:                             {url}{config.server.mount}/console/\n"
            f"    user admin, password {password}\n"
            f"  Data: {data}\n  Ctrl-C stops everything.\n",
            flush=True,
        )

    serve(load_config(config_file), str(config_file), overrides, announce, before=[program])


def write_configuration(data: Path, listen: str) -> tuple[Path, dict[str, str]]:
    """The demo's proview.toml with the real address, and the variables that complete it."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        raise ConfigError(f"PROVIEW_LISTEN = {listen!r}: expected HOST:PORT, e.g. 127.0.0.1:8000")
    if port == "0":
        port = str(free_port())
    text = (HERE / "proview.toml").read_text("utf-8").replace('listen = "127.0.0.1:8000"', f'listen = "{host}:{port}"')
    file = data / "proview.toml"
    file.write_text(text.replace(":8000", f":{port}"), "utf-8")
    overrides = {"PROVIEW_SECRET_KEYS": kept_secret(data / "signing-key")}
    if len(os.fsencode(data / "media.sock")) > 100:  # a unix socket's name is at most 107 bytes
        overrides["PROVIEW_MEDIA_LINK"] = f"unix:{tempfile.mkdtemp(prefix='proview-')}/media.sock"
    return file, overrides


def kept_secret(file: Path) -> str:
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(32))
    return file.read_text().strip()


def console_password(data: Path, database_url: str) -> str:
    """The password of the console's user ``admin``, made on the first start and kept beside the data."""
    file = data / "console-password"
    fresh = not file.exists()
    password = kept_secret(file)
    database = Database(database_url)
    try:
        if fresh:
            UserStore(database).add("admin", "admin", password)
    except ProviewError:
        UserStore(database).set_password("admin", password)
    finally:
        database.dispose()
    return password


def legacy_site(data: Path, port: int, wanted: str | None) -> tuple[str, Program]:
    state = data / "exam-site"
    state.mkdir(exist_ok=True)
    env = {**os.environ, "DEMO_STATE": str(state)}
    php = shutil.which("php")
    wanted = wanted or ("php" if php else "wsgi")
    if wanted == "php":
        if php is None:
            raise ConfigError("--site php: PHP is not installed (Debian: php-cli)")
        # PHP's own server answers one request at a time unless it may fork.
        env["PHP_CLI_SERVER_WORKERS"] = "4"
        root = HERE / "php"
        return "PHP", Program(
            "site", [php, "-q", "-S", f"127.0.0.1:{port}", "-t", str(root), str(root / "router.php")], env
        )
    if wanted == "jsp":
        if not tomcat.is_installed():
            raise ConfigError("--site jsp: Tomcat 10 is not installed (Debian: tomcat10)")
        argv, more = tomcat.prepare(data / "tomcat", port)
        return "JSP on Tomcat", Program("site", argv, {**env, **more})
    if wanted != "wsgi":
        raise ConfigError(f"PROVIEW_DEMO_SITE = {wanted!r}: expected one of {', '.join(SITES)}")
    return "Python WSGI", Program(
        "site", [sys.executable, "-m", "demo_app.wsgi_exam", "--listen", f"127.0.0.1:{port}"], env
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
