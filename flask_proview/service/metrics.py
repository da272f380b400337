"""Counters of one web worker, in Prometheus' text format. Names are fixed in the code: no label comes from outside."""

from __future__ import annotations

import threading
from collections import Counter

HELP = {
    "sessions_started": "Sessions created.",
    "sessions_resumed": "Session starts answered with an open session.",
    "sessions_refused": "Session starts refused.",
    "sockets_opened": "Signal sockets that said a valid hello.",
    "sockets_open": "Signal sockets open now.",
    "sockets_overloaded": "Signal sockets closed because the browser did not read.",
    "pieces_stored": "Pieces stored durably.",
    "pieces_replayed": "Pieces sent again with the same bytes.",
    "pieces_refused": "Pieces refused.",
    "piece_bytes": "Bytes of stored pieces.",
    "photos_stored": "Photos stored.",
    "events_stored": "Events stored.",
    "logins": "Logins that succeeded.",
    "logins_refused": "Logins refused.",
    "tickets_issued": "Playback tickets issued.",
    "errors": "Requests that failed for a fault of ours.",
}


class Counters:
    """Thread-safe counters under the names of ``HELP``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Counter[str] = Counter(dict.fromkeys(HELP, 0))

    def add(self, name: str, by: int = 1) -> None:
        if name not in HELP:
            raise KeyError(name)
        with self._lock:
            self._values[name] += by

    def value(self, name: str) -> int:
        return self._values[name]

    def exposition(self) -> str:
        """The text of ``/metrics`` (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
        with self._lock:
            values = dict(self._values)
        lines = []
        for name, text in HELP.items():
            gauge = name == "sockets_open"
            metric = f"proview_{name}" + ("" if gauge else "_total")
            lines += [f"# HELP {metric} {text}", f"# TYPE {metric} {'gauge' if gauge else 'counter'}"]
            lines.append(f"{metric} {values[name]}")
        return "\n".join(lines) + "\n"
