"""How many runs and pieces a session has. Bytes are not the only thing that a hostile browser could use up: a run is a file,
a piece is a row, and both may be one byte long.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from flask_proview.sessions.models import Piece, Run

# Honest sessions: a run for each page of an exam and device change, a piece a second and track (24 h of 250 ms are 700,000).
MAX_RUNS = 5_000
MAX_PIECES = 1_000_000
REMEMBERED_SESSIONS = 2_000


@dataclass(slots=True)
class _Counts:
    uuid: str
    runs: set[tuple[str, int]] = field(default_factory=set)
    pieces: int = 0


class Counts:
    """Read from the rows when a session is first seen, then counted here: exact for one process, near enough for several."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[int, _Counts] = OrderedDict()

    def load(self, connection: Connection, uuids: Mapping[int, str]) -> None:
        """Make sure that these sessions are known."""
        for session_id, uuid in uuids.items():
            known = self._sessions.get(session_id)
            if known is not None and known.uuid == uuid:
                self._sessions.move_to_end(session_id)
                continue
            runs = connection.execute(select(Run.track, Run.run).where(Run.session_id == session_id))
            pieces = select(func.count()).select_from(Piece).where(Piece.session_id == session_id)
            self._sessions[session_id] = _Counts(uuid, {(r.track, r.run) for r in runs}, connection.scalar(pieces) or 0)
        while len(self._sessions) > REMEMBERED_SESSIONS:
            self._sessions.popitem(last=False)

    def admits(self, session_id: int, track: str, run: int) -> bool:
        """Count one more piece, unless it is one too many."""
        counts = self._sessions.get(session_id)
        if counts is None:
            return True
        if counts.pieces >= MAX_PIECES:
            return False
        if (track, run) not in counts.runs:
            if len(counts.runs) >= MAX_RUNS:
                return False
            counts.runs.add((track, run))
        counts.pieces += 1
        return True
