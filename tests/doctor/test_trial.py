"""The verdict is the middleware's own; here: that its words are told right."""

from __future__ import annotations

import gzip

import pytest

from flask_proview.doctor.client import Answer
from flask_proview.doctor.trial import FoundId, Trial, Verdict, environ_of
from flask_proview.origins import Origin

from .site import config_for

HERE = Origin("https", "exam.example.edu", 443)
PAGE = b"<!doctype html><title>x</title>"


def verdict(
    target: str = "/exam/7/q",
    *headers: tuple[str, str],
    body: bytes = PAGE,
    status: int = 200,
    framed: bool = False,
    cookies: str = "",
    asked: tuple[tuple[str, str], ...] = (),
    origin: Origin = HERE,
    **route: object,
) -> Verdict:
    lines = list(headers) if any(n == "Content-Type" for n, _ in headers) else [("Content-Type", "text/html"), *headers]
    answer = Answer(status, "OK", lines, body, "whole", 0.0)
    trial = Trial(config_for(**route), origin)  # type: ignore[arg-type]
    return trial.run(environ_of(origin, target, cookies, asked), answer, framed=framed)


def test_pages_of_no_route_are_unmatched() -> None:
    assert verdict("/help").outcome == "unmatched"
    assert verdict("/proview/init.js").outcome == "unmatched"
    off = verdict(mode="off")
    assert (off.outcome, off.route, off.mode) == ("unmatched", "exam", "off")


def test_an_inline_page_is_injected_and_its_headers_are_told() -> None:
    found = verdict("/exam/7/q", ("Content-Security-Policy", "script-src 'none'"))
    assert (found.outcome, found.route, found.mode, found.role, found.shell) == (
        "injected",
        "exam",
        "inline",
        "page",
        False,
    )
    assert any(name == "Content-Security-Policy" and "'nonce-" in value for name, value in found.changed)
    assert not any(name == "Set-Cookie" for name, _ in found.changed)


def test_a_page_in_frame_mode_gets_a_shell_and_the_tag_inside() -> None:
    found = verdict("/exam/7/q", ("X-Frame-Options", "DENY"), mode="frame")
    assert (found.outcome, found.shell) == ("injected", True)
    assert ("X-Frame-Options", "SAMEORIGIN") in found.changed


def test_a_page_found_in_a_frame_needs_no_shell() -> None:
    assert verdict(mode="frame", framed=True).shell is False


def test_a_stop_page_is_one() -> None:
    assert verdict("/exam/7/done", stop_paths=["/exam/<attempt>/done"]).role == "stop"


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (["path:attempt"], FoundId("path:attempt", "7")),
        (["cookie:none", "query:id"], FoundId("query:id", "q9")),
        (["cookie:sid"], FoundId("cookie:sid", "(6 characters)")),
        (["header:X-User"], FoundId("header:X-User", "(3 characters)")),
        (["response-header:X-Session"], FoundId("response-header:X-Session", "(2 characters)")),
    ],
)
def test_ids_are_told_with_their_source_and_secrets_are_not_shown(sources: list[str], found: FoundId) -> None:
    result = verdict(
        "/exam/7/q?id=q9", ("X-Session", "s1"), cookies="sid=secret", asked=(("X-User", "ann"),), session=sources
    )
    assert (result.outcome, result.session) == ("injected", found)


def test_refusals_name_the_sources_that_were_tried() -> None:
    found = verdict(session=["cookie:sid", "query:id"])
    assert (found.outcome, found.reason, found.detail) == (
        "refused",
        "identity",
        "no session id in cookie:sid, query:id",
    )
    assert verdict(origin=Origin("http", "exam.example.edu", 80)).reason == "domain"


def test_what_only_the_server_knows_is_no_refusal() -> None:
    assert verdict(session=["environ:REMOTE_USER"]).outcome == "unknown"


def test_json_shown_in_a_frame_is_refused_by_the_middleware_itself() -> None:
    found = verdict(body=b'{"a":1}', framed=True)
    assert (found.outcome, found.reason, found.detail) == ("refused", "fault", "does not look like a page")


@pytest.mark.parametrize(
    ("headers", "status", "body", "why"),
    [
        ([], 302, b"", "redirect (302)"),
        ([("Content-Type", "application/pdf")], 200, b"%PDF", "not HTML (application/pdf)"),
        ([("Content-Disposition", "attachment; filename=x")], 200, PAGE, "a download (Content-Disposition)"),
        ([], 206, PAGE, "status 206"),
        ([("WWW-Authenticate", "NTLM")], 401, PAGE, "status 401 of a login handshake"),
        ([("Content-Length", "0")], 200, b"", "an empty answer"),
        ([("X-Proview-Injected", "exam")], 200, PAGE, "injected already, by an installation nearer to the application"),
    ],
)
def test_what_is_left_alone_has_a_reason(headers: list[tuple[str, str]], status: int, body: bytes, why: str) -> None:
    found = verdict("/exam/7/q", *headers, status=status, body=body)
    assert (found.outcome, found.detail) == ("skipped", why)


def test_error_pages_and_compressed_pages_are_injected() -> None:
    assert verdict(status=500).outcome == "injected"
    assert verdict("/exam/7/q", ("Content-Encoding", "gzip"), body=gzip.compress(PAGE)).outcome == "injected"
    assert verdict("/exam/7/q", ("Content-Encoding", "gzip"), body=gzip.compress(PAGE * 999)[:40]).outcome in (
        "injected",
        "refused",
    )


def test_one_trial_after_another_keeps_nothing() -> None:
    trial = Trial(config_for(session=["cookie:sid"]), HERE)
    answer = Answer(200, "OK", [("Content-Type", "text/html")], PAGE, "whole", 0.0)
    outcomes = [trial.run(environ_of(HERE, "/exam/7/q", cookies, ()), answer).outcome for cookies in ("", "sid=1", "")]
    assert outcomes == ["refused", "injected", "refused"]
