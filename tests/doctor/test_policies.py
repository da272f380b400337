from __future__ import annotations

import pytest

from flask_proview.doctor.policies import FRESH, HeaderChange, header_changes, meta_policy_obstacle
from flask_proview.middleware.csp import Site

SITE = Site("https://exam.example.edu", "/proview")
CSP = "Content-Security-Policy"


def test_only_the_directives_that_differ_are_told() -> None:
    changes = header_changes(
        [(CSP, "img-src *; connect-src 'none'")], [(CSP, "img-src *; connect-src 'self'; media-src blob:")]
    )
    assert changes == [
        HeaderChange(CSP, ("img-src *; connect-src 'none'",), ("img-src *; connect-src 'self'; media-src blob:",))
    ]
    assert changes[0].words() == ["connect-src 'none' → connect-src 'self'", "(none) → media-src blob:"]


def test_headers_that_stay_are_not_told() -> None:
    assert (
        header_changes(
            [(CSP, "img-src *"), ("X-Other", "1")], [("content-security-policy", "img-src *"), ("X-Other", "2")]
        )
        == []
    )


def test_a_new_nonce_is_told_alike_each_time_and_the_pages_own_as_it_is() -> None:
    before = [(CSP, "script-src 'nonce-page'")]
    after = [(CSP, "script-src 'nonce-page' 'nonce-r4nd0m'")]
    assert header_changes(before, after)[0].after == (f"script-src 'nonce-page' {FRESH}",)


def test_policies_of_one_header_are_kept_apart() -> None:
    change = HeaderChange(CSP, ("img-src a, img-src b",), ("img-src a, img-src c",))
    assert change.words() == ["img-src b → img-src c"]


def test_permissions_are_told_by_feature() -> None:
    change = HeaderChange("Permissions-Policy", ("camera=(), usb=()",), ("camera=(self), usb=()",))
    assert change.words() == ["camera=() → camera=(self)"]


def test_plain_headers_are_told_whole() -> None:
    assert HeaderChange("Cache-Control", ("public",), ("private, no-cache",)).words() == ["public → private, no-cache"]


@pytest.mark.parametrize(
    ("policy", "obstacle"),
    [
        ("img-src 'none'; script-src 'none'", None),
        ("connect-src 'self'", None),
        ("default-src 'none'; connect-src https://exam.example.edu", None),
        ("default-src *", None),
        ("connect-src 'none'", "connect-src 'none'"),
        ("DEFAULT-SRC  'none'; sandbox", "default-src 'none'"),
        ("connect-src https://other.example", "connect-src https://other.example"),
    ],
)
def test_a_meta_policy_is_an_obstacle_only_where_a_page_cannot_report(policy: str, obstacle: str | None) -> None:
    assert meta_policy_obstacle(policy, SITE) == obstacle


def test_integrity_policies_are_told() -> None:
    change = HeaderChange(
        "Integrity-Policy",
        ("blocked-destinations=(script), endpoints=(a)",),
        ("blocked-destinations=(), endpoints=(a)",),
    )
    assert change.words() == ["blocked-destinations=(script) → blocked-destinations=()"]
