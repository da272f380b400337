"""Permissions-Policy and Feature-Policy let the page itself capture, and nobody else."""

from __future__ import annotations

import pytest

from flask_proview.middleware.permissions import admit_in_feature_policy, admit_in_permissions_policy

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
