"""``proview serve`` itself, supervisor, web and jobs, as something to hurt: on a port of its own, asked as ``tests.service.server`` asks."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.service.build import ORIGIN, raw_config, wait_for
from tests.service.server import ROOT, Server

START_S = 40


def toml(raw: Mapping[str, Any]) -> str:
    """Sections and lists of sections, values as JSON writes them."""
    lines: list[str] = []
    for name, value in raw.items():
        for values in value if isinstance(value, list) else [value]:
            lines.append(f"[[{name}]]" if isinstance(value, list) else f"[{name}]")
            lines += [f"{key} = {json.dumps(each)}" for key, each in values.items()]
    return "\n".join(lines)


class Installed(Server):
    """Start, hurt, ask, stop.

    :param before: what the command line begins with (``strace …``, ``prlimit …``).
    :param env: further environment variables.
    """

    def __init__(
        self, folder: Path, *, before: Sequence[str] = (), env: Mapping[str, str] | None = None, **sections: Any
    ) -> None:
        sections = {"media": {"live": "off"}, **sections}
        super().__init__(folder, **sections)
        # The port was the kernel's choice; from now on it is the supervisor's.
        self._listener.close()
        listen = {"listen": f"127.0.0.1:{self.port}", **sections.pop("server", {})}
        self._file = folder / "proview.toml"
        self._file.write_text(toml(raw_config(folder, server=listen, **sections)), "utf-8")
        self._before, self._env = list(before), dict(env or {})

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._before, sys.executable, "-m", "flask_proview", "serve", "-c", str(self._file)],
                cwd=ROOT, env={**os.environ, **self._env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            wait_for(self.is_ready, "proview serve", START_S)
        except AssertionError as error:
            self.close()
            raise AssertionError(f"{error}\n{self.log}") from None

    def pid_of(self, name: str) -> int:
        """The newest pid of a child of the supervisor, from its log."""
        return int(re.findall(rf"supervisor\[\d+\]: {name} started \(pid (\d+)\)", self.log)[-1])

    @property
    def worker_pids(self) -> list[int]:
        """Of the web processes that answer."""
        master = self.pid_of("web")
        with contextlib.suppress(FileNotFoundError):
            return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
        return []

    def end(self, limit_s: float) -> None:
        """SIGTERM, and the end within so many seconds."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(limit_s)
        self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[Installed]:
    """An installation that is ready, and gone at the end."""
    server = Installed(folder, **options)
    try:
        server.start()
        yield server
    finally:
        server.close()


def put(
    server: Server, started: Mapping[str, Any], seq: int, body: bytes, *, run: int = 0, timeout_s: float = 40.0
) -> tuple[int, dict[str, Any], str | None]:
    """One piece by HTTP, as a browser without sockets sends it: status, answer, ``Retry-After``."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    headers = {
        "Origin": ORIGIN, "X-Proview-Token": started["session_token"], "Content-Digest": f"sha-256=:{digest}:",
        "Content-Type": "video/webm;codecs=vp8", "X-Piece-Start": str(run + seq * 1000), "X-Piece-Duration": "1000",
    }  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout_s)
    try:
        path = f"/proview/v1/sessions/{started['session_uuid']}/tracks/camera/runs/{run}/pieces/{seq}"
        connection.request("PUT", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), response.getheader("Retry-After")
    finally:
        connection.close()
