"""What stands between the browser and the application: pure WSGI, no framework.

:class:`InjectMiddleware` puts the proctoring tag into protected pages; :mod:`.proxy` is the reverse proxy it can stand before.
"""

from __future__ import annotations

from .inject import InjectMiddleware
from .observer import LogObserver, Observer, Refusal, StopReached

__all__ = ["InjectMiddleware", "LogObserver", "Observer", "Refusal", "StopReached"]
