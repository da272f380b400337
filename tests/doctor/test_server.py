"""Each probe against a made server: what it says when things are right, and when they are not. Real servers: test_servers.py."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flask_proview.config import Config
from flask_proview.doctor import bodies
from flask_proview.doctor.findings import Finding, Level
from flask_proview.doctor.server_report import SCHEMA, ServerReport, check_server
from flask_proview.errors import ConfigError
from flask_proview.service.loader import STATIC, read_static

from .site import Answer, Answerer, Asked, config_for, page, running

NIL = "/proview/v1/sessions/00000000-0000-0000-0000-000000000000"
LOADER = {name: file.body for name, file in read_static(STATIC)}["init.js"]


def api(line: str, /, **body: object) -> bytes:
    """An answer of our API."""
    return page(
        json.dumps(body).encode(),
        "X-Request-Id: 1",
        f"Date: {email.utils.formatdate(usegmt=True)}",
        status=line,
        kind="application/json",
    )


def told(asked: Asked, **seen: object) -> bytes:
    """What the service tells who holds the keys."""
    if "transfer-encoding" in asked.headers:
        return api("411 Length Required", code="length_required")
    if "steps=2" in asked.target:
        return page(b"first\nsecond\n", kind="text/plain")
    fields = {
        "scheme": "http",
        "peer": "127.0.0.1",
        "trusted": False,
        "address": "127.0.0.1",
        "headers": {"Host": asked.headers["host"]},
        **seen,
    }
    body = {"bytes": len(asked.body), "digest": "same"} if asked.method == "PUT" else None
    return api("200 OK", seen=fields, body=body, server={"server": "made/1", "websockets": False, "poll_hold_s": 0})


FINE: dict[str, Answer | Answerer] = {
    NIL: lambda _asked: api("401 Unauthorized", code="token_missing"),
    "/proview/init.js": page(LOADER, kind="text/javascript"),
    "/proview/v1/check": told,
    f"{NIL}/signal": api("501 Not Implemented", code="websocket_unsupported"),
    "*": api("404 Not Found", code="not_found"),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made servers never say "100 Continue"; tests/doctor/test_servers.py asks real ones, with patience."""
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.1)


def ask(answers: Mapping[str, Answer | Answerer], make_config: Callable[[str], Config] | None = None) -> ServerReport:
    with running({**FINE, **answers}) as site:
        # 16 MiB, the default, are sent where they are what is asked about.
        config = (
            make_config(site.url)
            if make_config
            else config_for(site.url, server={"public_url": site.url}, limits={"max_piece_mb": 1})
        )
        return check_server(config, site.url)


def finding(report: ServerReport, topic: str) -> Finding:
    return next(found for found in report.findings if found.topic == topic)


def test_a_server_in_order_has_nothing_but_ok() -> None:
    report = ask({})
    assert [f for f in report.findings if f.level is not Level.OK and f.topic != "streaming"] == []
    assert report.ok
    assert (report.facts.upload, report.facts.digest, report.facts.websocket, report.facts.signaling) == (
        "whole",
        "same",
        "refused",
        "http",
    )


def test_plain_words_say_what_works_without_websockets() -> None:
    words = " ".join(f.message for f in ask({}).findings if f.topic == "works")
    assert "WebSockets: no (made/1): browsers use HTTP instead" in words
    assert "commands of proctors arrive within about 3 s" in words
    assert "proview worker" in words


def test_nobody_there_is_one_error() -> None:
    with running() as site:
        pass
    report = check_server(config_for(), site.url)
    assert [f.topic for f in report.findings] == ["connection"]
    assert not report.ok


def test_a_mount_that_is_not_ours_is_named_with_who_answers() -> None:
    report = ask({NIL: page("<h1>Not Found</h1>", "Server: Apache/2.4", status="404 Not Found")})
    assert finding(report, "mount").level is Level.ERROR
    assert "Apache/2.4 answers 404" in finding(report, "mount").message
    assert not report.facts.mounted


