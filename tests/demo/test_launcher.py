"""``python -m demo_app``: the chosen exam site with us in front of it, and what it says when that cannot be."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from demo_app import __main__ as launcher
from demo_app import tomcat
from flask_proview.errors import ConfigError
from tests.e2e.installation import ROOT, clean_environment, wait_until


@pytest.mark.system
@pytest.mark.parametrize("site", ["php", "jsp", "wsgi"])
def test_the_chosen_site_is_served_behind_us_and_ends_with_us(tmp_path: Path, site: str) -> None:
    log = tmp_path / "log"
    env = {**clean_environment(), "PROVIEW_LISTEN": "127.0.0.1:0", "PROVIEW_DATA": str(tmp_path / "data")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo_app", "--site", site],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        wait_until(lambda: process.poll() is not None or b"Ctrl-C stops" in log.read_bytes(), 60, "the demo")
        announced = re.search(r"\((.+), proctored, unchanged\): +(http://\S+)/", log.read_text())
        assert announced, log.read_text()
        assert announced[1] == {"php": "PHP", "jsp": "JSP on Tomcat", "wsgi": "Python WSGI"}[site]
        wait_until(lambda: requests.get(f"{announced[2]}/login", timeout=30).status_code == 200, 60, "the exam site")
        assert requests.get(f"{announced[2]}/proview/healthz", timeout=10).status_code == 200
        process.send_signal(signal.SIGINT)
        process.wait(30)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{announced[2]}/login", timeout=5)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_an_unknown_site_is_refused_with_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        launcher.main(["--site", "cobol"])
    assert stopped.value.code == 2
    assert "php" in capsys.readouterr().err


def test_an_unknown_site_in_the_environment_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected one of php, jsp, wsgi"):
        launcher.legacy_site(tmp_path, 1, "cobol")


def test_a_site_whose_server_is_missing_says_which_package_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tomcat, "is_installed", lambda: False)
    with pytest.raises(ConfigError, match="tomcat10"):
        launcher.legacy_site(tmp_path, 1, "jsp")
