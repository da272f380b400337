from __future__ import annotations

from types import SimpleNamespace

import pytest

from flask_proview.config import load_config
from flask_proview.service.signal.peer import LIMIT_GRACE_MS, Peer
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Session


@pytest.mark.parametrize(
    ("on_limit", "minutes_ago", "is_over"),
    [
        ("stop", 29, False),
        ("stop", 30.5, False),
        ("stop", 31.5, True),
        ("rollover", 31.5, False),
        ("rollover", 600, False),
    ],
)
def test_only_a_session_that_is_to_stop_is_cut_off_at_the_limit(
    on_limit: str, minutes_ago: float, is_over: bool
) -> None:
    config = load_config({"secrets": {"keys": ["k" * 40]}, "limits": {"session_minutes": 30, "on_limit": on_limit}}, {})
    peer = Peer.__new__(Peer)
    peer._runtime = SimpleNamespace(config=config)  # type: ignore[assignment]
    assert LIMIT_GRACE_MS == 60_000
    session = Session(started_at=now_ms() - round(minutes_ago * 60_000))
    assert peer._is_over_the_limit(session) is is_over