def test_a_host_that_the_service_does_not_know_is_named() -> None:
    report = ask({NIL: api("421 Misdirected Request", code="host_unknown")})
    assert finding(report, "host").level is Level.ERROR


@pytest.mark.parametrize(
    ("offset", "level", "words"),
    [(0, Level.OK, "agrees"), (3600, Level.WARNING, "ahead of"), (-60, Level.WARNING, "behind")],
)
def test_clocks_that_differ_are_told(offset: int, level: Level, words: str) -> None:
    date = email.utils.formatdate(time.time() + offset, usegmt=True)
    answer = page(
        b'{"code":"token_missing"}',
        "X-Request-Id: 1",
        f"Date: {date}",
        status="401 Unauthorized",
        kind="application/json",
    )
    found = finding(ask({NIL: answer}), "clock")
    assert found.level is level
    assert words in found.message


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (page(LOADER, kind="text/javascript"), Level.OK, "unchanged"),
        (page(b"minified()", kind="text/javascript"), Level.WARNING, "is not what this version ships"),
        (page("<h1>Login</h1>"), Level.ERROR, "text/html"),
        (page("", status="403 Forbidden"), Level.ERROR, "403"),
    ],
)
def test_our_code_arrives_as_it_is_or_not(answer: bytes, level: Level, words: str) -> None:
    found = finding(ask({"/proview/init.js": answer}), "loader")
    assert found.level is level
    assert words in found.message


def test_caches_that_name_themselves_are_told() -> None:
    assert (
        "Age: 77".lower()
        in finding(ask({"/proview/init.js": page(LOADER, "Age: 77", kind="text/javascript")}), "cache").message
    )


def test_foreign_keys_are_a_warning_and_uploads_are_tried_without() -> None:
    report = ask({"/proview/v1/check": api("401 Unauthorized", code="token_invalid")})
    assert finding(report, "keys").level is Level.WARNING
    assert "refuses it: not_found" in finding(report, "upload").message


@pytest.mark.parametrize(
    ("seen", "server", "wrong"),
    [
        ({}, {}, False),
        ({"headers": {"Host": "127.0.0.1:8000"}}, {}, True),
        (
            {"headers": {"Host": "127.0.0.1:8000", "X-Forwarded-Host": "{host}"}},
            {"trusted_proxies": ["127.0.0.1/32"]},
            False,
        ),
        ({"headers": {"Host": "127.0.0.1:8000", "X-Forwarded-Host": "{host}"}}, {}, True),
        ({"scheme": "https"}, {}, True),
    ],
)
def test_the_address_is_judged_as_pages_are(seen: dict[str, Any], server: dict[str, Any], wrong: bool) -> None:
    def check(asked: Asked) -> bytes:
        filled = json.loads(json.dumps(seen).replace("{host}", asked.headers["host"]))
        return told(asked, **filled)

    found = finding(ask({"/proview/v1/check": check}, lambda url: config_for(url, server=server)), "address")
    assert (found.level is Level.ERROR) is wrong


def test_an_unknown_proxy_in_front_is_told() -> None:
    def check(asked: Asked) -> bytes:
        return told(asked, peer="10.0.0.3", headers={"Host": asked.headers["host"], "X-Forwarded-For": "203.0.113.9"})

    assert "10.0.0.3 is not in server.trusted_proxies" in finding(ask({"/proview/v1/check": check}), "proxies").message
    assert not any(f.topic == "proxies" for f in ask({}).findings)


def test_another_address_than_public_url_is_told() -> None:
    report = ask({}, lambda url: config_for(url, server={"public_url": "https://exam.example.edu"}))
    assert finding(report, "public_url").level is Level.WARNING
    assert not any(f.topic == "public_url" for f in ask({}).findings)


def test_a_proxy_that_refuses_large_bodies_is_named() -> None:
    def check(asked: Asked) -> bytes:
        return (
            page("too large", "Server: nginx", status="413 Payload Too Large") if asked.method == "PUT" else told(asked)
        )

    found = finding(ask({"/proview/v1/check": check}, config_for), "upload")
    assert found.level is Level.ERROR
    assert "nginx refuses a PUT of 16 MiB with 413; raise its limit" in found.message


