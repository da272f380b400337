"""The Django site under gunicorn: as it stands (behind the proxy), or with the middleware around it in its own process."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.installation import free_port

from .harness import Server

SECRET = "django-stack-8Zr4Wm2Kx7Tq9Lb1"


class DjangoSite:
    """``python -m gunicorn demo_app.django_exam:application``."""

    name = "django"

    def __init__(self) -> None:
        self._server: Server | None = None

    def why_not(self) -> str | None:
        return None

    def start(self, folder: Path) -> str:
        port = free_port()
        self._server = start_gunicorn("demo_app.django_exam:application", folder, port, {})
        url = f"http://127.0.0.1:{port}"
        self._server.wait_answers(f"{url}/login")
        return url

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


def start_gunicorn(application: str, folder: Path, port: int, env: dict[str, str]) -> Server:
    """Two processes with threads, as sites of that kind are run; its sessions go below ``folder``."""
    state = folder / "state"
    state.mkdir()
    argv = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", "-k", "gthread", "--threads", "4"]
    return Server(
        [*argv, "--chdir", str(folder), application],
        folder / "gunicorn.log",
        env={"DEMO_STATE": str(state), "DEMO_SECRET_KEY": SECRET, **env},
    )
