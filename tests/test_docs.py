"""What docs/ says is there is there: links, files, commands, error codes, the front server's snippet."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from flask_proview.cli import cli
from flask_proview.config import load_config
from flask_proview.service.errors import CODES
from flask_proview.service.signal.protocol import Close

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "README.md", ROOT / "CHANGES.md"]
API = (ROOT / "docs" / "api.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")


def documented(heading: str, page: str = API) -> set[str]:
    """The codes in the first column of a section's table."""
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.M)
    return {code for row in rows for code in re.findall(r"`([a-z_…]+)`", row)}


def raised_codes() -> set[str]:
    """Every ``code="…"`` of what can leave as an answer."""
    package = ROOT / "flask_proview"
    files = [*(package / "service").rglob("*.py"), package / "recordings" / "pieces.py", package / "tokens.py"]
    files += [package / "sessions" / "events.py", package / "sessions" / "store.py"]
    text = "\n".join(file.read_text("utf-8") for file in files)
    return set(re.findall(r"\bcode ?= ?\"([a-z_]+)\"", text)) | set(CODES.values()) | {"bad_request", "token_invalid"}


@pytest.mark.parametrize("code", sorted(raised_codes()))
def test_every_error_code_is_documented(code: str) -> None:
    assert code in documented("Error codes")


def test_every_documented_error_code_is_raised_somewhere() -> None:
    source = "\n".join(file.read_text("utf-8") for file in (ROOT / "flask_proview").rglob("*.py"))
    gone = [code for code in documented("Error codes") if not code.endswith("…") and f'"{code}"' not in source]
    assert gone == []


def sdk_codes(*, newer: bool) -> set[str]:
    """Codes that the browser code itself gives: that of ``window.Proview``, or all else."""
    files = [
        file for file in (ROOT / "static").rglob("*.js") if "console" not in file.parts and "bundle" not in file.parts
    ]
    text = "\n".join(file.read_text("utf-8") for file in files if (file.parent.name == "newer") == newer)
    found = re.findall(
        r"(?:Proview|Device)Error\(\s*'([a-z_]+)'|error\.code = '([a-z_]+)'|(?:warning|check)\((?:`.*?`, )?'([a-z_]+)'",
        text,
    )
    return {one for codes in found for one in codes if one}


def test_every_error_of_the_sdk_is_documented_and_no_other() -> None:
    assert sdk_codes(newer=False) == documented("Errors in the page")


def test_every_error_of_the_newer_sdk_is_documented_and_no_other() -> None:
    own, shared = sdk_codes(newer=True), sdk_codes(newer=False)
    told = documented("Errors", (ROOT / "docs" / "newer-sdk.md").read_text("utf-8"))
    assert "dsn_missing" in own and "identifier_missing" in own
    assert own <= told <= own | shared


@pytest.mark.parametrize("close", sorted(c for c in Close if c >= 4000))
def test_every_close_code_of_ours_is_in_the_protocol(close: Close) -> None:
    assert f"{int(close)} " in (ROOT / "docs" / "protocol.md").read_text("utf-8")


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_links_resolve(file: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", file.read_text("utf-8")):
        target = (file.parent / link.partition("#")[0]).resolve()
        if "://" not in link and not target.exists():
            broken.append(link)
    assert broken == []


def files_of_the_tables() -> list[str]:
    part = ARCHITECTURE.split("\n## Files\n", 1)[1].split("\n## ", 1)[0]
    named = []
    for section in part.split("\n### ")[1:]:
        folder = section.split("`", 2)[1]
        rows = re.findall(r"^\| (`.*?) \|", section, re.M) or [section.split("\n", 1)[1]]
        named += [folder + name for row in rows for name in re.findall(r"`([\w/]+\.(?:py|js))`", row)]
    return named


def test_the_architecture_names_enough_files() -> None:
    assert len(files_of_the_tables()) > 150


@pytest.mark.parametrize("name", files_of_the_tables())
def test_files_of_the_architecture_exist(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_commands_that_are_mentioned_exist(file: Path) -> None:
    for name in re.findall(r"`(?:flask )?proview ([a-z]+)", file.read_text("utf-8")):
        assert name in cli.commands, name


def fenced(language: str) -> str:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", OPERATING, re.M | re.S)
    return str(block)


def test_the_settings_behind_a_front_server_load() -> None:
    raw = tomllib.loads(fenced("toml"))
    config = load_config({**raw, "secrets": {"keys": ["q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"]}}, {})
    assert config.server.trusted_proxies


@pytest.mark.system
def test_nginx_accepts_the_front_server_snippet(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: run `make system`")
    # Without the certificate, which is the reader's own.
    snippet = re.sub(r"^ +ssl_certificate.*\n", "", fenced("nginx"), flags=re.M).replace("443 ssl", "127.0.0.1:8443")
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"error_log stderr; pid {tmp_path}/pid; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n{snippet}}}\n"
    )
    done = subprocess.run([nginx, "-t", "-c", str(file)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
