"""``proview check``: the installation, the pages of the application in front of which it stands, a running server.

Nothing here changes anything: configuration, database and disk are looked at, pages are asked for with GET (and, when the
operator says so, one login form is posted), a running server is asked for what it must refuse.
"""

from __future__ import annotations

from .findings import Finding, Level
from .installation import examine

__all__ = ["Finding", "Level", "examine"]
