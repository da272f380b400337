from __future__ import annotations

import pytest

from flask_proview.config import load_config
from flask_proview.service.limit import LIMIT_GRACE_MS, is_over_the_limit
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Session


@pytest.mark.parametrize(
    ("on_limit", "state", "minutes_ago", "is_over"),
    [
        ("stop", "running", 29, False),
        ("stop", "running", 30.5, False),
        ("stop", "running", 31.5, True),
        ("stop", "stopped", 31.5, False),
        ("rollover", "running", 31.5, False),
        ("rollover", "running", 600, False),
    ],
)
def test_only_a_session_that_is_to_stop_is_cut_off_at_the_limit(
    on_limit: str, state: str, minutes_ago: float, is_over: bool
) -> None:
    config = load_config({"secrets": {"keys": ["k" * 40]}, "limits": {"session_minutes": 30, "on_limit": on_limit}}, {})
    assert LIMIT_GRACE_MS == 60_000
    session = Session(started_at=now_ms() - round(minutes_ago * 60_000), state=state)
    assert is_over_the_limit(config, session) is is_over
