"""Permissions-Policy and Feature-Policy let the page itself capture, and nobody else."""

from __future__ import annotations

import pytest

from flask_proview.middleware.permissions import (
    admit_in_feature_policy,
    admit_in_integrity_policy,
    admit_in_permissions_policy,
)

from .site import PAGE, Site, answering


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("camera=()", "camera=(self)"),
        ("camera=(), microphone=(), geolocation=()", "camera=(self), microphone=(self), geolocation=()"),
        ("display-capture=( ),fullscreen=()", "display-capture=(self), fullscreen=(self)"),
        ('camera=("https://x.example")', 'camera=(self "https://x.example")'),
        ('camera=("https://self")', 'camera=(self "https://self")'),
        ("camera=(self)", "camera=(self)"),
        ("camera=self", "camera=self"),
        ("camera=*", "camera=*"),
        ("camera=(src)", "camera=(self src)"),
        ("camera=();report-to=x, geolocation=()", "camera=(self);report-to=x, geolocation=()"),
        ("geolocation=()", "geolocation=()"),
        ("camera", "camera=(self)"),
        ("camera;report-to=x, microphone=?0", "camera=(self);report-to=x, microphone=(self)"),
        ('camera=("a\\"b" self)', 'camera=("a\\"b" self)'),
        ('camera=("a\\"b)")', 'camera=(self "a\\"b)")'),
        ('camera=();note="a, b", microphone=()', 'camera=(self);note="a, b", microphone=(self)'),
        ("Camera=()", "Camera=()"),
        ("camera=(), ;", "camera=(), ;"),
        ("camera=(", "camera=("),
        ("camera 'none'", "camera 'none'"),
        ("", ""),
    ],
)
def test_permissions_policy(value: str, expected: str) -> None:
    assert admit_in_permissions_policy(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("camera 'none'", "camera 'self'"),
        (
            "camera 'none'; microphone https://x.example; geolocation 'none'",
            "camera 'self'; microphone 'self' https://x.example; geolocation 'none'",
        ),
        ("camera 'self'; microphone *", "camera 'self'; microphone *"),
        ("camera 'none', fullscreen 'none'", "camera 'self', fullscreen 'self'"),
        ("camera", "camera"),
        ("", ""),
    ],
)
def test_feature_policy(value: str, expected: str) -> None:
    assert admit_in_feature_policy(value) == expected


def test_every_header_of_a_page_is_changed() -> None:
    headers = [
        ("Permissions-Policy", "camera=(self)"),
        ("Permissions-Policy", "camera=()"),
        ("Feature-Policy", "camera 'none'"),
    ]
    response = Site(answering(PAGE, *headers)).get()
    assert response.headers.getlist("Permissions-Policy") == ["camera=(self)", "camera=(self)"]
    assert response.headers["Feature-Policy"] == "camera 'self'"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("blocked-destinations=(script)", "blocked-destinations=()"),
        (
            "blocked-destinations=(script style), endpoints=(ours)",
            "blocked-destinations=(style), endpoints=(ours)",
        ),
        (
            "sources=(inline), blocked-destinations=( style  script );a=1",
            "sources=(inline), blocked-destinations=(style);a=1",
        ),
        ("blocked-destinations=(style)", "blocked-destinations=(style)"),
        ("blocked-destinations", "blocked-destinations"),
        ("blocked-destinations=(script", "blocked-destinations=(script"),
        ("", ""),
    ],
)
def test_integrity_policy_lets_scripts_without_metadata_run(value: str, expected: str) -> None:
    assert admit_in_integrity_policy(value) == expected


def test_report_only_twins_are_changed_alike_so_that_we_cause_no_reports() -> None:
    response = Site(
        answering(
            PAGE,
            ("Permissions-Policy-Report-Only", "camera=();report-to=x"),
            ("Integrity-Policy-Report-Only", "blocked-destinations=(script), endpoints=(x)"),
        )
    ).get()
    assert response.headers["Permissions-Policy-Report-Only"] == "camera=(self);report-to=x"
    assert response.headers["Integrity-Policy-Report-Only"] == "blocked-destinations=(), endpoints=(x)"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "value",
    [
        "camera=()" + ";" * 100_000 + '"',
        "camera=(" + '"' * 100_001,
        "camera=(" + " " * 100_000 + '"',
        ", ".join(["camera=()"] * 50_000) + ", (",
        'camera=();a="' + "\\" * 100_001,
    ],
)
def test_hostile_headers_take_linear_time_and_stay_as_they_are(value: str) -> None:
    assert admit_in_permissions_policy(value) == value
    assert admit_in_integrity_policy(value) == value
