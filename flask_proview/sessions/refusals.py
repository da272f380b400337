"""Pages that passed without proctoring, counted per place and reason; shown by ``proview check`` and the console."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from .database import Database, now_ms
from .models import Refusal
from .text import storable

# Host headers are chosen by whoever asks; the table must not grow with their fantasy.
MAX_ROWS = 1000


class RefusalStore:
    """The refusals table."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def count(
        self, route: str, account: str | None, reason: str, host: str, path: str, detail: str, by: int = 1
    ) -> None:
        """Count ``by`` pages of one place; the newest path and detail are kept. Any text is taken: it comes from whoever asks."""
        now = now_ms()
        values = {
            "route": storable(route, 64),
            "account": storable(account or "", 64),
            "reason": storable(reason, 32),
            "host": storable(host, 300),
            "path": storable(path, 512),
            "detail": storable(detail, 2000),
            "count": by,
            "first_at": now,
            "last_at": now,
        }
        with self._db.write() as db:
            insert = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
            statement = insert(Refusal).values(values)
            db.execute(
                statement.on_conflict_do_update(
                    index_elements=["route", "account", "reason", "host"],
                    set_={
                        "count": Refusal.count + by,
                        "last_at": now,
                        "path": statement.excluded.path,
                        "detail": statement.excluded.detail,
                    },
                )
            )
            if (db.scalar(select(func.count()).select_from(Refusal)) or 0) > MAX_ROWS:
                oldest = select(Refusal.id).order_by(Refusal.last_at).limit(1).scalar_subquery()
                db.execute(delete(Refusal).where(Refusal.id == oldest))

    def list(self, limit: int = 100) -> list[Refusal]:
        """Newest first."""
        with self._db.read() as db:
            return list(db.scalars(select(Refusal).order_by(Refusal.last_at.desc()).limit(limit)))
