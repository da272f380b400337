"""A real server around the service, in a subprocess: ``gunicorn -k gevent`` for the socket tests, others without sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from flask_proview.config import Config, load_config
from flask_proview.tokens import Kind, TokenSigner

from .build import KEY, ORIGIN, raw_config, wait_for

ROOT = Path(__file__).resolve().parents[2]


GEVENT = ("gunicorn", "-k", "gevent", "-w", "1")


class Server:
    """Start, kill, start again on the same port and data.

    :param kind: gunicorn with its options, or ``("waitress",)``.
    """

    def __init__(self, folder: Path, kind: tuple[str, ...] = GEVENT, **sections: dict[str, Any]) -> None:
        self._kind = kind
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(512)
        self.port: int = self._listener.getsockname()[1]
        raw = raw_config(folder, **sections)
        self.config: Config = load_config(raw, environ={})
        self.signer = TokenSigner([KEY])
        self._settings = folder / "settings.json"
        self._settings.write_text(json.dumps(raw), "utf-8")
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is ready."""
        fd = self._listener.fileno()
        if self._kind[0] == "waitress":
            command = [sys.executable, "-m", "tests.service.served", str(fd)]
        else:
            command = [sys.executable, "-m", *self._kind, "--bind", f"fd://{fd}"]
            command += ["--no-control-socket", "--graceful-timeout", "1", "tests.service.served:application()"]
        environ = {**os.environ, "PROVIEW_TEST_CONFIG": str(self._settings)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environ, pass_fds=[fd], stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self.is_ready, f"the server: {self._log.read_text('utf-8')[-2000:]}", 40)

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/proview/readyz")[0] == 200
        return False

    def kill(self) -> None:
        """SIGKILL to master and worker at once, as a power cut would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self._listener.close()

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def worker_pid(self) -> int:
        return self.worker_pids[0]

    @property
    def master_pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def worker_pids(self) -> list[int]:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    @property
    def rss_mb(self) -> int:
        """Resident memory of the worker."""
        for line in Path(f"/proc/{self.worker_pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
        raise AssertionError("no VmRSS")

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """(status, JSON) of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            sent = {"Origin": ORIGIN, **({"Content-Type": "application/json"} if body is not None else {})}
            connection.request(method, path, data, {**sent, **(headers or {})})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text.startswith(b"{") else text
        finally:
            connection.close()

    def start_session(self, candidate: str = "anna", session: str = "attempt-7") -> dict[str, Any]:
        claims = {"account": "main", "route": "exam", "session": session, "profile": candidate, "origin": ORIGIN}
        launch = self.signer.issue(Kind.LAUNCH, claims, 600)
        status, answer = self.request("POST", "/proview/v1/sessions", {"launch": launch})
        assert status in (200, 201), answer
        result: dict[str, Any] = answer
        return result

    def connect(self, uuid: str, **options: Any) -> ClientConnection:
        """An open socket that has not said hello."""
        url = f"ws://127.0.0.1:{self.port}/proview/v1/sessions/{uuid}/signal"
        ws: ClientConnection = connect(url, **{"origin": ORIGIN, "max_size": None, "close_timeout": 3, **options})
        return ws

    @contextlib.contextmanager
    def candidate(self, started: Mapping[str, Any], **options: Any) -> Iterator[ClientConnection]:
        """A socket that was welcomed."""
        with self.connect(started["session_uuid"], **options) as ws:
            ws.send(json.dumps({"type": "hello", "token": started["session_token"], "protocol": 1}))
            welcome = receive(ws)
            assert welcome["type"] == "welcome", welcome
            yield ws


def receive(ws: ClientConnection, *types: str, timeout: float = 10) -> dict[str, Any]:
    """The next message, or the next one of the given types."""
    while True:
        message: dict[str, Any] = json.loads(ws.recv(timeout=timeout))
        if not types or message["type"] in types:
            return message
