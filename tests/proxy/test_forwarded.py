"""Who asked, as the application is told."""

from __future__ import annotations

from typing import Any

from .asking import ask
from .upstream import Upstream, fields


def test_forwarded_fields_of_a_stranger_are_replaced() -> None:
    with Upstream() as upstream:
        ask(
            upstream,
            environ={"REMOTE_ADDR": "203.0.113.9"},
            X_Forwarded_For="1.2.3.4",
            X_Forwarded_Proto="https",
            X_Forwarded_Host="evil.test",
            Forwarded="for=1.2.3.4",
            X_Real_IP="1.2.3.4",
        )
    sent = fields(upstream.requests[0])
    assert sent["x-forwarded-for"] == "203.0.113.9"
    assert (sent["x-forwarded-proto"], sent["x-forwarded-host"], sent["x-forwarded-port"]) == (
        "http",
        "exam.test",
        "80",
    )
    assert sent["forwarded"] == "for=203.0.113.9;host=exam.test;proto=http"
    assert "x-real-ip" not in sent


def test_forwarded_fields_of_a_trusted_proxy_are_continued() -> None:
    with Upstream() as upstream:
        ask(
            upstream,
            server={"trusted_proxies": ["10.0.0.0/8"]},
            environ={"REMOTE_ADDR": "10.1.2.3"},
            X_Forwarded_For="203.0.113.9",
            X_Forwarded_Proto="https",
            X_Forwarded_Host="exam.example.edu",
        )
    sent = fields(upstream.requests[0])
    assert sent["x-forwarded-for"] == "203.0.113.9, 10.1.2.3"
    assert (sent["x-forwarded-proto"], sent["x-forwarded-host"], sent["x-forwarded-port"]) == (
        "https",
        "exam.example.edu",
        "443",
    )


CLAIMS: dict[str, Any] = {
    "X_Original_URL": "/unprotected",
    "X_Rewrite_URL": "/unprotected",
    "X_Forwarded_User": "admin",
    "X_Forwarded_Prefix": "/x",
    "X_Client_IP": "1.2.3.4",
    "Front_End_Https": "on",
}


def test_a_stranger_can_claim_no_other_address_user_or_prefix() -> None:
    with Upstream() as upstream:
        ask(upstream, environ={"REMOTE_ADDR": "203.0.113.9"}, **CLAIMS)
    assert not {name.replace("_", "-").lower() for name in CLAIMS} & set(fields(upstream.requests[0]))


def test_a_trusted_proxy_can() -> None:
    with Upstream() as upstream:
        trusted = {"trusted_proxies": ["10.0.0.0/8"]}
        ask(upstream, server=trusted, environ={"REMOTE_ADDR": "10.1.2.3"}, **CLAIMS)
    assert fields(upstream.requests[0])["x-forwarded-user"] == "admin"


def test_addresses_of_ip_version_6_are_quoted_in_forwarded_only() -> None:
    with Upstream() as upstream:
        ask(upstream, environ={"REMOTE_ADDR": "2001:db8::7", "HTTP_HOST": "exam.test:8443"})
    sent = fields(upstream.requests[0])
    assert sent["x-forwarded-for"] == "2001:db8::7"
    assert sent["forwarded"] == 'for="[2001:db8::7]";host="exam.test:8443";proto=http'
    assert sent["x-forwarded-port"] == "8443"


def test_a_broken_chain_from_a_trusted_proxy_begins_anew() -> None:
    with Upstream() as upstream:
        ask(
            upstream,
            server={"trusted_proxies": ["10.0.0.0/8"]},
            environ={"REMOTE_ADDR": "10.1.2.3"},
            X_Forwarded_For="<script>, 1.2.3.4",
        )
    assert fields(upstream.requests[0])["x-forwarded-for"] == "10.1.2.3"
