"""The table of damaged pieces: what scrub, recovery and finalise found out, and that recordings have to go round it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as OrmSession

from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Damage, Recording, Session

Found = tuple[str, int, int, str]  # track, run, seq, what


def add_damages(db: Database, session_id: int, found: Sequence[Found]) -> int:
    """Record what was not known yet, and wish the recordings of an ended session made again; how many were new."""
    with db.write() as orm:
        known = {(d.track, d.run, d.seq) for d in orm.scalars(select(Damage).where(Damage.session_id == session_id))}
        new = [item for item in found if item[:3] not in known]
        now = now_ms()
        orm.add_all(
            Damage(session_id=session_id, track=track, run=run, seq=seq, what=what, found_at=now)
            for track, run, seq, what in new
        )
        if new:
            _wish(orm, session_id)
    return len(new)


def remove_damages(db: Database, session_id: int, pieces: Sequence[tuple[str, int, int]]) -> int:
    """Pieces that were found whole again (a disk came back, a backup was put in place)."""
    with db.write() as orm:
        count = 0
        for track, run, seq in pieces:
            ours = (Damage.session_id == session_id, Damage.track == track, Damage.run == run, Damage.seq == seq)
            count += orm.execute(delete(Damage).where(*ours).returning(Damage.seq)).all() != []
        if count:
            _wish(orm, session_id)
    return count


def wish_finalise(db: Database, session_id: int) -> None:
    """The recordings of an ended session are to be made again."""
    with db.write() as orm:
        _wish(orm, session_id)


def withdraw_recording(db: Database, row: Recording) -> bool:
    """A finished file that is not what was made is shown no more, for playback follows the row, and is to be made again.

    False when finalise has replaced file and row meanwhile: then nothing is done.
    """
    with db.write() as orm:
        found = orm.get(Recording, (row.session_id, row.track))
        if found is None or found.sha256 != row.sha256:
            return False
        orm.delete(found)
        _wish(orm, row.session_id)
    return True


def damage_count(db: Database, session_id: int) -> int:
    with db.read() as orm:
        return orm.scalar(select(func.count()).select_from(Damage).where(Damage.session_id == session_id)) or 0


def _wish(orm: OrmSession, session_id: int) -> None:
    row = orm.scalars(select(Session).where(Session.id == session_id).with_for_update()).first()
    if row is not None and row.ended_at is not None:
        row.finalise_wanted_at = max(now_ms(), (row.finalised_at or 0) + 1, (row.finalise_wanted_at or 0) + 1)
