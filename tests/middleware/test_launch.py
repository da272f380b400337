"""Launch cookies: one per candidate, page origin and route, handed out again while it is fresh."""

from __future__ import annotations

from dataclasses import replace
from http.cookies import SimpleCookie
from unittest import mock

import pytest

from flask_proview.config import Config, load_config
from flask_proview.middleware import launch
from flask_proview.middleware.identity import Identity
from flask_proview.middleware.launch import LaunchCookies, LaunchTooLong
from flask_proview.origins import Origin
from flask_proview.tokens import Kind, TokenSigner

HERE = Origin("https", "exam.example.edu", 443)
ANNA = Identity("attempt-7", "anna")


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(
        {
            "secrets": {"keys": ["k" * 40]},
            "limits": {"launch_minutes": 100},
            "accounts": [{"name": "main", "token": "b3f6224e-d072", "domains": ["exam.example.edu"]}],
            "routes": [{"path": "/exam/<attempt>", "session": "path:attempt"}, {"path": "/b", "session": "literal:b"}],
        },
        {},
    )


@pytest.fixture
def cookies(config: Config) -> LaunchCookies:
    return LaunchCookies(config, TokenSigner(config.secrets.keys))


def made(cookies: LaunchCookies, config: Config, identity: Identity = ANNA, route: int = 0, origin: Origin = HERE, root: str = "") -> str:  # fmt: skip
    return cookies.cookie(config.routes[route], config.accounts[0], identity, origin, root)


def test_a_candidate_who_comes_back_soon_gets_the_same_cookie(cookies: LaunchCookies, config: Config) -> None:
    with mock.patch.object(launch, "monotonic", return_value=1000.0) as clock:
        first = made(cookies, config)
        clock.return_value = 1000.0 + 599
        assert made(cookies, config) == first
        clock.return_value = 1000.0 + 601
        assert made(cookies, config) != first


def test_at_its_last_use_the_token_outlives_the_cookie(cookies: LaunchCookies, config: Config) -> None:
    morsel = SimpleCookie(made(cookies, config))["proview_launch_r0"]
    claims = TokenSigner(config.secrets.keys).read(Kind.LAUNCH, morsel.value)
    life_s, reused_s = claims["exp"] - claims["iat"], 600
    assert int(morsel["max-age"]) + reused_s <= life_s + 1


def test_nobody_gets_the_cookie_of_another_page_or_person(cookies: LaunchCookies, config: Config) -> None:
    other = Origin("https", "exam.example.edu", 8443)
    variants = [
        made(cookies, config),
        made(cookies, config, Identity("attempt-8", "anna")),
        made(cookies, config, Identity("attempt-7", "bea")),
        made(cookies, config, Identity("attempt-7", None)),
        made(cookies, config, route=1),
        made(cookies, config, origin=other),
        made(cookies, config, root="/app"),
    ]
    assert len(set(variants)) == len(variants)


def test_memory_is_bounded(cookies: LaunchCookies, config: Config) -> None:
    with mock.patch.object(launch, "_REMEMBERED", 10):
        for number in range(100):
            made(cookies, config, Identity(str(number), None))
        assert len(cookies._made) <= 10


def test_ids_that_do_not_fit_are_never_remembered(cookies: LaunchCookies, config: Config) -> None:
    long = replace(config.accounts[0], title="t" * 3000)
    for _ in range(2):
        with pytest.raises(LaunchTooLong):
            cookies.cookie(config.routes[0], long, ANNA, HERE, "")
