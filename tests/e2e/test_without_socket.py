"""The exam, live view and a proctor's end under servers that carry no WebSockets, with the real media process beside."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Playwright

from tests.stacks.harness import Server, only_session, pieces, wait_finalised

from .browser import Candidate, chromium, log_in_to_console, picture_changes
from .installation import (
    PASSWORD,
    Deployment,
    clean_environment,
    free_port,
    prepare_storage,
    wait_until,
    write_config,
)

pytestmark = [pytest.mark.browser, pytest.mark.system]

WSGI = """\
from demo_app.wsgi_exam import application as exam
from flask_proview import ProviewMiddleware
application = ProviewMiddleware(exam, {config!r})
"""
SERVERS = {
    "gthread": "gunicorn -k gthread --threads 4 -w 1 --no-control-socket -b 127.0.0.1:{port} exam_wsgi:application",
    "sync": "gunicorn -k sync -w 3 --no-control-socket -b 127.0.0.1:{port} exam_wsgi:application",
    "waitress": "waitress --listen=127.0.0.1:{port} exam_wsgi:application",
}


@dataclass
class Mounted(Deployment):
    """The middleware inside the application's own server."""

    front: Server

    def log(self) -> str:
        return self.front.log_file.read_text(errors="replace")


@contextmanager
def mounted(kind: str, folder: Path) -> Iterator[Mounted]:
    port = free_port()
    config = write_config(folder, port, "http://127.0.0.1:9", {"server": {"public_url": f"http://127.0.0.1:{port}"}})
    text = "".join(line for line in config.read_text().splitlines(True) if not line.startswith("upstream"))
    config.write_text(text)
    prepare_storage(config)
    (folder / "exam_wsgi.py").write_text(WSGI.format(config=str(config)))
    (folder / "state").mkdir()
    env = {**clean_environment(), "PYTHONPATH": f"{folder}", "DEMO_STATE": str(folder / "state")}
    servers: list[Server] = []
    try:
        for name in ("worker", "media"):
            argv = [sys.executable, "-m", "flask_proview", name, "-c", str(config)]
            servers.append(Server(argv, folder / f"{name}.log"))
        front = Server([sys.executable, "-m", *SERVERS[kind].format(port=port).split()], folder / "server.log", env)
        servers.append(front)
        url = f"http://127.0.0.1:{port}"
        running = Mounted(url, config, env, front)
        front.wait_answers(f"{url}/proview/healthz")
        ready = f"{url}/proview/readyz"
        wait_until(lambda: requests.get(ready, timeout=5).json().get("media") == "ok", 30, "the media link")
        yield running
    finally:
        for server in reversed(servers):
            server.stop()
    shutil.rmtree(Path(running.config.media.link.removeprefix("unix:")).parent, ignore_errors=True)


@pytest.mark.parametrize("kind", list(SERVERS))
def test_a_proctor_watches_live_and_ends_an_exam_that_has_no_socket(
    playwright: Playwright, tmp_path: Path, kind: str
) -> None:
    with (
        mounted(kind, tmp_path) as running,
        chromium(playwright, tmp_path / "profile") as browser,
        chromium(playwright, tmp_path / "proctor") as proctor,
    ):
        assert requests.get(f"{running.url}/proview/healthz", timeout=5).json()["signaling"] == "http"
        candidate = Candidate(browser.new_page(), running.url)
        tried: list[str] = []
        candidate.page.on("websocket", lambda ws: tried.append(ws.url))
        candidate.log_in()
        candidate.start_exam()
        candidate.pass_checks()
        candidate.begin()
        uuid = only_session(running)

        page = proctor.new_page()
        log_in_to_console(page, f"{running.url}/proview/console/", PASSWORD)
        page.goto(f"{running.url}/proview/console/sessions/{uuid}")
        page.wait_for_function("() => [...document.querySelectorAll('video')].some(v => v.videoWidth > 0 && !v.paused)")
        assert picture_changes(page, "video")

        candidate.answer(1)
        wait_until(lambda: len(pieces(running, uuid)) >= 5, what="some seconds of recording")
        page.get_by_role("button", name="Terminate session").click()
        page.get_by_role("button", name="Terminate", exact=True).click()
        candidate.page.get_by_text("was ended (terminated)").wait_for(timeout=10_000)
        details = wait_finalised(running, uuid)
        assert details["status"] == "terminated"
        assert tried == []
        assert "Traceback" not in running.log()
