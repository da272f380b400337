from __future__ import annotations

from pathlib import Path

import pytest

from flask_proview.service.forwarded import LOCAL, Forwarded, is_within

from .build import make_config


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.1", "evil, <script>", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_the_client_is_the_first_untrusted_hop_from_the_right(
    tmp_path: Path, peer: str, header: str, address: str
) -> None:
    forwarded = Forwarded(make_config(tmp_path, server={"trusted_proxies": ["10.0.0.0/8"]}))
    assert forwarded.address({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": header}) == address


def test_scheme_and_host_are_believed_from_trusted_proxies_only(tmp_path: Path) -> None:
    forwarded = Forwarded(make_config(tmp_path, server={"trusted_proxies": ["10.0.0.0/8"]}))
    environ = {
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "inner:8000",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "exam.example.edu",
    }
    assert str(forwarded.origin({**environ, "REMOTE_ADDR": "10.1.1.1"})) == "https://exam.example.edu"
    assert str(forwarded.origin({**environ, "REMOTE_ADDR": "8.8.8.8"})) == "http://inner:8000"
    assert forwarded.origin({**environ, "REMOTE_ADDR": "8.8.8.8", "HTTP_HOST": "a b"}) is None


def test_mapped_addresses_count_as_ipv4_and_nonsense_as_nowhere() -> None:
    assert is_within("::ffff:127.0.0.1", LOCAL)
    assert is_within("::1", LOCAL)
    assert not is_within("128.0.0.1", LOCAL)
    assert not is_within("", LOCAL)
