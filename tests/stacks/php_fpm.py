"""The demo's PHP site as it stands in production: php-fpm on a unix socket behind nginx, or behind Apache (mod_proxy_fcgi).

Started as root or as somebody else, on loopback, with configuration, logs and temporary files of their own.
The site's server block is the one of docs/legacy/php.md, and its own ``.htaccess`` and ``.user.ini`` are read.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from pathlib import Path

from tests.e2e.installation import ROOT, free_port

from .harness import Server
from .snippets import snippet

SITE = ROOT / "demo_app" / "php"
MODULES = Path("/usr/lib/apache2/modules")

FPM = """\
[global]
error_log = {folder}/fpm-error.log
daemonize = no
[www]
listen = {socket}
{user}
pm = static
pm.max_children = 3
clear_env = no
catch_workers_output = yes
env[DEMO_STATE] = {state}
"""

NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
{user}
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    log_format seen '$remote_addr "$forwarded_https" $request_uri';
    access_log {folder}/access.log seen;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""

APACHE = """\
ServerRoot {folder}
ServerName 127.0.0.1
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/apache-error.log
{user}
{modules}
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
TypesConfig /etc/mime.types
LogFormat "%a \\"%{{HTTPS}}e\\" %U" seen
CustomLog {folder}/access.log seen
{site}
"""
APACHE_MODULES = (
    "mpm_event",
    "authz_core",
    "mime",
    "dir",
    "env",
    "rewrite",
    "proxy",
    "proxy_fcgi",
    "remoteip",
    "setenvif",
)


class PhpFpm:
    """php-fpm with a front server: "nginx" or "apache"."""

    def __init__(self, front: str) -> None:
        self.front = front
        self.name = f"php-fpm-{front}"
        self.access_log = Path()
        self._servers: list[Server] = []
        self._sockets: str | None = None

    def why_not(self) -> str | None:
        if fpm_program() is None:
            return "php-fpm is not installed"
        program, package = ("apache2", "apache2") if self.front == "apache" else ("nginx", "nginx-light")
        return None if _found(program) else f"{package} is not installed"

    def start(self, folder: Path) -> str:
        port = free_port()
        # Not below pytest's folder: a unix socket's name has at most 107 bytes.
        self._sockets = tempfile.mkdtemp(prefix="fpm-")
        socket = f"{self._sockets}/www.sock"
        self.access_log = folder / "access.log"
        state = folder / "state"
        state.mkdir()
        self._start_fpm(folder, socket, state)
        url = f"http://127.0.0.1:{port}"
        server = Server(self._front_command(folder, port, socket), folder / f"{self.front}.log")
        self._servers.append(server)
        server.wait_answers(f"{url}/login")
        return url

    def _start_fpm(self, folder: Path, socket: str, state: Path) -> None:
        user = "user = root\ngroup = root" if os.geteuid() == 0 else ""
        config = folder / "fpm.conf"
        config.write_text(FPM.format(folder=folder, socket=socket, state=state, user=user))
        program = fpm_program()
        assert program is not None
        argv = [program, "--nodaemonize", "--fpm-config", str(config)]
        server = Server([*argv, "--allow-to-run-as-root"] if user else argv, folder / "fpm.log")
        self._servers.append(server)
        server.wait_ready(lambda: os.path.exists(socket), "php-fpm")

    def _front_command(self, folder: Path, port: int, socket: str) -> list[str]:
        root = os.geteuid() == 0
        config = folder / f"{self.front}.conf"
        at = {"127.0.0.1:8080": f"127.0.0.1:{port}", "/srv/exam": str(SITE), "/run/php/php-fpm.sock": socket}
        if self.front == "nginx":
            site = snippet("php.md", "nginx and php-fpm", "nginx", at)
            config.write_text(NGINX.format(folder=folder, site=site, user="user root;" if root else ""))
            return [_found("nginx") or "", "-e", f"{folder}/nginx-error.log", "-c", str(config)]
        site = snippet("php.md", "Apache and php-fpm", "apache", at)
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in APACHE_MODULES)
        # Debian's Apache refuses to run as root; its workers must reach php-fpm's socket.
        user = "User www-data\nGroup www-data" if root else ""
        if root:
            _open_to_everybody(Path(socket))
        config.write_text(APACHE.format(folder=folder, site=site, modules=modules, user=user))
        return [_found("apache2") or "", "-D", "FOREGROUND", "-f", str(config)]

    def stop(self) -> None:
        while self._servers:
            self._servers.pop().stop()
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)


def fpm_program() -> str | None:
    """Debian names it after its version: /usr/sbin/php-fpm8.2."""
    return _found("php-fpm") or next(iter(sorted(glob.glob("/usr/sbin/php-fpm*"), reverse=True)), None)


def _found(program: str) -> str | None:
    # sbin is not on everybody's path.
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def _open_to_everybody(socket: Path) -> None:
    socket.parent.chmod(0o755)
    socket.chmod(0o666)
