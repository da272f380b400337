"""The demo's PHP site as it stands in production: php-fpm on a unix socket behind nginx, or behind Apache (mod_proxy_fcgi).

Started as root or as somebody else, on loopback, with configuration, logs and temporary files of their own.
Nothing of the site is changed: its ``.htaccess`` and ``.user.ini`` are the ones that are read.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from pathlib import Path

from tests.e2e.installation import ROOT, free_port

from .harness import Server

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
    access_log off;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 22m;
    server {{
        listen 127.0.0.1:{port};
        root {site};
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME {site}/index.php;
            fastcgi_param SCRIPT_NAME /index.php;
            fastcgi_pass unix:{socket};
        }}
    }}
}}
"""

APACHE = """\
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
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
DocumentRoot {site}
<Directory {site}>
    AllowOverride All
    Require all granted
</Directory>
<FilesMatch "\\.php$">
    SetHandler "proxy:unix:{socket}|fcgi://localhost"
</FilesMatch>
"""


class PhpFpm:
    """php-fpm with a front server: "nginx" or "apache"."""

    def __init__(self, front: str) -> None:
        self.front = front
        self.name = f"php-fpm-{front}"
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
        state = folder / "state"
        state.mkdir()
        values = {"folder": folder, "socket": socket, "state": state, "port": port, "site": SITE}
        self._start_fpm(folder, socket, values)
        url = f"http://127.0.0.1:{port}"
        server = Server(self._front_command(folder, values), folder / f"{self.front}.log")
        self._servers.append(server)
        server.wait_answers(f"{url}/login")
        return url

    def _start_fpm(self, folder: Path, socket: str, values: dict[str, object]) -> None:
        root = os.geteuid() == 0
        config = folder / "fpm.conf"
        config.write_text(FPM.format(**values, user="user = root\ngroup = root" if root else ""))
        program = fpm_program()
        assert program is not None
        argv = [program, "--nodaemonize", "--fpm-config", str(config)]
        server = Server([*argv, "--allow-to-run-as-root"] if root else argv, folder / "fpm.log")
        self._servers.append(server)
        server.wait_ready(lambda: os.path.exists(socket), "php-fpm")

    def _front_command(self, folder: Path, values: dict[str, object]) -> list[str]:
        root = os.geteuid() == 0
        config = folder / f"{self.front}.conf"
        if self.front == "nginx":
            config.write_text(NGINX.format(**values, user="user root;" if root else ""))
            return [_found("nginx") or "", "-e", f"{folder}/nginx-error.log", "-c", str(config)]
        wanted = ("mpm_event", "authz_core", "mime", "dir", "env", "rewrite", "proxy", "proxy_fcgi")
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in wanted)
        # Debian's Apache refuses to run as root; its workers must reach php-fpm's socket.
        user = "User www-data\nGroup www-data" if root else ""
        if root:
            _open_to_everybody(Path(values["socket"]))  # type: ignore[arg-type]
        config.write_text(APACHE.format(**values, modules=modules, user=user))
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
