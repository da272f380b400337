"""Configuration: one table (:mod:`.table`), its parsers and its readers. ``load_config`` is the way in."""

from __future__ import annotations

from .load import Source, load_config, redacted
from .table import Account, Address, Capture, Config, Limits, Route, Video

__all__ = ["Account", "Address", "Capture", "Config", "Limits", "Route", "Source", "Video", "load_config", "redacted"]
