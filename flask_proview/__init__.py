"""Self-hosted online proctoring for web applications that nobody wants to touch.

``from flask_proview import Proview, ProviewMiddleware``. Both are imported lazily: ``flask_proview.middleware`` alone
needs no Flask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .extension import Proview, ProviewMiddleware

__all__ = ["Proview", "ProviewMiddleware", "__version__"]


def __getattr__(name: str) -> object:
    if name in ("Proview", "ProviewMiddleware"):
        from . import extension

        return getattr(extension, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
