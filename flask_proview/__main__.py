"""``python -m flask_proview`` is ``proview``."""

from __future__ import annotations

from .cli import main

main()
