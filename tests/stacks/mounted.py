"""Servers that carry a WSGI application with the middleware around it, started as docs/legacy/wsgi-servers.md says.

Beside each run `proview worker` and `proview media`, as an operator would have them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.e2e.installation import (
    ROOT,
    Deployment,
    clean_environment,
    free_port,
    prepare_storage,
    wait_until,
    write_config,
)

from .harness import Server
from .snippets import documented_module, snippet

PAGE = "wsgi-servers.md"
VENV = Path(sys.prefix)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEBIAN_PYTHON = "/usr/bin/python3"
APACHE_MODULES = Path("/usr/lib/apache2/modules")
UWSGI_PLUGIN = "/usr/lib/uwsgi/plugins/python3_plugin.so"

APACHE = """\
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/apache-error.log
LogLevel warn
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
{site}
"""


@dataclass(frozen=True)
class MountedServer:
    """One way to run the application: its heading in the documentation, and what is true of it.

    :param software: how it names itself, in lower case.
    :param worker: as ``M/healthz`` names it.
    :param chunked: whether bodies of unknown length reach the application whole; else they are refused.
    :param continues: whether it answers ``Expect: 100-continue`` before the body is there.
    """

    name: str
    heading: str
    software: str
    worker: str
    websockets: bool = False
    multiprocess: bool = True
    chunked: bool = True
    continues: bool = True

    def why_not(self) -> str | None:
        if self.name == "uwsgi" and (shutil.which("uwsgi") is None or not os.path.exists(UWSGI_PLUGIN)):
            return "uwsgi-core, uwsgi-plugin-python3 are not installed"
        if self.name == "mod_wsgi" and not (APACHE_MODULES / "mod_wsgi.so").exists():
            return "apache2, libapache2-mod-wsgi-py3 are not installed"
        if self.name in ("uwsgi", "mod_wsgi") and sys.version_info[:2] != debian_python():
            return f"the virtual environment is not of Debian's Python {debian_python()}"
        return None

    def command(self, folder: Path, port: int) -> list[str]:
        at = {"/srv/exam": str(folder), "127.0.0.1:8000": f"127.0.0.1:{port}"}
        if self.name == "uwsgi":
            ini = folder / "uwsgi.ini"
            ini.write_text(snippet(PAGE, self.heading, "ini", at))
            return ["uwsgi", "--ini", str(ini)]
        if self.name == "mod_wsgi":
            site = snippet(PAGE, self.heading, "apache", {"/srv/exam": str(folder)})
            conf = folder / "apache.conf"
            conf.write_text(APACHE.format(folder=folder, port=port, modules=APACHE_MODULES, site=site))
            return [
                *without_root(),
                shutil.which("apache2", path="/usr/sbin") or "",
                "-D",
                "FOREGROUND",
                "-f",
                str(conf),
            ]
        *before, last = snippet(PAGE, self.heading, "sh", at).splitlines()
        return ["sh", "-ec", "\n".join([*before, f"exec {last}"])]


SERVERS = {
    server.name: server
    for server in (
        MountedServer("gevent", "gunicorn with gevent", "gunicorn/", "gevent", websockets=True),
        MountedServer("gthread", "gunicorn with threads", "gunicorn/", "threads"),
        MountedServer("sync", "gunicorn sync", "gunicorn/", "single"),
        MountedServer("waitress", "waitress", "waitress", "threads", multiprocess=False),
        MountedServer("uwsgi", "uWSGI", "uwsgi/", "threads", chunked=False),
        MountedServer("mod_wsgi", "Apache mod_wsgi", "mod_wsgi/", "threads"),
    )
}


@dataclass
class Mounted(Deployment):
    """A site with the middleware in its own server."""

    folder: Path
    server: MountedServer
    front: Server | None = None
    starts: int = 0

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self) -> None:
        """Start the server that carries the site; again after `stop`."""
        self.starts += 1
        # Python looks for its home beside a `python3` on the path: servers that embed one must find Debian's.
        path = PATH if self.server.name in ("uwsgi", "mod_wsgi") else f"{VENV}/bin:{PATH}"
        env = {"PATH": path, "PYTHONPATH": str(ROOT), "GUNICORN_CMD_ARGS": "--no-control-socket"}
        argv = self.server.command(self.folder, int(self.url.rpartition(":")[2]))
        self.front = Server(argv, self.folder / f"server-{self.starts}.log", env)
        self.front.wait_answers(f"{self.url}/proview/healthz")

    def stop(self) -> None:
        if self.front is not None:
            self.front.stop()

    def restart_web(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        """Everything that the server said."""
        return "".join(file.read_text(errors="replace") for file in self.folder.glob("server*.log")) + "".join(
            file.read_text(errors="replace") for file in self.folder.glob("apache-error.log")
        )


HOST_SITE = "from tests.stacks.mounted_site import HostSite\napplication = HostSite()\n"
DEMO_SITE = "from demo_app.wsgi_exam import application\n"


@contextmanager
def mounted(server: MountedServer, folder: Path, *, site: str = HOST_SITE, **changes: Any) -> Iterator[Mounted]:
    """The site of ``site`` (a module's text) under ``server``, with worker and media beside; ``changes`` as of `write_config`."""
    port = free_port()
    config_file = write_config(folder, port, "http://127.0.0.1:9", changes)
    config_file.write_text(
        "".join(line for line in config_file.read_text().splitlines(True) if not line.startswith("upstream"))
    )
    prepare_storage(config_file)
    (folder / "state").mkdir()
    # Apache's user may write everywhere (`without_root`), but access(2), by which readyz looks, asks without capabilities.
    recordings = folder / "recordings"
    recordings.mkdir(exist_ok=True)
    recordings.chmod(0o777)
    (folder / "wsgi.py").write_text(documented_module(folder))
    (folder / "exam_site.py").write_text(f'import os\n\nos.environ["DEMO_STATE"] = "{folder}/state"\n{site}')
    if server.name in ("uwsgi", "mod_wsgi"):
        make_virtualenv(folder)
    running = Mounted(f"http://127.0.0.1:{port}", config_file, clean_environment(), folder, server)
    beside: list[Server] = []
    try:
        for name in ("worker", "media"):
            argv = [sys.executable, "-m", "flask_proview", name, "-c", str(config_file)]
            beside.append(Server(argv, folder / f"{name}.log"))
        running.start()
        ready = f"{running.url}/proview/readyz"
        wait_until(lambda: requests.get(ready, timeout=5).json().get("media") == "ok", 30, "the media link")
        yield running
    finally:
        running.stop()
        for one in beside:
            one.stop()
        shutil.rmtree(Path(running.config.media.link.removeprefix("unix:")).parent, ignore_errors=True)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are closed to the users that servers run as."""
    with tempfile.TemporaryDirectory(prefix="mounted-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def debian_python() -> tuple[int, int]:
    """The version that Debian's servers embed."""
    if not os.path.exists(DEBIAN_PYTHON):
        return 0, 0
    return int(os.path.realpath(DEBIAN_PYTHON)[len("/usr/bin/python")]), int(
        os.path.realpath(DEBIAN_PYTHON).rpartition(".")[2]
    )


def make_virtualenv(folder: Path) -> None:
    """An environment of Debian's Python that also has the packages of ours.

    An embedded interpreter takes the standard library of the environment's Python. Another build of the same version will not
    do: its ``_ssl`` asks for symbols that Debian's ``libpython`` does not have.
    """
    subprocess.run([DEBIAN_PYTHON, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    (packages,) = (folder / ".venv").glob("lib/python3.*/site-packages")
    ours = sysconfig.get_path("purelib")
    (packages / "tests.pth").write_text(f"import site; site.addsitedir({ours!r})\n")


def without_root() -> list[str]:
    """Debian's Apache refuses to serve as root: another user, who may read and write like root for the tests' sake."""
    if os.geteuid() != 0:
        return []
    return [
        "setpriv",
        "--reuid=33",
        "--regid=33",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ]
