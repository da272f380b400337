"""Which switches a session has: type, then account, then route."""

from __future__ import annotations

from typing import Any

import pytest

from flask_proview.config import load_config
from flask_proview.config.load import redacted
from flask_proview.config.session_types import TypePolicy, type_policy
from flask_proview.errors import ConfigError


def policy(session_type: str, account: dict[str, Any] | None = None, route: dict[str, Any] | None = None) -> TypePolicy:
    config = load_config(
        {
            "secrets": {"keys": ["k" * 40]},
            "accounts": [{"name": "a", "token": "b3f6224e-d072", "domains": ["exam.example.edu"], **(account or {})}],
            "routes": [{"path": "/exam/<attempt>", "session": "path:attempt", **(route or {})}],
        },
        {},
    )
    redacted(config)
    return type_policy(config.accounts[0], config.routes[0], session_type)


EVERYTHING = TypePolicy(screen=True, id_photo=True, face_photo=True, audio_check=True, approval=True)


@pytest.mark.parametrize(
    ("session_type", "expected"),
    [("ai_proctor", TypePolicy()), ("record_and_review", TypePolicy(screen=True)), ("live_proctor", EVERYTHING)],
)
def test_types_differ_by_default(session_type: str, expected: TypePolicy) -> None:
    assert policy(session_type) == expected


def test_an_account_changes_one_type_only() -> None:
    account = {"types": {"live_proctor": {"approval": False, "id_photo": False, "screen": False}}}
    assert policy("live_proctor", account) == TypePolicy(face_photo=True, audio_check=True)
    assert policy("ai_proctor", account) == TypePolicy()


def test_a_route_has_the_last_word() -> None:
    account = {"types": {"ai_proctor": {"face_photo": True, "audio_check": True}}}
    route = {"face_photo": False, "screen": True}
    assert policy("ai_proctor", account, route) == TypePolicy(screen=True, audio_check=True)


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("live", "expected a table"),
        ({"live": {}}, "'live' is not a session type"),
        ({"live_proctor": True}, "must be a table"),
        ({"live_proctor": {"aproval": True}}, "'aproval' is not a switch"),
        ({"live_proctor": {"approval": "perhaps"}}, "live_proctor:"),
    ],
)
def test_mistakes_are_named(types: object, said: str) -> None:
    with pytest.raises(ConfigError, match="types") as raised:
        policy("ai_proctor", {"types": types})
    assert said in str(raised.value)