@pytest.mark.parametrize("code", ["digest_missing", "too_large"])
def test_a_body_that_does_not_come_through_is_an_error(code: str) -> None:
    def check(asked: Asked) -> bytes:
        return api("400 Bad Request", code=code) if asked.method == "PUT" else told(asked)

    assert finding(ask({"/proview/v1/check": check}), "upload").level is Level.ERROR


def test_a_body_cut_on_the_way_is_an_error() -> None:
    def check(asked: Asked) -> bytes:
        return api("200 OK", body={"bytes": 7, "digest": "other"}) if asked.method == "PUT" else told(asked)

    assert "7 arrived, digest other" in finding(ask({"/proview/v1/check": check}), "upload").message


def test_metrics_told_to_this_machine_are_no_error_but_elsewhere_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"/proview/metrics": page(b"proview_errors_total 1\n", kind="text/plain")}
    assert finding(ask(answers), "metrics").level is Level.OK
    monkeypatch.setattr("flask_proview.doctor.server._LOCAL", ("nowhere",))
    assert finding(ask(answers), "metrics").level is Level.ERROR
    assert finding(ask({}), "metrics").message == "not told to strangers"


def test_plain_http_from_elsewhere_is_no_secure_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_proview.doctor.server._LOCAL", ("nowhere",))
    assert finding(ask({}), "https").level is Level.ERROR


@pytest.mark.parametrize(
    ("ready", "level"),
    [
        ({"status": "ok", "media": "ok"}, Level.OK),
        ({"status": "unready", "database": "ok", "storage": "only 3 MiB free"}, Level.ERROR),
    ],
)
def test_readiness_is_told(ready: dict[str, str], level: Level) -> None:
    status = "200 OK" if ready["status"] == "ok" else "503 Service Unavailable"
    assert finding(ask({"/proview/readyz": api(status, **ready)}), "health").level is level


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"worker": "single"}, "one request at a time"),
        ({"background_threads": False}, "enable-threads"),
        ({"multiprocess": True, "bus": "memory"}, "several processes without Redis"),
        ({"websockets": True, "server": "gunicorn/27"}, "gunicorn/27 can, but they do not come through"),
        ({"poll_hold_s": 25}, "at once (held polls)"),
    ],
)
def test_limits_of_the_server_are_told_in_plain_words(facts: dict[str, Any], words: str) -> None:
    report = ask({"/proview/healthz": api("200 OK", status="ok", **facts)})
    assert words in " ".join(f.message for f in report.findings)
    assert words not in " ".join(f.message for f in ask({}).findings)


def test_hostile_answers_are_findings_and_no_crash() -> None:
    for nasty in (
        b"",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\n\r\n[[[[",
        api("200 OK", seen=7),
        page(b"[1]", kind="application/json"),
    ):
        report = ask(
            {
                "/proview/v1/check": nasty,
                "/proview/healthz": nasty,
                "/proview/readyz": nasty,
                "/proview/metrics": nasty,
                f"{NIL}/signal": nasty,
                "/proview/init.js": nasty,
            }
        )
        assert report.facts.mounted


def test_the_document_has_the_documented_shape() -> None:
    document = json.loads(json.dumps(ask({}).as_json()))
    assert document["schema"] == SCHEMA
    assert set(document) == {"schema", "url", "ok", "facts", "findings"}
    assert set(document["facts"]) == {
        "reachable", "mounted", "websocket", "signaling", "server", "seen", "keys_accepted", "upload", "digest", "streaming",
        "chunked", "continues", "clock_difference_s", "ready",
    }  # fmt: skip
    assert all(set(found) == {"level", "topic", "message"} for found in document["findings"])


def test_without_an_address_public_url_is_asked() -> None:
    with running(FINE) as site:
        assert check_server(config_for(server={"public_url": site.url}), "").url == site.url
    for url in ("", "exam.example.edu"):
        with pytest.raises(ConfigError, match="--url"):
            check_server(config_for(), url)
