"""What people and programs get: the table, the document, the exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from flask_proview.cli import cli

from .site import KEY, Site, page, redirect, running

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = (ROOT / "docs" / "checking.md").read_text("utf-8")
TEXT = (str,)
MAYBE = (str, type(None))
NOTE = {"code": TEXT, "weight": TEXT, "seen": MAYBE, "line": (int, type(None))}
PAGE = {
    "target": TEXT, "result": TEXT, "route": MAYBE, "mode": MAYBE, "role": MAYBE, "shell": (bool,), "reason": MAYBE, "detail": MAYBE,
    "session": (dict, type(None)), "profile": (dict, type(None)), "status": (int, type(None)), "location": MAYBE, "content_type": MAYBE,
    "encoding": MAYBE, "charset": MAYBE, "bytes": (int,), "whole": (bool,), "title": MAYBE, "depth": (int,), "found_on": MAYBE,
    "found_as": TEXT, "headers_changed": (list,), "notes": (list,),
}  # fmt: skip
DOCUMENT = {
    "schema": TEXT, "start": TEXT, "as": TEXT, "logged_in_at": MAYBE, "ok": (bool,), "summary": (dict,), "routes": (list,),
    "not_asked": (dict,), "codes": (dict,), "pages": (list,),
}  # fmt: skip
SITE = {
    "/": page(
        "<a href=/exam/7/q>q</a><a href=/exam/7/go>r</a><a href=/logout>x</a><a href=/bad>b</a><a href=http://other.example/>o</a>"
    ),
    "/exam/7/q": page(
        "<script>window.open('/x')</script>", "Content-Security-Policy: script-src 'none'", "Cache-Control: public"
    ),
    "/exam/7/go": redirect("/"),
    "/bad": b"nonsense",
}


def write_config(folder: Path, url: str, **route: str) -> Path:
    settings = {"name": "exam", "path": "/exam/<attempt>/<path:page>", "session": "path:attempt", **route}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    file = folder / "proview.toml"
    file.write_text(
        f'[secrets]\nkeys = ["{KEY}"]\n[[accounts]]\nname = "main"\ntoken = "b3f6224e-d072-4e0a-9053-9216b9994d43"\n'
        f'domains = ["{url}"]\n[[routes]]\n'
        + "\n".join(lines)
        + '\n[[routes]]\nname = "viva"\npath = "/viva/<n>"\nsession = "path:n"\n'
    )
    return file


def check(site: Site, folder: Path, *options: str, start: str = "/", **route: str) -> Result:
    file = write_config(folder, site.url, **route)
    return CliRunner().invoke(cli, ["check", "-c", str(file), "--crawl", site.url + start, "--delay", "0", *options])


def conforms(found: dict[str, Any], shape: dict[str, tuple[type, ...]]) -> None:
    assert set(found) == set(shape)
    for key, kinds in shape.items():
        assert isinstance(found[key], kinds), key


def test_the_document_has_the_documented_shape(tmp_path: Path) -> None:
    with running(SITE) as site:
        result = check(site, tmp_path, "--json")
    document = json.loads(result.stdout)
    conforms(document, DOCUMENT)
    for found in document["pages"]:
        conforms(found, PAGE)
        for note in found["notes"]:
            conforms(note, NOTE)
            assert note["code"] in document["codes"]
    assert document["schema"] == "proview.crawl/1"
    assert document["summary"]["results"] == {
        "injected": 1,
        "refused": 0,
        "skipped": 1,
        "unknown": 0,
        "unmatched": 1,
        "failed": 1,
    }
    assert document["not_asked"]["destructive"] == {"count": 1, "examples": ["/logout"]}
    assert document["routes"][1] == {"name": "viva", "rule": "/viva/<n>", "mode": "inline", "pages": 0, "stop_pages": 0}
    exam = next(found for found in document["pages"] if found["target"] == "/exam/7/q")
    assert exam["session"] == {"source": "path:attempt", "value": "7"}
    assert [change["name"] for change in exam["headers_changed"]] == ["Content-Security-Policy", "Cache-Control"]


def test_every_key_and_code_is_documented() -> None:
    from flask_proview.doctor.catalogue import CODES

    for key in {*DOCUMENT, *PAGE, *NOTE}:
        assert f"`{key}`" in DOCUMENTED, key
    documented = set(re.findall(r"^\| `([a-z0-9_]+)` \| (?:info|warning|error)", DOCUMENTED, re.M))
    assert documented == set(CODES)


def test_two_crawls_of_one_site_give_one_document(tmp_path: Path) -> None:
    with running(SITE) as site:
        documents = [json.loads(check(site, tmp_path, "--json").stdout) for _ in range(2)]
    for document in documents:
        document["summary"].pop("seconds")
    assert documents[0] == documents[1]


def test_the_table_fits_a_hundred_columns_without_colour(tmp_path: Path) -> None:
    with running(
        {**SITE, "/": page("<a href='/exam/7/" + "long" * 60 + "'>x</a><a href=/exam/7/q>q</a>"), "*": page()}
    ) as site:
        result = check(site, tmp_path, "--notes")
    assert max(len(line) for line in result.stdout.splitlines()) <= 100
    assert "\x1b" not in result.stdout
    assert result.exit_code == 0


def test_the_table_says_what_matters(tmp_path: Path) -> None:
    with running(SITE) as site:
        text = check(site, tmp_path).stdout
    words = " ".join(text.split())
    assert re.search(r"^200 +exam +inline +/exam/7/q +\(2 warning\)$", text, re.M)
    assert "script-src 'none' → script-src 'nonce-(new with each page)'" in words
    assert "Route viva (/viva/<n>) matches no page that was seen" in words
    assert "Not asked for: 1 sound as if they changed something (--follow-destructive): /logout" in words
    assert "no answer  /bad" in text


def test_a_protected_page_without_proctoring_ends_with_status_1(tmp_path: Path) -> None:
    with running(SITE) as site:
        assert check(site, tmp_path).exit_code == 0
        result = check(site, tmp_path, session="cookie:sid")
    assert result.exit_code == 1
    assert "REFUSED: identity" in result.stdout
    assert "no session id in cookie:sid" in result.stdout


def test_a_site_that_does_not_answer_ends_with_status_1(tmp_path: Path) -> None:
    with running() as site:
        pass
    result = check(site, tmp_path)
    assert result.exit_code == 1
    assert "cannot be reached" in result.stdout


def test_wrong_options_end_with_status_2(tmp_path: Path) -> None:
    file = write_config(tmp_path, "http://h")
    for options in (
        ["--crawl", "nonsense"],
        ["--depth", "2"],
        ["--crawl", "http://h/", "--url", "http://h/"],
        ["--crawl", "http://h/", "--form", "x"],
        ["--url"],
        ["--crawl", "http://h/", "--login", "/", "--form-file", "p=/no/such"],
    ):
        assert CliRunner().invoke(cli, ["check", "-c", str(file), *options]).exit_code == 2, options


def test_a_failed_login_ends_with_status_1_on_stderr(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    with running({"/login": page()}) as site:
        result = check(site, tmp_path, "--login", "/login", "--form-file", f"pw={secret}")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no form" in result.stderr
    assert "hunter2" not in result.stderr


def test_nothing_of_a_page_can_steer_the_terminal(tmp_path: Path) -> None:
    nasty = "\x1b]0;owned\x07\x1b[2J\u202e\r\x9b31m"
    body = f"<title>{nasty}</title><iframe src='http://a.example/{nasty}'></iframe><script>top.location='{nasty}'</script><a href='/exam/7/{nasty}'>x</a>"
    answers = {
        "/": page(body),
        "/exam/7/q": page(body),
        "*": page(body, status="404 \x1b[2J", kind="text/html; charset=\x1b[2J"),
    }
    with running(answers) as site:
        for options in (["--notes"], ["--json"]):
            output = check(site, tmp_path, *options, start="/exam/7/q").output
            assert all(character == "\n" or character.isprintable() for character in output)


def test_the_middleware_says_nothing_between_the_lines(tmp_path: Path) -> None:
    with running({"/exam/7/q": page("", "Cache-Control: no-transform", "Content-Encoding: br")}) as site:
        assert check(site, tmp_path, start="/exam/7/q").stderr == ""
