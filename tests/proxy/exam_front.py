"""The whole web process of ``proview serve`` in front of an application: service, injection and proxy."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .front import ROOT, Front

PAGE = "/exam/7/take"
BROWSER = ("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Accept: text/html", "Accept-Encoding: gzip")


@contextmanager
def running_exam(upstream: str, folder: Path, *, server: str = "", origin: str = "") -> Iterator[Front]:
    """``PAGE`` is protected for the origin of the port, or for ``origin``.

    :param server: further lines of the section ``[server]``.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = folder / "proview.toml"
        config.write_text(
            f"""
[server]
listen = "127.0.0.1:{port}"
upstream = "{upstream}"
{server}
[secrets]
keys = ["{"k" * 40}"]
[storage]
database = "sqlite:///{folder}/proview.db"
recordings = "{folder}/recordings"
[media]
live = "off"
[[accounts]]
name = "a"
token = "0b1c2d3e-4f50-4617-8899-aabbccddeeff"
domains = ["{origin or f"http://127.0.0.1:{port}"}"]
[[routes]]
path = "/exam/<attempt>/take"
session = "path:attempt"
""",
            "utf-8",
        )
        listener.set_inheritable(True)
        argv = [sys.executable, "-m", "flask_proview.serve.web", "--config", str(config), "--fd"]
        process = subprocess.Popen(
            [*argv, str(listener.fileno())], cwd=ROOT, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL
        )
        try:
            yield Front(port, process)
        finally:
            process.terminate()
            process.wait(20)
