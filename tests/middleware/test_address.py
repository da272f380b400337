"""What is remembered of protected addresses: never one address for another, no refusal swallowed, and no more than a bound."""

from __future__ import annotations

from typing import Any

import pytest

from flask_proview.middleware import address
from flask_proview.middleware.address import Address, Addresses
from flask_proview.middleware.identity import UNREAD, Identity
from flask_proview.middleware.observer import Refusal

from .site import ROUTE, Site, answering, config, tag_of


def environ(path: str = "/exam/7/take", **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": "", "HTTP_HOST": "exam.example.com", "wsgi.url_scheme": "https", **more
    }  # fmt: skip


def found(addresses: Addresses, path: str = "/exam/7/take", **more: Any) -> Address:
    result = addresses.of(environ(path, **more), path, "GET")
    assert isinstance(result, Address)
    return result


def test_every_part_of_an_address_tells_it_from_others() -> None:
    addresses = Addresses(
        config(domains=["https://exam.example.com", "http://exam.example.com", "https://b.example.com"])
    )
    variants = [
        found(addresses),
        found(addresses, "/exam/8/take"),
        found(addresses, HTTP_HOST="b.example.com"),
        found(addresses, **{"wsgi.url_scheme": "http"}),
        found(addresses, SCRIPT_NAME="/app"),
    ]
    assert len({(a.match.variables["attempt"], a.origin, a.script_root, a.tag) for a in variants}) == len(variants)
    assert found(addresses) is variants[0]


def test_ids_of_path_and_configuration_are_read_once_and_others_with_each_request() -> None:
    fixed = found(Addresses(config({**ROUTE, "profile": "literal:all"})))
    assert fixed.identity == Identity("7", "all")
    mixed = found(Addresses(config({**ROUTE, "profile": ["path:nothing", "cookie:uid"]})))
    assert (mixed.session, mixed.profile, mixed.identity) == ("7", UNREAD, None)
    first = found(Addresses(config({**ROUTE, "session": ["cookie:sid", "path:attempt"]})))
    assert first.session is UNREAD


def test_candidates_of_one_address_are_not_mixed_up() -> None:
    site = Site(answering(), config({**ROUTE, "session": "cookie:sid"}))
    cookies = [site.get(Cookie=f"sid={name}").headers["Set-Cookie"] for name in ("anna", "bea", "anna")]
    assert cookies[0] == cookies[2] != cookies[1]


def test_a_refusal_is_reported_for_every_request() -> None:
    site = Site(answering())
    for number in range(3):
        assert tag_of(site) not in site.get(base="https://elsewhere.example.com").data
        assert len(site.observer.refusals) == number + 1
    assert {r.reason for r in site.observer.refusals} == {"domain"}


def test_an_address_without_a_session_is_a_refusal() -> None:
    addresses = Addresses(config({**ROUTE, "session": "path:nothing"}))
    result = addresses.of(environ(), "/exam/7/take", "GET")
    assert isinstance(result, Refusal)
    assert (result.reason, result.detail) == ("identity", "no session id in path:nothing")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_ADDRESSES_REMEMBERED", 10)
    addresses = Addresses(config())
    for number in range(50):
        found(addresses, f"/exam/{number}/take")
    root = "/" + "x" * 2000
    assert found(addresses, SCRIPT_NAME=root).script_root == root
    assert addresses._remembered.cache_info().currsize == 10
