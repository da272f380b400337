"""One log format for all processes, on stderr; tokens are cut out of every line."""

from __future__ import annotations

import logging
import os
import re

# itsdangerous tokens and long opaque values in URLs: a log is read by people who must not be able to replay them.
_TOKEN = re.compile(r"(eyJ[\w-]{8})[\w.-]{20,}|((?:token|ticket|launch)=)[^&\s\"']+", re.I)


class RedactingFilter(logging.Filter):
    """Replaces token-shaped text in the finished message."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        redacted = _TOKEN.sub(lambda m: (m[1] or m[2]) + "…", message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


def set_up_logging() -> None:
    """Level from PROVIEW_LOG_LEVEL (default INFO); the only variable that is not a setting, being needed before they are read."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s"))
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(os.environ.get("PROVIEW_LOG_LEVEL", "INFO").upper())
    for noisy in ("aioice", "aiortc", "huey", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
