"""The longest session, enforced by the server where the browser should have stopped by itself."""

from __future__ import annotations

from flask_proview.config import Config
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import OPEN_STATES, Session

# A browser that should have rolled over or stopped by itself gets this much longer before the server does it.
LIMIT_GRACE_MS = 60_000


def is_over_the_limit(config: Config, session: Session) -> bool:
    """Whether the session is to be stopped now. Where it should roll over, the browser decides: an exam is never cut off by us."""
    if config.limits.on_limit != "stop" or session.state not in OPEN_STATES:
        return False
    return now_ms() - session.started_at > config.limits.session_minutes * 60_000 + LIMIT_GRACE_MS
