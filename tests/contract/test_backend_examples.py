"""The programs of docs/backends/, run as they stand against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.serving import make_server

from flask_proview.callback_sender import signature
from flask_proview.tokens import Kind

from .conftest import API_KEY, MOODLE, TOKEN, Service

pytestmark = pytest.mark.system

DOCS = Path(__file__).resolve().parents[2] / "docs" / "backends"
SECRET = "callback-secret-of-32-characters!"
BODY = '{"session_uuid":"x","title":"Prüfung"}'.encode()
Program = Callable[..., "subprocess.CompletedProcess[bytes]"]

# Page → (file name, command that makes it runnable, command that runs it).
LANGUAGES: dict[str, tuple[str, list[str], list[str]]] = {
    "python": ("proview.py", [], [sys.executable, "proview.py"]),
    "php": ("proview.php", [], ["php", "proview.php"]),
    "java": ("Proview.java", ["javac", "Proview.java"], ["java", "-XX:TieredStopAtLevel=1", "-cp", ".", "Proview"]),
    "csharp": ("Proview.cs", ["mcs", "-r:System.Net.Http.dll", "Proview.cs"], ["mono", "Proview.exe"]),
}


@pytest.fixture
def server_settings() -> dict[str, str]:
    return {}


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, service.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/proview"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=sorted(LANGUAGES))
def program(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Program:
    name, build, run = LANGUAGES[request.param]
    for tool in (build, run):
        if tool and shutil.which(tool[0]) is None:
            pytest.skip(f"{tool[0]} is not installed")
    page = (DOCS / f"{request.param}.md").read_text("utf-8")
    [code] = re.findall(rf"^```{request.param}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / name).write_text(code, "utf-8")
    environment = {
        **os.environ,
        "PROVIEW_URL": url,
        "PROVIEW_TOKEN": TOKEN,
        "PROVIEW_API_KEY": API_KEY,
        "PROVIEW_CALLBACK_SECRET": SECRET,
    }
    if build:
        subprocess.run(build, cwd=folder, check=True, timeout=120)

    def start(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*run, *arguments], cwd=folder, env=environment, input=stdin, capture_output=True, timeout=120, check=False
        )

    return start


def test_each_language_launches_watches_and_verifies(program: Program, service: Service) -> None:
    launched = program("launch", 'attempt "7" ü', "anna", MOODLE)
    claims = service.runtime.signer.read(Kind.LAUNCH, launched.stdout.decode().strip())
    assert (claims["session"], claims["profile"], claims["origin"]) == ('attempt "7" ü', "anna", MOODLE), (
        launched.stderr
    )

    row = service.session("attempt-8", "anna")
    player = urlsplit(program("ticket", "attempt-8", "anna").stdout.decode().strip())
    assert player.path == f"/proview/embedded/{row.uuid}"
    assert service.runtime.signer.read(Kind.TICKET, parse_qs(player.query)["token"][0])["sid"] == row.uuid

    assert program("verify", signature(SECRET, BODY), stdin=BODY).stdout.strip() == b"ours"
    for forged in (signature("another secret", BODY), "", "sha256=", signature(SECRET, BODY)[:-1] + "x"):
        assert program("verify", forged, stdin=BODY).stdout.strip() == b"not ours"

    refused = program("launch", "s", "c", "https://evil.example")
    assert refused.returncode != 0 and not refused.stdout.strip()
